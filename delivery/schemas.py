"""What crosses the room's edge: a message to be planned, a claim on one, what became of it, the outbox's rows."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.tables.delivery import MessageStatus
from db.tables.policy import Channel
from delivery.transport import Outgoing


@dataclass(frozen=True)
class PlannedMessage:
    """A message ready to be stored. `id` is made first, because its links carry it.

    It belongs to an intervention, or to `request_key` where the shopper asked for it. `released_at` is
    set where the caller enqueues the send job itself, in the same transaction.
    """

    id: UUID
    cart_id: UUID
    customer_id: UUID
    abandonment: int
    channel: Channel
    to_address: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    recovery_url: str
    due_at: datetime
    intervention_id: UUID | None = None
    attempt_id: UUID | None = None
    stage: str | None = None
    request_key: str | None = None
    released_at: datetime | None = None


@dataclass(frozen=True)
class Claimed:
    """The right to try a message once, number `tries`."""

    message_id: UUID
    company_id: UUID
    channel: Channel
    tries: int
    outgoing: Outgoing


@dataclass(frozen=True)
class Skip:
    """There is nothing to send now; `status` is where the message stands."""

    status: MessageStatus
    reason: str | None


@dataclass(frozen=True)
class Recorded:
    """What a try came to. `bad_recipient`: the mailbox does not exist and should be suppressed."""

    message_id: UUID
    status: MessageStatus
    bad_recipient: bool


@dataclass(frozen=True)
class Touch:
    """A shopper's answer to a message: the click or reply that an order may be credited to."""

    message_id: UUID
    at: datetime


@dataclass(frozen=True)
class OutboxEntry:
    """A sent message as its receiver got it."""

    id: UUID
    cart_id: UUID
    channel: Channel
    to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    recovery_url: str
    stage: str | None
    sent_at: datetime


@dataclass(frozen=True)
class OutboxPage:
    """Newest first; `next_cursor` is the last entry's id, None at the end."""

    items: tuple[OutboxEntry, ...]
    next_cursor: UUID | None
