"""Conversations: sessions, turns, what was said, which tools ran, who took over."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    JSON,
    Base,
    EnumText,
    Tenant,
    TenantRow,
    UtcDateTime,
    one_of,
    owned_by,
    type_json,
)


class ConversationChannel(StrEnum):
    CHECKOUT_CHAT = "CHECKOUT_CHAT"
    VOICE = "VOICE"
    # The planner's tool calls and decisions for an attempt are read in the same place.
    PLANNER = "PLANNER"


class ConversationStatus(StrEnum):
    OPEN = "OPEN"
    HANDED_OFF = "HANDED_OFF"
    CLOSED = "CLOSED"


class MessageRole(StrEnum):
    """Spec 6: user, assistant, system."""

    USER = "USER"
    ASSISTANT = "ASSISTANT"
    SYSTEM = "SYSTEM"


class TurnStatus(StrEnum):
    RUNNING = "RUNNING"
    DONE = "DONE"
    # Ended before its answer was whole; the sentences that passed stay.
    BROKEN = "BROKEN"


class ToolOutcome(StrEnum):
    OK = "OK"
    REFUSED = "REFUSED"
    INVALID = "INVALID"
    FAILED = "FAILED"


class HandoffStatus(StrEnum):
    """Only ACCEPTED silences the AI (decision 31)."""

    REQUESTED = "REQUESTED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    RESOLVED = "RESOLVED"


class ChatSession(Base, TenantRow):
    __tablename__ = "chat_sessions"

    cart_id: Mapped[UUID]
    attempt_id: Mapped[UUID | None]
    channel: Mapped[ConversationChannel] = mapped_column(EnumText(ConversationChannel))
    checkout_step: Mapped[str | None]
    status: Mapped[ConversationStatus] = mapped_column(EnumText(ConversationStatus))
    policy_version: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_message_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("carts", "cart_id"),
        one_of("channel", ConversationChannel),
        one_of("status", ConversationStatus),
        Index("ix_chat_sessions_recent", "company_id", "last_message_at", "id"),
        Index("ix_chat_sessions_cart", "company_id", "cart_id"),
    )


class ChatLease(Base, Tenant):
    """Who is answering in a conversation now. A row with an expiry, not a lock held over a model call."""

    __tablename__ = "chat_leases"

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    turn_id: Mapped[UUID]
    # Real time: it guards a process that may die, not the shop's clock.
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (owned_by("chat_sessions", "session_id"),)


class ChatTurn(Base, TenantRow):
    """One shopper utterance and its answer. `timings` are milliseconds by stage of the turn."""

    __tablename__ = "chat_turns"

    session_id: Mapped[UUID]
    position: Mapped[int]
    request_key: Mapped[str | None]
    status: Mapped[TurnStatus] = mapped_column(EnumText(TurnStatus))
    # The model that answered; what fell back and why is in `fallback_reason`.
    model: Mapped[str | None]
    fallback_reason: Mapped[str | None]
    input_tokens: Mapped[int] = mapped_column(server_default="0")
    output_tokens: Mapped[int] = mapped_column(server_default="0")
    cost_micro_usd: Mapped[int] = mapped_column(server_default="0")
    timings: Mapped[type_json] = mapped_column(JSON, server_default="{}")
    # suggestedActions and autoAppliedDiscount of the answer, so that a repeated request gets the same.
    result: Mapped[type_json] = mapped_column(JSON, server_default="{}")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("chat_sessions", "session_id"),
        one_of("status", TurnStatus),
        UniqueConstraint("company_id", "session_id", "position"),
        UniqueConstraint("company_id", "session_id", "request_key"),
        Index("ix_chat_turns_recent", "company_id", "session_id", "started_at"),
    )


class ChatMessage(Base, TenantRow):
    """A row of the transcript: an utterance, or one sentence of an answer that passed the claims check.

    `bindings` names the fact behind each claim of the sentence. Card numbers are redacted before storage.
    """

    __tablename__ = "chat_messages"

    session_id: Mapped[UUID]
    turn_id: Mapped[UUID | None]
    # Order within the session; also the event id that an interrupted stream resumes from.
    position: Mapped[int]
    role: Mapped[MessageRole] = mapped_column(EnumText(MessageRole))
    content: Mapped[str]
    bindings: Mapped[type_json] = mapped_column(JSON, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("chat_sessions", "session_id"),
        one_of("role", MessageRole),
        UniqueConstraint("company_id", "session_id", "position"),
    )


class BlockedSentence(Base, TenantRow):
    """What a model wanted to say and might not: kept for the merchant, never shown to the shopper."""

    __tablename__ = "blocked_sentences"

    session_id: Mapped[UUID]
    turn_id: Mapped[UUID]
    content: Mapped[str]
    unbound: Mapped[type_json] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("chat_sessions", "session_id"),
        Index("ix_blocked_sentences_turn", "company_id", "turn_id"),
    )


class TurnSource(Base, Tenant):
    """An FAQ entry that an answer rests on, with the version that was read."""

    __tablename__ = "turn_sources"

    turn_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    title: Mapped[str]
    version: Mapped[int]
    score: Mapped[float]

    __table_args__ = (owned_by("chat_turns", "turn_id"), owned_by("faq_entries", "entry_id"))


class ToolCall(Base, TenantRow):
    """What an agent did. `call_key` makes a repeated call answer with the first result."""

    __tablename__ = "tool_calls"

    session_id: Mapped[UUID]
    turn_id: Mapped[UUID | None]
    attempt_id: Mapped[UUID | None]
    call_key: Mapped[str]
    name: Mapped[str]
    input: Mapped[type_json] = mapped_column(JSON)
    outcome: Mapped[ToolOutcome] = mapped_column(EnumText(ToolOutcome))
    reason: Mapped[str | None]
    result: Mapped[type_json] = mapped_column(JSON)
    policy_version: Mapped[int]
    latency_ms: Mapped[int]
    called_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("chat_sessions", "session_id"),
        one_of("outcome", ToolOutcome),
        UniqueConstraint("company_id", "call_key"),
        Index("ix_tool_calls_session", "company_id", "session_id", "called_at"),
    )


class Handoff(Base, TenantRow):
    """A shopper who should be answered by a person (rules H-56)."""

    __tablename__ = "handoffs"

    session_id: Mapped[UUID]
    cart_id: Mapped[UUID]
    status: Mapped[HandoffStatus] = mapped_column(EnumText(HandoffStatus))
    reason: Mapped[str]
    summary: Mapped[str]
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("chat_sessions", "session_id"),
        owned_by("carts", "cart_id"),
        one_of("status", HandoffStatus),
        UniqueConstraint("company_id", "session_id"),
    )
