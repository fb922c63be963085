"""The save flow: its configuration, attempts, stage events and interventions (spec 10)."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    JSON,
    Base,
    EnumText,
    Tenant,
    TenantRow,
    UtcDateTime,
    company_fk,
    one_of,
    owned_by,
    type_json,
)


class CartSaveStage(StrEnum):
    BROWSE_REMINDER = "BROWSE_REMINDER"
    PATTERN_INTERRUPT = "PATTERN_INTERRUPT"
    DIAGNOSIS_SURVEY = "DIAGNOSIS_SURVEY"
    BRANCHING_INTERVENTION = "BRANCHING_INTERVENTION"
    NUCLEAR_OFFER = "NUCLEAR_OFFER"
    LOSS_VISUALIZATION = "LOSS_VISUALIZATION"
    WINBACK_SEQUENCE = "WINBACK_SEQUENCE"


class CartAbandonmentReason(StrEnum):
    TOO_EXPENSIVE = "TOO_EXPENSIVE"
    SHIPPING_COST = "SHIPPING_COST"
    JUST_BROWSING = "JUST_BROWSING"
    NEED_MORE_INFO = "NEED_MORE_INFO"
    PAYMENT_ISSUES = "PAYMENT_ISSUES"
    COMPARING_OPTIONS = "COMPARING_OPTIONS"
    SAVING_FOR_LATER = "SAVING_FOR_LATER"
    OTHER = "OTHER"


class CartSaveStatus(StrEnum):
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class CartSaveOutcome(StrEnum):
    CONVERTED = "CONVERTED"
    SAVED_WITH_DISCOUNT = "SAVED_WITH_DISCOUNT"
    SAVED_WITHOUT_DISCOUNT = "SAVED_WITHOUT_DISCOUNT"
    PAUSED = "PAUSED"
    CANCELLED = "CANCELLED"
    EXHAUSTED = "EXHAUSTED"
    EXPIRED = "EXPIRED"


class PausedReason(StrEnum):
    HANDED_OFF = "HANDED_OFF"
    MERCHANT = "MERCHANT"


class StageEventKind(StrEnum):
    ENTERED = "ENTERED"
    RAN = "RAN"
    SKIPPED = "SKIPPED"
    DEFERRED = "DEFERRED"
    BLOCKED = "BLOCKED"
    ANSWERED = "ANSWERED"
    CLICKED = "CLICKED"
    DECLINED = "DECLINED"
    RESTORED = "RESTORED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    CLOSED = "CLOSED"


class InterventionStatus(StrEnum):
    SCHEDULED = "SCHEDULED"
    SENDING = "SENDING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    CONVERTED = "CONVERTED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class FlowConfigVersion(Base, Tenant):
    """Append-only: the highest version is in force, and each grant names the version it was made under."""

    __tablename__ = "flow_config_versions"

    version: Mapped[int] = mapped_column(primary_key=True)
    config: Mapped[type_json] = mapped_column(JSON)
    changed_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (company_fk(),)


class SaveAttempt(Base, TenantRow):
    """One save flow of one cart. `due_at` is the only thing that waits; NULL when nothing is to be done."""

    __tablename__ = "save_attempts"

    cart_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    current_stage: Mapped[CartSaveStage] = mapped_column(EnumText(CartSaveStage))
    # Counts stage runs. A job names the step it was released for and returns quietly when it is past.
    step: Mapped[int] = mapped_column(server_default="0")
    # Which email of the winback sequence comes next, from 1.
    sequence: Mapped[int] = mapped_column(server_default="1")
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Set by release, cleared when the stage finishes: a job lost with its worker is released again after a while.
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    diagnosis_reason: Mapped[CartAbandonmentReason | None] = mapped_column(EnumText(CartAbandonmentReason))
    diagnosis_answers: Mapped[type_json] = mapped_column(JSON, server_default="{}")
    customer_risk_score: Mapped[float] = mapped_column(server_default="0")
    cart_value_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[CartSaveStatus] = mapped_column(EnumText(CartSaveStatus))
    outcome: Mapped[CartSaveOutcome | None] = mapped_column(EnumText(CartSaveOutcome))
    paused_reason: Mapped[PausedReason | None] = mapped_column(EnumText(PausedReason))
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    experiment_arm: Mapped[str]
    abandoned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("carts", "cart_id"),
        owned_by("customers", "customer_id"),
        one_of("current_stage", CartSaveStage),
        one_of("diagnosis_reason", CartAbandonmentReason),
        one_of("status", CartSaveStatus),
        one_of("outcome", CartSaveOutcome),
        one_of("paused_reason", PausedReason),
        CheckConstraint("(status = 'IN_PROGRESS') = (outcome IS NULL)", name="outcome_when_closed"),
        CheckConstraint("status = 'IN_PROGRESS' OR due_at IS NULL", name="closed_is_never_due"),
        Index(
            "uq_save_attempts_running",
            "company_id",
            "cart_id",
            unique=True,
            postgresql_where=text("status = 'IN_PROGRESS'"),
        ),
        Index(
            "ix_save_attempts_due",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL AND released_at IS NULL"),
        ),
        Index("ix_save_attempts_released", "released_at", postgresql_where=text("released_at IS NOT NULL")),
        Index("ix_save_attempts_cart", "company_id", "cart_id"),
    )


class Diagnosis(Base, TenantRow):
    """What a shopper said in a conversation holds them back: there before a flow is, and kept for the one to come."""

    __tablename__ = "cart_diagnoses"

    cart_id: Mapped[UUID]
    reason: Mapped[CartAbandonmentReason] = mapped_column(EnumText(CartAbandonmentReason))
    words: Mapped[str | None]
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("carts", "cart_id"),
        one_of("reason", CartAbandonmentReason),
        Index("ix_cart_diagnoses_cart", "company_id", "cart_id", "given_at"),
    )


class StageEvent(Base, TenantRow):
    """The attempt's history (spec's stageHistory, rules H-27). Append-only, partitioned by month."""

    __tablename__ = "stage_events"

    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    attempt_id: Mapped[UUID]
    stage: Mapped[CartSaveStage] = mapped_column(EnumText(CartSaveStage))
    previous_stage: Mapped[CartSaveStage | None] = mapped_column(EnumText(CartSaveStage))
    step: Mapped[int]
    kind: Mapped[StageEventKind] = mapped_column(EnumText(StageEventKind))
    reason: Mapped[str | None]

    __table_args__ = (
        company_fk(),
        one_of("stage", CartSaveStage),
        one_of("kind", StageEventKind),
        Index("ix_stage_events_attempt", "company_id", "attempt_id", "occurred_at"),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )


class Intervention(Base, TenantRow):
    """One stage's contact; what it said and offered. Each channel of it is a message."""

    __tablename__ = "interventions"

    attempt_id: Mapped[UUID]
    cart_id: Mapped[UUID]
    stage: Mapped[CartSaveStage] = mapped_column(EnumText(CartSaveStage))
    step: Mapped[int]
    channels: Mapped[list[str]] = mapped_column(ARRAY(String))
    content: Mapped[type_json] = mapped_column(JSON)
    # Who wrote the content: a model's name, or TEMPLATE.
    author: Mapped[str]
    triggers_used: Mapped[list[str]] = mapped_column(ARRAY(String))
    grant_id: Mapped[UUID | None]
    status: Mapped[InterventionStatus] = mapped_column(EnumText(InterventionStatus))
    error_message: Mapped[str | None]
    scheduled_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("save_attempts", "attempt_id"),
        owned_by("carts", "cart_id"),
        owned_by("grants", "grant_id"),
        one_of("stage", CartSaveStage),
        one_of("status", InterventionStatus),
        UniqueConstraint("company_id", "attempt_id", "step"),
        Index("ix_interventions_cart", "company_id", "cart_id"),
    )
