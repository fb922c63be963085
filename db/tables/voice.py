"""Recovery calls (spec 10, CartVoiceCall)."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import JSON, Base, EnumText, TenantRow, UtcDateTime, one_of, owned_by, type_json


class VoiceCallOutcome(StrEnum):
    RECOVERED = "RECOVERED"
    DISCOUNT_ACCEPTED = "DISCOUNT_ACCEPTED"
    CALLBACK_REQUESTED = "CALLBACK_REQUESTED"
    DECLINED = "DECLINED"
    NO_ANSWER = "NO_ANSWER"
    VOICEMAIL = "VOICEMAIL"
    ESCALATED = "ESCALATED"
    DISCONNECTED = "DISCONNECTED"


class EndReason(StrEnum):
    """How exactly a call ended, beside the outcome that the spec counts (decision 9)."""

    # The script came to its end.
    COMPLETED = "COMPLETED"
    DECLINED = "DECLINED"
    OPT_OUT = "OPT_OUT"
    WRONG_PERSON = "WRONG_PERSON"
    TRANSFERRED = "TRANSFERRED"
    NO_ANSWER = "NO_ANSWER"
    BUSY = "BUSY"
    # The carrier could not or would not place it.
    FAILED = "FAILED"
    # Called off by us: while it rang, its reason fell away.
    CANCELLED = "CANCELLED"
    MACHINE = "MACHINE"
    CALL_SCREENING = "CALL_SCREENING"
    HUNG_UP = "HUNG_UP"
    SILENCE = "SILENCE"
    TIME_LIMIT = "TIME_LIMIT"
    # The process that held it died, or nothing was heard of it any more.
    PROCESS_LOST = "PROCESS_LOST"


class VoiceCallStatus(StrEnum):
    """CLAIMED may have been dialled or not; DIALLED is with the carrier; TALKING has its media stream."""

    CLAIMED = "CLAIMED"
    DIALLED = "DIALLED"
    ANSWERED = "ANSWERED"
    TALKING = "TALKING"
    ENDED = "ENDED"


class VoiceCall(Base, TenantRow):
    """One AI call: a person and day, a number and day, an abandonment, each by index (rules C-16).

    The number itself is the customer's; here is its keyed hash, which survives erasure.
    """

    __tablename__ = "cart_voice_calls"

    attempt_id: Mapped[UUID]
    cart_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    # The contact of the flow that this call is; the message holds what was planned and what the gate said.
    message_id: Mapped[UUID]
    session_id: Mapped[UUID | None]
    abandonment: Mapped[int]
    person_key: Mapped[str]
    number_hash: Mapped[str]
    # The day in the called person's zone.
    called_on: Mapped[date]
    status: Mapped[VoiceCallStatus] = mapped_column(EnumText(VoiceCallStatus))
    # Which of the company's lines it holds; NULL when it has ended.
    slot: Mapped[int | None]
    provider_id: Mapped[str | None]
    script_type: Mapped[str]
    grant_id: Mapped[UUID | None]
    initiated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    dialled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # What the carrier took whoever answered for (human, machine_start, unknown).
    answered_by: Mapped[str | None]
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    duration_s: Mapped[int | None]
    # The media stream opens once, with the token whose hash this is.
    stream_token_hash: Mapped[str | None]
    stream_token_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Real time: when anything was last heard of a live call. It guards processes, not the shop's clock.
    heartbeat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[VoiceCallOutcome | None] = mapped_column(EnumText(VoiceCallOutcome))
    end_reason: Mapped[EndReason | None] = mapped_column(EnumText(EndReason))
    transcript: Mapped[list[type_json] | None] = mapped_column(JSON)
    sentiment: Mapped[str | None]

    __table_args__ = (
        owned_by("save_attempts", "attempt_id"),
        owned_by("carts", "cart_id"),
        owned_by("customers", "customer_id"),
        owned_by("messages", "message_id"),
        owned_by("chat_sessions", "session_id"),
        owned_by("grants", "grant_id"),
        one_of("status", VoiceCallStatus),
        one_of("outcome", VoiceCallOutcome),
        one_of("end_reason", EndReason),
        CheckConstraint("(status = 'ENDED') = (outcome IS NOT NULL)", name="outcome_when_ended"),
        CheckConstraint("(status = 'ENDED') = (end_reason IS NOT NULL)", name="reason_when_ended"),
        CheckConstraint("(status = 'ENDED') = (slot IS NULL)", name="slot_while_live"),
        Index("uq_cart_voice_calls_day", "company_id", "person_key", "called_on", unique=True),
        Index("uq_cart_voice_calls_number_day", "company_id", "number_hash", "called_on", unique=True),
        Index("uq_cart_voice_calls_abandonment", "company_id", "cart_id", "abandonment", unique=True),
        Index("uq_cart_voice_calls_message", "company_id", "message_id", unique=True),
        Index("uq_cart_voice_calls_provider", "company_id", "provider_id", unique=True),
        Index("uq_cart_voice_calls_slot", "company_id", "slot", unique=True),
        Index(
            "uq_cart_voice_calls_live_cart",
            "company_id",
            "cart_id",
            unique=True,
            postgresql_where=text("status <> 'ENDED'"),
        ),
        Index("ix_cart_voice_calls_live", "heartbeat_at", postgresql_where=text("status <> 'ENDED'")),
        Index("ix_cart_voice_calls_cart", "company_id", "cart_id"),
        Index("ix_cart_voice_calls_initiated", "company_id", "initiated_at"),
    )
