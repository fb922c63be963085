"""What shoppers and merchants answer to a running flow, and where that moves it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.delivery import MessageEventKind
from db.tables.recovery import CartAbandonmentReason, CartSaveOutcome, CartSaveStage, SaveAttempt, StageEventKind
from delivery import service as delivery
from policy.redaction.rules import redact
from recovery import rules
from recovery.attempts import close, get_attempt, given_answer, lock_running, move_to, resume
from recovery.configuration import flow_in_force
from recovery.repository import AttemptRepository, DiagnosisRepository


async def answer(
    session: AsyncSession,
    attempt_id: UUID,
    reason: CartAbandonmentReason,
    *,
    company_id: UUID,
    now: datetime,
    text: str | None = None,
) -> SaveAttempt:
    """Keep a diagnosis. While the branch is still ahead it is due now, the contact gate permitting (decision 6).

    In a paused flow the answer is kept and nothing moves. Card numbers in `text` are gone before it is stored.
    """
    attempt = await lock_running(session, attempt_id, company_id=company_id)
    attempt.diagnosis_reason = reason
    given = given_answer(reason, redact(text).text if text else None, at=now)
    attempt.diagnosis_answers = {"answers": [*attempt.diagnosis_answers.get("answers", []), given]}
    attempts = AttemptRepository(session)
    await attempts.add_event(attempt, StageEventKind.ANSWERED, company_id=company_id, now=now, reason=reason)
    flow = await flow_in_force(session, company_id=company_id)
    if attempt.paused_reason is None and rules.answer_moves_to_branch(flow.config, attempt.current_stage):
        await move_to(
            session, attempt, rules.Step(CartSaveStage.BRANCHING_INTERVENTION, 1, now), company_id=company_id, now=now
        )
    return attempt


async def answer_survey(
    session: AsyncSession,
    attempt_id: UUID,
    message_id: UUID,
    reason: CartAbandonmentReason,
    *,
    company_id: UUID,
    now: datetime,
    text: str | None = None,
) -> None:
    """The one-tap survey of a message was answered: the message is credited, the answer moves the flow.

    Raises:
        AttemptIsClosed: the flow has ended; the answer comes too late to change anything.
    """
    await answer(session, attempt_id, reason, company_id=company_id, now=now, text=text)
    await delivery.record_event(session, message_id, MessageEventKind.CLICKED, company_id=company_id, now=now)


async def answer_for_cart(
    session: AsyncSession,
    cart_id: UUID,
    reason: CartAbandonmentReason,
    *,
    company_id: UUID,
    now: datetime,
    text: str | None = None,
) -> bool:
    """Keep a diagnosis that was given in a conversation. True if a running flow took it up; else the next one will."""
    attempts = AttemptRepository(session)
    await attempts.lock_cart(cart_id, company_id=company_id)
    words = redact(text).text if text else None
    await DiagnosisRepository(session).add(cart_id, reason, words, company_id=company_id, now=now)
    running = await attempts.running_for_update(cart_id, company_id=company_id)
    if running is None:
        return False
    await answer(session, running.id, reason, company_id=company_id, now=now, text=text)
    return True


async def progress(session: AsyncSession, attempt_id: UUID, *, company_id: UUID, now: datetime) -> SaveAttempt:
    """Pass over the stage that waits: the next one waits in its place (spec 11, progress without a response).

    A paused flow goes on with the stage that waited.
    """
    attempt = await lock_running(session, attempt_id, company_id=company_id)
    if attempt.paused_reason is not None:
        await resume(session, attempt, company_id=company_id, now=now)
        return attempt
    flow = await flow_in_force(session, company_id=company_id)
    attempts = AttemptRepository(session)
    await attempts.add_event(attempt, StageEventKind.SKIPPED, company_id=company_id, now=now, reason="BY_MERCHANT")
    following = rules.next_step(
        flow.config,
        stage=attempt.current_stage,
        sequence=attempt.sequence,
        abandoned_at=attempt.abandoned_at,
        contacted_at=None,
    )
    if following is None:
        return await close(session, attempt, CartSaveOutcome.EXHAUSTED, company_id=company_id, now=now)
    await move_to(session, attempt, following, company_id=company_id, now=now)
    return attempt


async def decline(session: AsyncSession, attempt_id: UUID, *, company_id: UUID, now: datetime) -> SaveAttempt:
    """The shopper is not interested: the flow ends, and nothing is tried instead (rules C-23)."""
    attempt = await lock_running(session, attempt_id, company_id=company_id)
    await delivery.cancel_planned(session, company_id=company_id, cart_id=attempt.cart_id, reason="DECLINED")
    await AttemptRepository(session).add_event(attempt, StageEventKind.DECLINED, company_id=company_id, now=now)
    return await close(session, attempt, CartSaveOutcome.CANCELLED, company_id=company_id, now=now, reason="DECLINED")


async def click(session: AsyncSession, attempt_id: UUID, *, company_id: UUID, now: datetime) -> SaveAttempt:
    """Keep that the shopper followed something; the flow goes on as it was."""
    attempt = await lock_running(session, attempt_id, company_id=company_id)
    await AttemptRepository(session).add_event(attempt, StageEventKind.CLICKED, company_id=company_id, now=now)
    return attempt


async def following_step(session: AsyncSession, attempt_id: UUID, *, company_id: UUID) -> rules.Step | None:
    """What the schedule lets follow the stage that runs now; None when it is the last."""
    attempt = await get_attempt(session, attempt_id, company_id=company_id)
    flow = await flow_in_force(session, company_id=company_id)
    return rules.next_step(
        flow.config,
        stage=attempt.current_stage,
        sequence=attempt.sequence,
        abandoned_at=attempt.abandoned_at,
        contacted_at=None,
    )
