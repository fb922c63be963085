"""The life of a save attempt: opened by abandonment, moved by answers, ended by order, opt-out or exhaustion.

Locks in order: cart, attempt, grant, message.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.tables.carts import CartStatus, PaymentState
from db.tables.companies import Company
from db.tables.customers import SuppressionScope
from db.tables.delivery import MessageEventKind
from db.tables.policy import Channel
from db.tables.recovery import (
    CartAbandonmentReason,
    CartSaveOutcome,
    CartSaveStatus,
    PausedReason,
    SaveAttempt,
    StageEventKind,
)
from delivery import service as delivery
from experiments.rules import assign
from policy.contact import service as contact
from policy.offers import service as offers
from policy.tokens import Signer
from recovery import rules
from recovery.attempts import close, given_answer, lock_running, pause
from recovery.configuration import Flow, flow_in_force
from recovery.errors import CartNotAbandoned, FlowIsOff, OutcomeNeedsAnOrder
from recovery.repository import AttemptRepository, CompanyRepository, DiagnosisRepository
from storefront.carts import service as carts
from storefront.carts.schemas import CartView, OrderView

EXPERIMENT = "recovery"
# Set by the experiments work; until then everybody who may be contacted is (decision 19).
HOLDOUT_SHARE = 0.0


async def abandon(session: AsyncSession, cart_id: UUID, *, company_id: UUID, now: datetime) -> SaveAttempt | None:
    """A cart's idle time is over: if it is abandoned, open its flow or let the one that it has go on."""
    if not await carts.mark_abandoned(session, cart_id, company_id=company_id, now=now):
        return None
    flow = await flow_in_force(session, company_id=company_id)
    return await _open(session, cart_id, flow, company_id=company_id, now=now, reason=None)


async def start_attempt(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    now: datetime,
    reason: CartAbandonmentReason | None = None,
) -> SaveAttempt:
    """Open the save flow of an abandoned cart, or return the one that runs (spec 11, initiate).

    Raises:
        CartNotAbandoned, FlowIsOff.
    """
    flow = await flow_in_force(session, company_id=company_id)
    attempt = await _open(session, cart_id, flow, company_id=company_id, now=now, reason=reason)
    if attempt is None:
        raise FlowIsOff
    return attempt


async def _open(
    session: AsyncSession,
    cart_id: UUID,
    flow: Flow,
    *,
    company_id: UUID,
    now: datetime,
    reason: CartAbandonmentReason | None,
) -> SaveAttempt | None:
    cart = await carts.read_locked(session, cart_id, company_id=company_id, now=now)
    attempts = AttemptRepository(session)
    if running := await attempts.running_for_update(cart_id, company_id=company_id):
        if cart.status is CartStatus.ABANDONED and cart.abandoned_at is not None and running.paused_reason is None:
            # Left again after it was restored: the stage that waited is due, not the ones before it again.
            running.due_at = max(running.due_at or cart.abandoned_at, cart.abandoned_at)
        return running
    if cart.status is not CartStatus.ABANDONED or cart.abandoned_at is None:
        raise CartNotAbandoned(cart.status)
    first = rules.first_step(flow.config, abandoned_at=cart.abandoned_at)
    if first is None or not flow.config.enabled:
        return None
    said = None if reason else await DiagnosisRepository(session).latest(cart_id, company_id=company_id)
    person = str(cart.customer_id)
    attempt = SaveAttempt(
        company_id=company_id,
        id=uuid7(),
        cart_id=cart_id,
        customer_id=cart.customer_id,
        current_stage=first.stage,
        step=0,
        sequence=first.sequence,
        # The ticker releases it when it is due: waiting is this one row, not a job.
        due_at=max(first.due_at, now),
        diagnosis_reason=said.reason if said else reason,
        diagnosis_answers={"answers": [given_answer(said.reason, said.words, at=said.given_at)]} if said else {},
        customer_risk_score=0.0,
        cart_value_minor=cart.grand_total_minor,
        currency=cart.currency,
        status=CartSaveStatus.IN_PROGRESS,
        experiment_arm=assign(person, experiment=EXPERIMENT, holdout_share=HOLDOUT_SHARE),
        abandoned_at=cart.abandoned_at,
        started_at=now,
    )
    await attempts.add_if_none_runs(attempt)
    # The cart is locked: nobody can have opened one in between.
    opened = await attempts.running_for_update(cart_id, company_id=company_id)
    assert opened is not None
    await attempts.add_event(opened, StageEventKind.ENTERED, company_id=company_id, now=now)
    return opened


