"""Recovery calls (spec 10, CartVoiceCall)."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index
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


class VoiceCall(Base, TenantRow):
    """One AI call a person and day, by index (rules C-16)."""

    __tablename__ = "cart_voice_calls"

    attempt_id: Mapped[UUID]
    cart_id: Mapped[UUID]
    session_id: Mapped[UUID | None]
    person_key: Mapped[str]
    # The day in the called person's zone.
    called_on: Mapped[date]
    provider_id: Mapped[str | None]
    script_type: Mapped[str]
    grant_id: Mapped[UUID | None]
    initiated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    duration_s: Mapped[int | None]
    outcome: Mapped[VoiceCallOutcome | None] = mapped_column(EnumText(VoiceCallOutcome))
    end_reason: Mapped[str | None]
    transcript: Mapped[type_json | None] = mapped_column(JSON)
    sentiment: Mapped[str | None]

    __table_args__ = (
        owned_by("save_attempts", "attempt_id"),
        owned_by("carts", "cart_id"),
        owned_by("chat_sessions", "session_id"),
        owned_by("grants", "grant_id"),
        one_of("outcome", VoiceCallOutcome),
        Index("uq_cart_voice_calls_day", "company_id", "person_key", "called_on", unique=True),
        Index("ix_cart_voice_calls_cart", "company_id", "cart_id"),
    )
