"""What a merchant's list and page of a conversation hold."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from db.tables.conversations import ConversationChannel, ConversationStatus
from db.tables.policy import ContactDecision, Grant
from db.tables.voice import VoiceCallOutcome
from graphs.conversations.service import Transcript


class ConversationOutcome(StrEnum):
    """What came of it, the first that holds: an order of the cart counts before what was said."""

    BOUGHT = "BOUGHT"
    HANDED_OVER = "HANDED_OVER"
    DISCOUNT_GIVEN = "DISCOUNT_GIVEN"
    CALLBACK = "CALLBACK"
    DECLINED = "DECLINED"
    NOT_REACHED = "NOT_REACHED"
    BROKEN_OFF = "BROKEN_OFF"
    OPEN = "OPEN"


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to; `since` and `until` (exclusive) are when a conversation began."""

    channel: ConversationChannel | None = None
    outcome: ConversationOutcome | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class ConversationLine:
    id: UUID
    channel: ConversationChannel
    status: ConversationStatus
    started_at: datetime
    last_message_at: datetime
    cart_id: UUID
    policy_version: int
    first_name: str | None
    email: str | None
    outcome: ConversationOutcome
    # What the shopper said first, where the shopper said anything.
    opening: str | None
    cost_micro_usd: int


@dataclass(frozen=True)
class ConversationPage:
    """Newest first; `next_cursor` is the last line's id, None at the end."""

    lines: tuple[ConversationLine, ...]
    next_cursor: UUID | None


@dataclass(frozen=True)
class Call:
    """The phone call that a conversation is the transcript of."""

    initiated_at: datetime
    answered_at: datetime | None
    duration_s: int | None
    outcome: VoiceCallOutcome | None
    end_reason: str | None
    script_type: str


@dataclass(frozen=True)
class Reading:
    """One conversation in full, with what was decided about its cart."""

    line: ConversationLine
    transcript: Transcript
    call: Call | None
    grants: tuple[Grant, ...]
    decisions: tuple[ContactDecision, ...]
