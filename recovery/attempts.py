"""One attempt: find it, lock it, let its next step wait, put it aside, end it.

Locks in order: cart, attempt, grant, message. Who changes an attempt has locked it.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.recovery import (
    CartAbandonmentReason,
    CartSaveOutcome,
    CartSaveStage,
    CartSaveStatus,
    PausedReason,
    SaveAttempt,
    StageEventKind,
)
from recovery import rules
from recovery.configuration import Flow
from recovery.errors import AttemptIsClosed, NoSuchAttempt
from recovery.repository import AttemptRepository, InterventionRepository
from storefront.carts.schemas import CartView

CART_EMPTIED = "CART_EMPTIED"


async def get_attempt(session: AsyncSession, attempt_id: UUID, *, company_id: UUID) -> SaveAttempt:
    attempt = await AttemptRepository(session).get(attempt_id, company_id=company_id)
    if attempt is None:
        raise NoSuchAttempt(attempt_id)
    return attempt


async def list_attempts(
    session: AsyncSession, *, company_id: UUID, cart_id: UUID | None, after: UUID | None, limit: int
) -> list[SaveAttempt]:
    """Newest first; `after` is the last id of the page before."""
    return await AttemptRepository(session).page(company_id=company_id, cart_id=cart_id, after=after, limit=limit)


def given_answer(reason: CartAbandonmentReason, words: str | None, *, at: datetime) -> dict[str, str]:
    """An entry of `diagnosis_answers`; `words` are redacted already."""
    answer: dict[str, str] = {"reason": reason, "at": at.isoformat()}
    return {**answer, "text": words} if words else answer


async def lock_running(session: AsyncSession, attempt_id: UUID, *, company_id: UUID) -> SaveAttempt:
    """The running attempt, locked after its cart.

    Raises:
        NoSuchAttempt, AttemptIsClosed.
    """
    attempts = AttemptRepository(session)
    found = await attempts.get(attempt_id, company_id=company_id)
    if found is None:
        raise NoSuchAttempt(attempt_id)
    await attempts.lock_cart(found.cart_id, company_id=company_id)
    attempt = await attempts.get_for_update(attempt_id, company_id=company_id)
    if attempt is None or attempt.status is not CartSaveStatus.IN_PROGRESS:
        raise AttemptIsClosed
    return attempt


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


async def move_to(
    session: AsyncSession, attempt: SaveAttempt, step: rules.Step, *, company_id: UUID, now: datetime
) -> None:
    """Let `step` wait as the attempt's next; a job that is out for the one before finds its step number past."""
    previous, attempt.current_stage = attempt.current_stage, step.stage
    attempt.sequence, attempt.step = step.sequence, attempt.step + 1
    attempt.due_at, attempt.released_at = max(step.due_at, now), None
    await AttemptRepository(session).add_event(
        attempt, StageEventKind.ENTERED, company_id=company_id, now=now, previous=previous
    )


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
    await move_to(session, attempt, following, company_id=company_id, now=now)


async def wait_until_idle(
    session: AsyncSession, attempt: SaveAttempt, cart: CartView, *, company_id: UUID, now: datetime
) -> None:
    """The shopper is back in the cart: the due stage waits until it is left again (decision 7).

    Where its idle time is over already, the abandonment that is under way lets the attempt go on. A cart that
    cannot be abandoned any more, because nothing is in it, has nothing left to save.
    """
    if cart.idle_due_at is None:
        await close(session, attempt, CartSaveOutcome.EXPIRED, company_id=company_id, now=now, reason=CART_EMPTIED)
        return
    attempt.due_at = cart.idle_due_at if cart.idle_due_at > now else None
    attempt.released_at = None


async def pause(
    session: AsyncSession, attempt: SaveAttempt, reason: PausedReason, *, company_id: UUID, now: datetime
) -> None:
    """Nothing is due until somebody lets it go on. Its planned messages are cancelled by the caller."""
    attempt.paused_reason, attempt.due_at, attempt.released_at = reason, None, None
    await InterventionRepository(session).expire_scheduled(attempt.id, company_id=company_id)
    await AttemptRepository(session).add_event(
        attempt, StageEventKind.PAUSED, company_id=company_id, now=now, reason=reason
    )


async def resume(session: AsyncSession, attempt: SaveAttempt, *, company_id: UUID, now: datetime) -> None:
    """A paused attempt goes on with the stage that waited."""
    attempt.paused_reason, attempt.paused_until = None, None
    attempt.due_at, attempt.released_at = now, None
    await AttemptRepository(session).add_event(attempt, StageEventKind.RESUMED, company_id=company_id, now=now)


async def close(
    session: AsyncSession,
    attempt: SaveAttempt,
    outcome: CartSaveOutcome,
    *,
    company_id: UUID,
    now: datetime,
    reason: str | None = None,
) -> SaveAttempt:
    """End the attempt; nothing of it is due any more."""
    match outcome:
        case CartSaveOutcome.CANCELLED:
            attempt.status = CartSaveStatus.CANCELLED
        case CartSaveOutcome.EXPIRED:
            attempt.status = CartSaveStatus.EXPIRED
        case _:
            attempt.status = CartSaveStatus.COMPLETED
    attempt.outcome, attempt.completed_at = outcome, now
    attempt.due_at, attempt.released_at = None, None
    await InterventionRepository(session).expire_scheduled(attempt.id, company_id=company_id)
    await AttemptRepository(session).add_event(
        attempt, StageEventKind.CLOSED, company_id=company_id, now=now, reason=reason or outcome
    )
    return attempt
