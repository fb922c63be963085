"""Sending a message: asked again right before it leaves, and what its sending means for the flow (rules H-30)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.tables.carts import CartStatus
from db.tables.customers import SuppressionScope
from db.tables.delivery import Message, MessageStatus
from db.tables.policy import ContactPhase, ContactVerdict
from db.tables.recovery import InterventionStatus
from delivery import service as delivery
from delivery.schemas import Recorded
from policy.contact import service as contact
from policy.contact.rules import Purpose
from policy.contact.service import GateDecision
from policy.tokens import Signer
from recovery.repository import AttemptRepository, InterventionRepository
from storefront.carts import service as carts

STATUSES = {
    MessageStatus.SENT: InterventionStatus.SENT,
    MessageStatus.UNKNOWN: InterventionStatus.SENT,
    MessageStatus.FAILED: InterventionStatus.FAILED,
    MessageStatus.BLOCKED: InterventionStatus.FAILED,
}


async def may_leave(session: AsyncSession, message: Message, *, signer: Signer, now: datetime) -> GateDecision:
    """Whether a message may leave now. Locks cart and attempt; the person is locked by the gate.

    What is not true any more is not sent: the cart was ordered or restored, the offer it names has changed.
    """
    company_id = message.company_id
    cart = await carts.read_locked(session, message.cart_id, company_id=company_id, now=now)
    if message.attempt_id is not None:
        await AttemptRepository(session).get_for_update(message.attempt_id, company_id=company_id)
    asked_for = message.intervention_id is None
    if not asked_for and cart.status is CartStatus.ACTIVE:
        return _blocked("RESTORED")
    if message.intervention_id is not None:
        named = await InterventionRepository(session).grant_of(message.intervention_id, company_id=company_id)
        if named is not None and (cart.offer is None or cart.offer.grant_id != named):
            return _blocked("OFFER_CHANGED")
    return await contact.decide_and_record(
        session,
        message.customer_id,
        company_id=company_id,
        channel=message.channel,
        purpose=Purpose.TRANSACTIONAL if asked_for else Purpose.MARKETING,
        phase=ContactPhase.DISPATCH,
        signer=signer,
        cart_id=message.cart_id,
        attempt_id=message.attempt_id,
        message_id=message.id,
        now=now,
    )


def _blocked(reason: str) -> GateDecision:
    return GateDecision(uuid7(), ContactVerdict.BLOCK, None, (reason,), "")


async def after_sending(
    session: AsyncSession, recorded: Recorded, *, company_id: UUID, signer: Signer, now: datetime
) -> None:
    """Mark the intervention; an address that does not exist is never written to again."""
    message = await delivery.get_message(session, recorded.message_id, company_id=company_id)
    if message.intervention_id is not None and recorded.status in STATUSES:
        await InterventionRepository(session).mark(
            message.intervention_id, STATUSES[recorded.status], company_id=company_id
        )
    if recorded.bad_recipient:
        await contact.suppress(
            session,
            message.to_address,
            SuppressionScope.EMAIL,
            company_id=company_id,
            reason="BOUNCED",
            source="SMTP",
            signer=signer,
            now=now,
        )
