"""Planning, claiming, recording and showing messages. Nothing here talks to a provider (jobs.py does)."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.jobs import enqueue
from db.tables.delivery import Message, MessageEventKind, MessageStatus
from db.tables.policy import Channel
from delivery import rules
from delivery.repository import FirstTime, MessageRepository
from delivery.schemas import Claimed, OutboxPage, PlannedMessage, Recorded, Skip, Touch
from delivery.transport import Outcome, Outgoing, Permanent, Sent
from policy.errors import Conflict, NotFound

SEND_JOB = "send_message"
# A call that is due is placed by the phone room (voice/calls/jobs.py).
CALL_JOB = "place_call"
Gate = Callable[[AsyncSession, Message], Awaitable[rules.Decision]]

_FIRST_TIMES: dict[MessageEventKind, FirstTime] = {
    MessageEventKind.DELIVERED: "delivered_at",
    MessageEventKind.OPENED: "opened_at",
    MessageEventKind.CLICKED: "clicked_at",
    MessageEventKind.BOUNCED: "bounced_at",
}


class MessageNotFound(NotFound):
    code = "message_not_found"
    title = "No such message"


class SmsAlreadySpent(Conflict):
    code = "sms_already_spent"
    title = "This abandonment has had its one text message"


async def plan_message(session: AsyncSession, planned: PlannedMessage, *, company_id: UUID, now: datetime) -> Message:
    """Store a message to be sent at its `due_at`, or return the one that stands in its place.

    Raises SmsAlreadySpent for a second text message within one abandonment (rules C-05).
    """
    messages = MessageRepository(session)
    await messages.insert_if_new(planned, company_id=company_id, now=now)
    message = await messages.get_by_origin(planned, company_id=company_id)
    if message is None:
        raise SmsAlreadySpent("Use another channel, or wait for another abandonment.")
    return message


async def get_message(session: AsyncSession, message_id: UUID, *, company_id: UUID) -> Message:
    message = await MessageRepository(session).get(message_id, company_id=company_id)
    if message is None:
        raise MessageNotFound("The message does not exist.")
    return message


async def claim(
    session: AsyncSession, message_id: UUID, *, company_id: UUID, now: datetime, gate: Gate
) -> Claimed | Recorded | Skip:
    """Take the message for one try, if it is due and the gate still allows it.

    A claim that a dead worker left behind is recorded as UNKNOWN: nobody can say whether it was handed over.

    The gate is asked before the message is locked, because it locks the cart and the attempt. It alone
    re-reads consent, cart, stock and grant; what it refuses is recorded on the message. The caller
    commits before it talks to the provider.
    """
    messages = MessageRepository(session)
    message = await messages.get(message_id, company_id=company_id)
    if message is None:
        raise MessageNotFound("The message does not exist.")
    claimable = rules.claimable(_state(message), now=now)
    if claimable is rules.Claimable.NO:
        return Skip(message.status, message.reason)
    decision = await gate(session, message) if claimable is rules.Claimable.YES else None
    locked = await messages.get_for_update(message_id, company_id=company_id)
    if locked is None:
        raise MessageNotFound("The message does not exist.")
    step = rules.after_gate(_state(locked), decision, now=now)
    if step is None:
        return Skip(locked.status, locked.reason)
    _apply(locked, step, now=now)
    if step.status is MessageStatus.UNKNOWN:
        return Recorded(locked.id, step.status, bad_recipient=False)
    if step.status is not MessageStatus.SENDING:
        return Skip(step.status, step.reason)
    locked.tries += 1
    return Claimed(
        message_id=locked.id,
        company_id=company_id,
        channel=locked.channel,
        tries=locked.tries,
        outgoing=Outgoing(
            message_id=locked.id,
            to_address=locked.to_address,
            subject=locked.subject,
            text=locked.text,
            html=locked.html,
            headers=locked.headers,
        ),
    )


async def record_result(session: AsyncSession, claimed: Claimed, outcome: Outcome, *, now: datetime) -> Recorded:
    """Keep what a try came to: sent, to be tried again later, failed, or unknown."""
    messages = MessageRepository(session)
    message = await messages.get_for_update(claimed.message_id, company_id=claimed.company_id)
    if message is None:
        raise MessageNotFound("The message does not exist.")
    # A UUIDv7 ends in random bits: a message keeps its own place in the crowd that retries.
    jitter = (message.id.int & 0xFFFF) / 0x10000
    step = rules.after_try(_state(message), outcome, claimed_try=claimed.tries, jitter=jitter, now=now)
    if step is None:
        return Recorded(message.id, message.status, bad_recipient=False)
    _apply(message, step, now=now)
    if isinstance(outcome, Sent):
        message.provider_id = outcome.provider_id
    bad_recipient = isinstance(outcome, Permanent) and outcome.bad_recipient
    if bad_recipient:
        message.bounced_at = now
        messages.add_event(
            message.id,
            MessageEventKind.BOUNCED,
            company_id=claimed.company_id,
            at=now,
            detail={"reason": step.reason or ""},
        )
    return Recorded(message.id, step.status, bad_recipient)


def _state(message: Message) -> rules.State:
    return rules.State(message.status, message.due_at, message.tries)


def _apply(message: Message, step: rules.Next, *, now: datetime) -> None:
    message.status = step.status
    message.due_at = step.due_at
    message.reason = step.reason
    message.released_at = None
    # What may have arrived counts as a contact, or the frequency rule would allow one more.
    if step.status in {MessageStatus.SENT, MessageStatus.UNKNOWN}:
        message.sent_at = message.sent_at or now


async def release_due(session: AsyncSession, *, now: datetime, limit: int) -> int:
    """Enqueue a job for each message or call that is due, of every company; return how many. The ticker
    calls it again at once while a batch comes back full."""
    released = await MessageRepository(session).release_due(now=now, limit=limit)
    await enqueue(session, SEND_JOB, [job for channel, job in released if channel is not Channel.VOICE])
    await enqueue(session, CALL_JOB, [job for channel, job in released if channel is Channel.VOICE])
    return len(released)


async def cancel_planned(
    session: AsyncSession,
    *,
    company_id: UUID,
    reason: str,
    cart_id: UUID | None = None,
    customer_id: UUID | None = None,
    channel: Channel | None = None,
) -> int:
    """Cancel what still waits of a cart or a customer, on one channel or all; return how many.

    What a worker has already claimed is past recall; after a failed try the gate is asked again.
    """
    if cart_id is None and customer_id is None:
        raise ValueError("name the cart or the customer whose messages are cancelled")
    waiting = await MessageRepository(session).lock_planned(
        company_id=company_id, cart_id=cart_id, customer_id=customer_id, channel=channel
    )
    for message in waiting:
        message.status = MessageStatus.CANCELLED
        message.reason = reason
        message.due_at = None
        message.released_at = None
    return len(waiting)


async def record_event(
    session: AsyncSession,
    message_id: UUID,
    kind: MessageEventKind,
    *,
    company_id: UUID,
    now: datetime,
    detail: dict[str, str] | None = None,
) -> None:
    """Keep a delivery, bounce, complaint, open, click or reply. Whether a bounce or a complaint
    suppresses the address is the caller's business."""
    messages = MessageRepository(session)
    if await messages.get(message_id, company_id=company_id) is None:
        raise MessageNotFound("The message does not exist.")
    messages.add_event(message_id, kind, company_id=company_id, at=now, detail=detail or {})
    if column := _FIRST_TIMES.get(kind):
        await messages.note_first(message_id, column, company_id=company_id, at=now)


async def last_touch(session: AsyncSession, cart_id: UUID, *, company_id: UUID, before: datetime) -> Touch | None:
    """What an order of the cart placed at `before` may be credited to: the last click or reply, never an
    open, which mail readers fake (rules 2.4)."""
    return await MessageRepository(session).last_touch(cart_id, company_id=company_id, before=before)


async def list_outbox(
    session: AsyncSession,
    *,
    company_id: UUID,
    cart_id: UUID | None = None,
    cursor: UUID | None = None,
    limit: int = 50,
) -> OutboxPage:
    """The messages that were sent, newest first. Planned, failed and unknown ones are not in it."""
    entries = await MessageRepository(session).list_sent(
        company_id=company_id, cart_id=cart_id, cursor=cursor, limit=limit + 1
    )
    page = tuple(entries[:limit])
    return OutboxPage(page, page[-1].id if len(entries) > limit else None)
