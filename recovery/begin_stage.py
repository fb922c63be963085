"""The first of a stage's two transactions (decision 17): lock, re-read the world, say what may be done.

Then, with nothing locked, the planner chooses and writes, and `finish_stage` checks everything again. Both return
quietly when the step is past, so a job may run twice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import CartStatus
from db.tables.policy import Channel, ContactPhase, ContactVerdict, GrantSource
from db.tables.recovery import (
    CartAbandonmentReason,
    CartSaveOutcome,
    CartSaveStage,
    SaveAttempt,
    StageEventKind,
)
from experiments.rules import Arm
from policy.contact import service as contact
from policy.contact.rules import Purpose
from policy.contact.service import GateDecision
from policy.offers import service as offers
from policy.tokens import Signer
from recovery import rules
from recovery.attempts import close, lock_due, pass_over, wait_until_idle
from recovery.config import FlowConfig
from recovery.configuration import Flow, flow_in_force
from recovery.reader import first_name_of, locale_of, zone_of
from recovery.remedies import QUESTIONS, InterventionType, menu
from recovery.repository import AttemptRepository, CompanyRepository
from storefront.carts import service as carts
from storefront.carts.schemas import CartView, OfferView
from storefront.customers import service as customers
from storefront.customers.schemas import CustomerView
from storefront.holds import service as holds

# What messages can be written for today; the others are passed over with their reason.
WRITTEN_CHANNELS = frozenset({Channel.EMAIL})
SOLD_OUT = "SOLD_OUT"


class MayCall(Protocol):
    """The phone room's policy, which is above this one: it asks the gate too, and keeps its decision."""

    async def __call__(self, session: AsyncSession, attempt: SaveAttempt, *, now: datetime) -> GateDecision: ...


@dataclass(frozen=True)
class Allowed:
    """The channels of a stage, and the instant of its call if VOICE is among them."""

    channels: tuple[Channel, ...] = ()
    call_at: datetime | None = None


@dataclass(frozen=True)
class StagePlan:
    """What a stage may do: facts to write about, remedies to choose from, channels that the gate allows."""

    attempt_id: UUID
    company_id: UUID
    cart: CartView
    customer: CustomerView
    # None where what was typed is no name.
    first_name: str | None
    shop: str
    locale: str
    tz: str
    stage: CartSaveStage
    sequence: int
    step: int
    is_last: bool
    channels: tuple[Channel, ...]
    # When the call of this stage is due; its words are the conversation's own.
    call_at: datetime | None
    remedies: tuple[InterventionType, ...]
    # What the ledger proposes for this stage; given only when a remedy that gives it is chosen.
    proposal: OfferView | None
    diagnosis: CartAbandonmentReason | None
    # What the FAQ is asked for this shopper.
    question: str | None
    flow: Flow
    # When the plan was made.
    now: datetime


async def begin_stage(
    session: AsyncSession,
    attempt_id: UUID,
    *,
    company_id: UUID,
    step: int,
    signer: Signer,
    now: datetime,
    may_call: MayCall | None = None,
) -> StagePlan | None:
    """Find out what the due stage may do. None: there is nothing to write, and the attempt waits for what is next.

    Without `may_call` there is no phone room, and VOICE is passed over like every channel that nobody serves.
    """
    attempt = await lock_due(session, attempt_id, company_id=company_id, step=step, now=now)
    if attempt is None:
        return None
    cart = await carts.read(session, attempt.cart_id, company_id=company_id, now=now)
    flow = await flow_in_force(session, company_id=company_id)
    if cart.status is CartStatus.CONVERTED:
        await close(session, attempt, CartSaveOutcome.CONVERTED, company_id=company_id, now=now)
    elif cart.status is CartStatus.ACTIVE:
        await wait_until_idle(session, attempt, cart, company_id=company_id, now=now)
    elif _is_over(flow.config, attempt):
        await close(session, attempt, CartSaveOutcome.EXHAUSTED, company_id=company_id, now=now)
    elif (reason := _pointless(flow.config, attempt)) is not None or await is_sold_out(session, cart, now=now):
        await pass_over(session, attempt, flow, company_id=company_id, reason=reason or SOLD_OUT, now=now)
    else:
        asked = await _ask(session, attempt, flow, company_id=company_id, signer=signer, may_call=may_call, now=now)
        allowed = await _allowed(session, attempt, flow, asked, company_id=company_id, now=now)
        if allowed.channels:
            return await _plan(session, attempt, cart, flow, allowed, company_id=company_id, now=now)
    return None


async def is_sold_out(session: AsyncSession, cart: CartView, *, now: datetime) -> bool:
    """Whether nothing of the cart can be had any more: there is nothing to come back for."""
    wanted = {line.variant_id for line in cart.lines}
    return await holds.is_sold_out(session, cart.id, wanted, company_id=cart.company_id, now=now)


def _pointless(config: FlowConfig, attempt: SaveAttempt) -> str | None:
    """Why this stage contacts nobody, whatever the gate says."""
    if attempt.experiment_arm == Arm.HOLDOUT:
        return "HOLDOUT"
    if not config.enabled or not config.stages.get(attempt.current_stage).enabled:
        return "SWITCHED_OFF"
    if attempt.current_stage is CartSaveStage.DIAGNOSIS_SURVEY and attempt.diagnosis_reason is not None:
        return "ALREADY_ANSWERED"
    return None


def _is_over(config: FlowConfig, attempt: SaveAttempt) -> bool:
    """Whether every stage has run and the attempt only stayed open for the credit of an order."""
    length = config.stages.winback_sequence.sequence_length
    return attempt.current_stage is CartSaveStage.WINBACK_SEQUENCE and attempt.sequence > length


