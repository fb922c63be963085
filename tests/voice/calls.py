"""A shop whose shopper is on the phone: the rows of a call at any point of its life, written directly."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.clock import real_now
from db.ids import uuid7
from db.session import transaction
from db.tables.delivery import Message, MessageStatus
from db.tables.policy import Channel
from db.tables.recovery import CartSaveStage, Intervention, InterventionStatus
from db.tables.voice import VoiceCall, VoiceCallStatus
from tests.factories import SIGNER
from tests.recovery.shops import Shop

PHONE = "+15035550142"


async def make_contact(shop: Shop, *, at: datetime, status: MessageStatus = MessageStatus.SENT) -> dict[str, UUID]:
    """A cart of its own with its attempt, its intervention and its message: what a call belongs to."""
    cart_id = await shop.cart()
    attempt_id = await shop.start(cart_id)
    intervention_id, message_id = uuid7(), uuid7()
    async with shop.begin() as session:
        session.add(
            Intervention(
                company_id=shop.id,
                id=intervention_id,
                attempt_id=attempt_id,
                cart_id=cart_id,
                stage=CartSaveStage.NUCLEAR_OFFER,
                step=99,
                channels=["VOICE"],
                content={},
                author="TEMPLATE",
                triggers_used=[],
                grant_id=None,
                status=InterventionStatus.SENT,
                scheduled_at=at,
            )
        )
        await session.flush()
        session.add(
            Message(
                company_id=shop.id,
                id=message_id,
                intervention_id=intervention_id,
                attempt_id=attempt_id,
                cart_id=cart_id,
                customer_id=shop.maya.id,
                abandonment=1,
                channel=Channel.VOICE,
                stage="NUCLEAR_OFFER",
                to_address=PHONE,
                subject="Phone call",
                text="",
                html="",
                headers={},
                recovery_url="",
                status=status,
                created_at=at,
                sent_at=at,
            )
        )
    return {"cart_id": cart_id, "attempt_id": attempt_id, "message_id": message_id}


async def make_call(
    engine: AsyncEngine,
    shop: Shop,
    *,
    at: datetime,
    status: VoiceCallStatus = VoiceCallStatus.DIALLED,
    silent_for: timedelta = timedelta(),
    **columns: Any,
) -> VoiceCall:
    """A call about a cart of its own. `silent_for` is how long nothing was heard of it, in real time."""
    contact = await make_contact(shop, at=at)
    async with transaction(engine, company_id=shop.id) as session:
        call = VoiceCall(
            company_id=shop.id,
            id=uuid7(),
            **contact,
            customer_id=shop.maya.id,
            status=status,
            initiated_at=at,
            **{
                "abandonment": 1,
                "person_key": shop.maya.person_key,
                "number_hash": SIGNER.keyed_hash(PHONE),
                "called_on": at.date(),
                "slot": 1,
                "provider_id": f"CA{uuid7().hex}",
                "script_type": "CART_RECOVERY",
                "heartbeat_at": real_now() - silent_for,
                **columns,
            },
        )
        session.add(call)
        await session.flush()
    return call