async def the_company(session: AsyncSession, *, company_id: UUID) -> Company:
    """The shop that speaks: name, address, zone, language."""
    return await CompanyRepository(session).get(company_id=company_id)


async def convert(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    order_id: str,
    payment_state: PaymentState,
    now: datetime,
) -> OrderView:
    """An order was placed for the cart: keep it once, use up the offer, stop everything else (decision 15).

    Raises:
        storefront.carts.rules.OtherOrder, EmptyCart.
    """
    await carts.read_locked(session, cart_id, company_id=company_id, now=now)
    attempt = await AttemptRepository(session).running_for_update(cart_id, company_id=company_id)
    touch = await delivery.last_touch(session, cart_id, company_id=company_id, before=now)
    credited = touch is not None and rules.is_credited(touched_at=touch.at, ordered_at=now)
    order = await carts.convert(
        session,
        cart_id,
        company_id=company_id,
        order_id=order_id,
        payment_state=payment_state,
        credited_message_id=touch.message_id if touch is not None and credited else None,
        now=now,
    )
    if order.repeated:
        return order
    used = await offers.redeem(session, cart_id, company_id=company_id, now=now)
    await delivery.cancel_planned(session, company_id=company_id, cart_id=cart_id, reason="ORDERED")
    if attempt is not None:
        outcome = rules.outcome_of_order(credited=credited, discounted=used is not None)
        await close(session, attempt, outcome, company_id=company_id, now=now)
    return order


async def opt_out(
    session: AsyncSession,
    customer_id: UUID,
    *,
    company_id: UUID,
    scope: SuppressionScope,
    source: str,
    signer: Signer,
    now: datetime,
    conversation_id: UUID | None = None,
) -> None:
    """Never write to this person again, as far as `scope` goes: suppressed, planned messages cancelled, flows ended.

    `conversation_id` is where they said so: on a call, the number that was dialled is stopped too.
    """
    if scope is SuppressionScope.ALL:
        attempts = AttemptRepository(session)
        for each in await attempts.running_of_customer(customer_id, company_id=company_id):
            await attempts.lock_cart(each.cart_id, company_id=company_id)
            attempt = await attempts.get_for_update(each.id, company_id=company_id)
            if attempt is not None and attempt.status is CartSaveStatus.IN_PROGRESS:
                await close(
                    session, attempt, CartSaveOutcome.CANCELLED, company_id=company_id, now=now, reason="OPTED_OUT"
                )
    await contact.suppress_person(
        session,
        customer_id,
        scope,
        company_id=company_id,
        reason="OPT_OUT",
        source=source,
        signer=signer,
        now=now,
        conversation_id=conversation_id,
    )
    channel = None if scope is SuppressionScope.ALL else Channel(scope)
    await delivery.cancel_planned(
        session, company_id=company_id, customer_id=customer_id, channel=channel, reason="OPTED_OUT"
    )


async def restore(
    session: AsyncSession, cart_id: UUID, message_id: UUID, *, company_id: UUID, now: datetime
) -> CartView:
    """The recovery link was followed: reopen the cart, credit the touch, let the flow wait (decision 7)."""
    cart = await carts.restore(session, cart_id, company_id=company_id, now=now)
    attempts = AttemptRepository(session)
    attempt = await attempts.running_for_update(cart_id, company_id=company_id)
    await delivery.record_event(session, message_id, MessageEventKind.CLICKED, company_id=company_id, now=now)
    if attempt is not None:
        await attempts.add_event(attempt, StageEventKind.RESTORED, company_id=company_id, now=now)
    return cart


async def complete(
    session: AsyncSession, attempt_id: UUID, outcome: CartSaveOutcome, *, company_id: UUID, now: datetime
) -> SaveAttempt:
    """The merchant ends or pauses a flow. A recovery follows from an order alone (rules H-37)."""
    attempt = await lock_running(session, attempt_id, company_id=company_id)
    if outcome in (
        CartSaveOutcome.CONVERTED,
        CartSaveOutcome.SAVED_WITH_DISCOUNT,
        CartSaveOutcome.SAVED_WITHOUT_DISCOUNT,
    ):
        raise OutcomeNeedsAnOrder
    await delivery.cancel_planned(session, company_id=company_id, cart_id=attempt.cart_id, reason="STOPPED")
    if outcome is CartSaveOutcome.PAUSED:
        await pause(session, attempt, PausedReason.MERCHANT, company_id=company_id, now=now)
        return attempt
    return await close(session, attempt, outcome, company_id=company_id, now=now, reason="BY_MERCHANT")
