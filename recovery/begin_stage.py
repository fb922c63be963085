"""The first of a stage's two transactions (decision 17): lock, re-read the world, say what may be done.

Then, with nothing locked, the planner chooses and writes, and `finish_stage` checks everything again. Both return
quietly when the step is past, so a job may run twice.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import CartStatus
from db.tables.companies import Company
from db.tables.policy import Channel, ContactPhase, ContactVerdict, GrantSource
from db.tables.recovery import (
    CartAbandonmentReason,
    CartSaveOutcome,
    CartSaveStage,
    CartSaveStatus,
    SaveAttempt,
    StageEventKind,
)
from experiments.rules import Arm
from policy.contact import service as contact
from policy.contact.rules import Purpose
from policy.contact.service import GateDecision
from policy.offers import service as offers
from policy.tokens import Signer
from recovery import rules, service
from recovery.config import FlowConfig
from recovery.configuration import Flow, flow_in_force
from recovery.remedies import InterventionType, menu
from recovery.repository import AttemptRepository, CompanyRepository, InterventionRepository
from storefront.carts import service as carts
from storefront.carts.schemas import CartView, OfferView
from storefront.customers import service as customers
from storefront.customers.schemas import CustomerView

# What messages can be written for today; the others are passed over with their reason.
WRITTEN_CHANNELS = frozenset({Channel.EMAIL})


@dataclass(frozen=True)
class StagePlan:
    """What a stage may do: facts to write about, remedies to choose from, channels that the gate allows."""

    attempt_id: UUID
    company_id: UUID
    cart: CartView
    customer: CustomerView
    shop: str
    locale: str
    tz: str
    stage: CartSaveStage
    sequence: int
    step: int
    is_last: bool
    channels: tuple[Channel, ...]
    remedies: tuple[InterventionType, ...]
    # What the ledger proposes for this stage; given only when a remedy that gives it is chosen.
    proposal: OfferView | None
    diagnosis: CartAbandonmentReason | None
    flow: Flow
    # When the plan was made.
    now: datetime


async def begin_stage(
    session: AsyncSession, attempt_id: UUID, *, company_id: UUID, step: int, signer: Signer, now: datetime
) -> StagePlan | None:
    """Find out what the due stage may do. None: there is nothing to write, and the attempt waits for what is next."""
    attempt = await lock_due(session, attempt_id, company_id=company_id, step=step, now=now)
    if attempt is None:
        return None
    cart = await carts.read(session, attempt.cart_id, company_id=company_id, now=now)
    if cart.status is CartStatus.CONVERTED:
        await service.close(session, attempt, CartSaveOutcome.CONVERTED, company_id=company_id, now=now)
        return None
    if cart.status is CartStatus.ACTIVE:
        # Restored: wait until it is idle again; the abandonment lets the attempt go on.
        attempt.due_at, attempt.released_at = cart.idle_due_at, None
        return None
    flow = await flow_in_force(session, company_id=company_id)
    if _is_over(flow.config, attempt):
        await service.close(session, attempt, CartSaveOutcome.EXHAUSTED, company_id=company_id, now=now)
        return None
    stage = flow.config.stages.get(attempt.current_stage)
    if not flow.config.enabled or not stage.enabled or attempt.experiment_arm == Arm.HOLDOUT:
        reason = "HOLDOUT" if attempt.experiment_arm == Arm.HOLDOUT else "SWITCHED_OFF"
        await pass_over(session, attempt, flow, company_id=company_id, reason=reason, now=now)
        return None
    channels = await _allowed(session, attempt, flow, stage.channels, company_id=company_id, signer=signer, now=now)
    if not channels:
        return None
    return await _plan(session, attempt, cart, flow, channels, company_id=company_id, now=now)


async def lock_due(
    session: AsyncSession, attempt_id: UUID, *, company_id: UUID, step: int, now: datetime
) -> SaveAttempt | None:
    """The attempt, locked after its cart, if it still waits for this step and the step is due."""
    attempts = AttemptRepository(session)
    found = await attempts.get(attempt_id, company_id=company_id)
    if found is None:
        return None
    await attempts.lock_cart(found.cart_id, company_id=company_id)
    attempt = await attempts.get_for_update(attempt_id, company_id=company_id)
    if attempt is None or attempt.status is not CartSaveStatus.IN_PROGRESS or attempt.step != step:
        return None
    if attempt.due_at is None or attempt.due_at > now:
        attempt.released_at = None
        return None
    return attempt


def _is_over(config: FlowConfig, attempt: SaveAttempt) -> bool:
    """Whether every stage has run and the attempt only stayed open for the credit of an order."""
    length = config.stages.winback_sequence.sequence_length
    return attempt.current_stage is CartSaveStage.WINBACK_SEQUENCE and attempt.sequence > length


async def _allowed(
    session: AsyncSession,
    attempt: SaveAttempt,
    flow: Flow,
    wanted: tuple[Channel, ...],
    *,
    company_id: UUID,
    signer: Signer,
    now: datetime,
) -> tuple[Channel, ...]:
    """The channels on which the gate allows this stage now. With none the attempt is put off or passes it over."""
    decisions: dict[Channel, GateDecision] = {}
    for channel in wanted:
        if channel in WRITTEN_CHANNELS and attempt.customer_id is not None:
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
    allowed = tuple(channel for channel, each in decisions.items() if each.verdict is ContactVerdict.ALLOW)
    if allowed:
        return allowed
    put_off = {each.until: each.reasons for each in decisions.values() if each.until is not None}
    if put_off:
        until = min(put_off)
        attempt.due_at, attempt.released_at = until, None
        await AttemptRepository(session).add_event(
            attempt, StageEventKind.DEFERRED, company_id=company_id, now=now, reason=",".join(put_off[until])
        )
        return ()
    reasons = sorted({reason for each in decisions.values() for reason in each.reasons})
    await pass_over(session, attempt, flow, company_id=company_id, reason=",".join(reasons) or "NO_CHANNEL", now=now)
    return ()


async def pass_over(
    session: AsyncSession, attempt: SaveAttempt, flow: Flow, *, company_id: UUID, reason: str, now: datetime
) -> None:
    """Nobody is contacted in this stage; the next one waits."""
    await AttemptRepository(session).add_event(
        attempt, StageEventKind.SKIPPED, company_id=company_id, now=now, reason=reason
    )
    await schedule_next(session, attempt, flow, company_id=company_id, now=now)


async def schedule_next(
    session: AsyncSession, attempt: SaveAttempt, flow: Flow, *, company_id: UUID, now: datetime
) -> None:
    """The deterministic scheduler decides when the next stage is due; after the last one only the credit is open."""
    contacted_at = await InterventionRepository(session).last_contact(attempt.id, company_id=company_id)
    following = rules.next_step(
        flow.config,
        stage=attempt.current_stage,
        sequence=attempt.sequence,
        abandoned_at=attempt.abandoned_at,
        contacted_at=contacted_at,
    )
    if following is None:
        length = flow.config.stages.winback_sequence.sequence_length
        following = rules.Step(CartSaveStage.WINBACK_SEQUENCE, length + 1, now + rules.CREDIT_WINDOW)
    await service.move_to(session, attempt, following, company_id=company_id, now=now)


async def _plan(
    session: AsyncSession,
    attempt: SaveAttempt,
    cart: CartView,
    flow: Flow,
    channels: tuple[Channel, ...],
    *,
    company_id: UUID,
    now: datetime,
) -> StagePlan:
    assert attempt.customer_id is not None  # the gate allowed somebody
    customer = await customers.get(session, attempt.customer_id, company_id=company_id)
    company = await CompanyRepository(session).get(company_id=company_id)
    proposed = await _propose(session, attempt, company_id=company_id, now=now)
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
        shop=company.name,
        locale=customer.locale or company.locale,
        tz=zone_of(customer, company),
        stage=attempt.current_stage,
        sequence=attempt.sequence,
        step=attempt.step,
        is_last=following is None,
        channels=channels,
        remedies=menu(
            attempt.current_stage,
            attempt.diagnosis_reason,
            offered=None if proposed is None else proposed.kind,
            below_free_shipping=gap and cart.offer is None,
        ),
        proposal=proposed,
        diagnosis=attempt.diagnosis_reason,
        flow=flow,
        now=now,
    )


def zone_of(customer: CustomerView, company: Company) -> str:
    """The zone in which times are told to this shopper."""
    return customer.timezone or company.timezone


async def _propose(session: AsyncSession, attempt: SaveAttempt, *, company_id: UUID, now: datetime) -> OfferView | None:
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
        idempotency_key=f"attempt:{attempt.id}:{attempt.step}",
        now=now,
    )
    if isinstance(offered, offers.Refused):
        return None
    grant = offered.grant
    return OfferView(grant.id, grant.kind, grant.percent, grant.expires_at)
