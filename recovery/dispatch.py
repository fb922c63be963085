"""Sending a message: asked again right before it leaves, and what its sending means for the flow (rules H-30)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.tables.carts import CartStatus
from db.tables.customers import SuppressionScope
from db.tables.delivery import Message, MessageEventKind, MessageStatus
from db.tables.policy import Channel, ContactPhase, ContactVerdict
from db.tables.recovery import CartSaveStage, CartSaveStatus, InterventionStatus, StageEventKind
from delivery import service as delivery
from delivery.schemas import Recorded
from policy.contact import service as contact
from policy.contact.rules import Purpose
from policy.contact.service import GateDecision
from policy.tokens import Signer
from recovery.begin_stage import SOLD_OUT, is_sold_out
from recovery.configuration import flow_in_force
from recovery.repository import AttemptRepository, InterventionRepository
from storefront.carts import service as carts
from storefront.carts.schemas import CartView

STATUSES = {
    MessageStatus.SENT: InterventionStatus.SENT,
    MessageStatus.UNKNOWN: InterventionStatus.SENT,
    MessageStatus.FAILED: InterventionStatus.FAILED,
}


async def may_leave(session: AsyncSession, message: Message, *, signer: Signer, now: datetime) -> GateDecision:
    """Whether a message may leave now. Locks cart and attempt; the person is locked by the gate.

    What is not true any more is not sent: the cart was ordered or restored, the flow has ended, the offer that the
    message names has changed. A block is noted on the intervention, for the next stage and the merchant to see.
    """
    company_id = message.company_id
    cart = await carts.read_locked(session, message.cart_id, company_id=company_id, now=now)
    asked_for = message.intervention_id is None
    if not asked_for:
        stale = await why_stale(session, message, cart, now=now)
        if stale is not None:
            return await _blocked(session, message, (stale,), now=now)
    decision = await contact.decide_and_record(
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
    if decision.verdict is ContactVerdict.BLOCK:
        await note_block(session, message, decision.reasons, now=now)
    return decision


async def why_stale(session: AsyncSession, message: Message, cart: CartView, *, now: datetime) -> str | None:
    """Why a planned message or call should not go out any more, whatever the gate says. Locks the attempt."""
    company_id = message.company_id
    assert message.attempt_id is not None  # the messages of a flow carry it
    assert message.intervention_id is not None
    attempt = await AttemptRepository(session).get_for_update(message.attempt_id, company_id=company_id)
    if cart.status is CartStatus.ACTIVE:
        return "RESTORED"
    if attempt is None or attempt.status is not CartSaveStatus.IN_PROGRESS:
        return "FLOW_ENDED"
    if attempt.paused_reason is not None:
        return "FLOW_PAUSED"
    if cart.customer_id != message.customer_id:
        return "ANOTHER_CUSTOMER"
    flow = await flow_in_force(session, company_id=company_id)
    stage = None if message.stage is None else CartSaveStage(message.stage)
    if not flow.config.enabled or (stage is not None and not flow.config.stages.get(stage).enabled):
        return "SWITCHED_OFF"
    named = await InterventionRepository(session).grant_of(message.intervention_id, company_id=company_id)
    offered = None if cart.offer is None else cart.offer.grant_id
    # Named or not: the totals in the message were those of its offer. A call reads its totals when it is made.
    if message.channel is not Channel.VOICE and named != offered:
        return "OFFER_CHANGED"
    return SOLD_OUT if await is_sold_out(session, cart, now=now) else None


async def _blocked(session: AsyncSession, message: Message, reasons: tuple[str, ...], *, now: datetime) -> GateDecision:
    await note_block(session, message, reasons, now=now)
    return GateDecision(uuid7(), ContactVerdict.BLOCK, None, reasons, "")


async def note_block(session: AsyncSession, message: Message, reasons: tuple[str, ...], *, now: datetime) -> None:
    """Once, whoever asks: the cart is locked. What may have left already is not called blocked."""
    if message.intervention_id is None or message.attempt_id is None or message.status is not MessageStatus.PLANNED:
        return
    reason = ",".join(reasons)
    interventions = InterventionRepository(session)
    if await interventions.fail_scheduled(message.intervention_id, reason, company_id=message.company_id):
        attempts = AttemptRepository(session)
        attempt = await attempts.get_for_update(message.attempt_id, company_id=message.company_id)
        assert attempt is not None
        await attempts.add_event(
            attempt,
            StageEventKind.BLOCKED,
            company_id=message.company_id,
            now=now,
            reason=reason,
            stage=None if message.stage is None else CartSaveStage(message.stage),
        )


async def after_sending(
    session: AsyncSession, recorded: Recorded, *, company_id: UUID, signer: Signer, now: datetime
) -> None:
    """Mark the intervention; an address that does not exist is never written to again."""
    message = await delivery.get_message(session, recorded.message_id, company_id=company_id)
    if message.intervention_id is not None and recorded.status in STATUSES:
        status = STATUSES[recorded.status]
        await InterventionRepository(session).mark(
            message.intervention_id,
            status,
            company_id=company_id,
            reason=message.reason if status is InterventionStatus.FAILED else None,
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


async def after_call(
    session: AsyncSession, message_id: UUID, *, company_id: UUID, reached: bool, reason: str, now: datetime
) -> None:
    """A call is over. Whoever was `reached` has answered: an order of the next days is credited to it (rules 2.4)."""
    message = await delivery.get_message(session, message_id, company_id=company_id)
    if reached:
        await delivery.record_event(session, message_id, MessageEventKind.REPLIED, company_id=company_id, now=now)
    if message.intervention_id is not None:
        status = InterventionStatus.DELIVERED if reached else InterventionStatus.FAILED
        await InterventionRepository(session).mark(
            message.intervention_id, status, company_id=company_id, reason=None if reached else reason
        )