async def _ask(
    session: AsyncSession,
    attempt: SaveAttempt,
    flow: Flow,
    *,
    company_id: UUID,
    signer: Signer,
    may_call: MayCall | None,
    now: datetime,
) -> dict[Channel, GateDecision]:
    """What the gate says of each channel that the stage wants and somebody serves."""
    decisions: dict[Channel, GateDecision] = {}
    if attempt.customer_id is None:
        return decisions
    for channel in flow.config.channels_of(attempt.current_stage):
        if channel is Channel.VOICE and may_call is not None:
            decisions[channel] = await may_call(session, attempt, now=now)
        elif channel in WRITTEN_CHANNELS:
            decisions[channel] = await contact.decide_and_record(
                session,
                attempt.customer_id,
                company_id=company_id,
                channel=channel,
                purpose=Purpose.MARKETING,
                phase=ContactPhase.PLAN,
                signer=signer,
                cart_id=attempt.cart_id,
                attempt_id=attempt.id,
                now=now,
            )
    return decisions


async def _allowed(
    session: AsyncSession,
    attempt: SaveAttempt,
    flow: Flow,
    decisions: dict[Channel, GateDecision],
    *,
    company_id: UUID,
    now: datetime,
) -> Allowed:
    """The channels on which this stage goes out. With none the attempt is put off or passes it over.

    A call that has to wait for its hours waits by itself; it does not hold up the messages of its stage.
    """
    allowed = tuple(channel for channel, each in decisions.items() if each.verdict is ContactVerdict.ALLOW)
    call = decisions.get(Channel.VOICE)
    if call is not None and call.until is not None:
        others = [each.verdict for channel, each in decisions.items() if channel is not Channel.VOICE]
        if allowed or ContactVerdict.DEFER not in others:
            return Allowed((*allowed, Channel.VOICE), call.until)
    if allowed:
        return Allowed(allowed, now if Channel.VOICE in allowed else None)
    put_off = {each.until: each.reasons for each in decisions.values() if each.until is not None}
    if put_off:
        until = min(put_off)
        attempt.due_at, attempt.released_at = until, None
        await AttemptRepository(session).add_event(
            attempt, StageEventKind.DEFERRED, company_id=company_id, now=now, reason=",".join(put_off[until])
        )
        return Allowed()
    reasons = sorted({reason for each in decisions.values() for reason in each.reasons})
    await pass_over(session, attempt, flow, company_id=company_id, reason=",".join(reasons) or "NO_CHANNEL", now=now)
    return Allowed()


async def _plan(
    session: AsyncSession,
    attempt: SaveAttempt,
    cart: CartView,
    flow: Flow,
    allowed: Allowed,
    *,
    company_id: UUID,
    now: datetime,
) -> StagePlan:
    assert attempt.customer_id is not None  # the gate allowed somebody
    customer = await customers.get(session, attempt.customer_id, company_id=company_id)
    company = await CompanyRepository(session).get(company_id=company_id)
    # A call offers in its own conversation; nothing is given away before anybody could be told.
    is_written = allowed.channels != (Channel.VOICE,)
    proposed = await _propose(session, attempt, cart, company_id=company_id, now=now) if is_written else None
    gap = cart.free_shipping is not None and cart.free_shipping.remaining_minor > 0
    following = rules.next_step(
        flow.config,
        stage=attempt.current_stage,
        sequence=attempt.sequence,
        abandoned_at=attempt.abandoned_at,
        contacted_at=None,
    )
    return StagePlan(
        attempt_id=attempt.id,
        company_id=company_id,
        cart=cart,
        customer=customer,
        first_name=first_name_of(customer),
        shop=company.name,
        locale=locale_of(customer, company),
        tz=zone_of(customer, company),
        stage=attempt.current_stage,
        sequence=attempt.sequence,
        step=attempt.step,
        is_last=following is None,
        channels=allowed.channels,
        call_at=allowed.call_at,
        remedies=menu(
            attempt.current_stage,
            attempt.diagnosis_reason,
            offered=None if proposed is None else proposed.kind,
            below_free_shipping=gap and cart.offer is None,
        ),
        proposal=proposed,
        diagnosis=attempt.diagnosis_reason,
        question=question_of(attempt),
        flow=flow,
        now=now,
    )


def question_of(attempt: SaveAttempt) -> str | None:
    """What the shopper wrote with the latest answer, else what somebody with this diagnosis would ask."""
    if attempt.diagnosis_reason is None:
        return None
    answers: list[dict[str, str]] = attempt.diagnosis_answers.get("answers", [])
    written = answers[-1].get("text") if answers else None
    return written or QUESTIONS.get(attempt.diagnosis_reason)


async def _propose(
    session: AsyncSession, attempt: SaveAttempt, cart: CartView, *, company_id: UUID, now: datetime
) -> OfferView | None:
    reason = rules.offer_reason(attempt.current_stage, attempt.diagnosis_reason)
    if reason is None:
        return None
    offered = await offers.propose(
        session,
        attempt.cart_id,
        company_id=company_id,
        reason=reason,
        source=GrantSource.STAGE,
        stage=attempt.current_stage,
        # A stage that is planned again finds its proposal; one that waited for a restored cart makes a new one.
        idempotency_key=f"attempt:{attempt.id}:{attempt.step}:{cart.abandonment}",
        now=now,
    )
    if isinstance(offered, offers.Refused):
        return None
    grant = offered.grant
    return OfferView(grant.id, grant.kind, grant.percent, grant.expires_at)
