"""A shop whose shopper is on the phone: the rows of a call at any point of its life, written directly."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.ids import uuid7
from db.session import transaction
from db.tables.delivery import Message, MessageStatus
from db.tables.policy import Channel
from db.tables.recovery import CartSaveStage, Intervention, InterventionStatus
from db.tables.voice import VoiceCall, VoiceCallStatus
from tests.factories import SIGNER
from tests.recovery.shops import Shop

PHONE = "+15035550142"


async def make_call(
    engine: AsyncEngine,
    shop: Shop,
    *,
    at: datetime,
    status: VoiceCallStatus = VoiceCallStatus.DIALLED,
    silent_for: timedelta = timedelta(),
    **columns: Any,
) -> VoiceCall:
    """A call about a cart of its own, with its attempt, its intervention and its sent message."""
    cart_id = columns.pop("cart_id", None) or await shop.cart()
    attempt_id = columns.pop("attempt_id", None) or await shop.start(cart_id)
    intervention_id, message_id = uuid7(), uuid7()
    async with transaction(engine, company_id=shop.id) as session:
        session.add(_intervention(shop.id, intervention_id, attempt_id, cart_id, at=at))
        await session.flush()
        session.add(_message(shop, message_id, intervention_id, attempt_id, cart_id, at=at))
        await session.flush()
        call = VoiceCall(
            company_id=shop.id,
            id=uuid7(),
            attempt_id=attempt_id,
            cart_id=cart_id,
            customer_id=shop.maya.id,
            message_id=message_id,
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
                # Real time, which no test moves.
                "heartbeat_at": datetime.now(at.tzinfo) - silent_for,
                **columns,
            },
        )
        session.add(call)
        await session.flush()
    return call


def _intervention(company_id: UUID, intervention_id: UUID, attempt_id: UUID, cart_id: UUID, *, at: datetime) -> Any:
    return Intervention(
        company_id=company_id,
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


def _message(
    shop: Shop, message_id: UUID, intervention_id: UUID, attempt_id: UUID, cart_id: UUID, *, at: datetime
) -> Any:
    return Message(
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
        status=MessageStatus.SENT,
        created_at=at,
        sent_at=at,
    )
