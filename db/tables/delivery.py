"""Messages: one an intervention and channel, and what happened to each."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from db.base import JSON, Base, EnumText, TenantRow, UtcDateTime, company_fk, one_of, owned_by, type_json
from db.tables.policy import Channel


class MessageStatus(StrEnum):
    """PLANNED waits for `due_at`; SENDING is claimed by a worker; UNKNOWN may have been accepted."""

    PLANNED = "PLANNED"
    SENDING = "SENDING"
    SENT = "SENT"
    UNKNOWN = "UNKNOWN"
    BLOCKED = "BLOCKED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class MessageEventKind(StrEnum):
    DELIVERED = "DELIVERED"
    BOUNCED = "BOUNCED"
    COMPLAINED = "COMPLAINED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    REPLIED = "REPLIED"


class Message(Base, TenantRow):
    __tablename__ = "messages"

    # NULL for what the shopper asked for in a conversation (send_resume_link).
    intervention_id: Mapped[UUID | None]
    attempt_id: Mapped[UUID | None]
    cart_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    # Which abandonment of the cart it belongs to (C-05).
    abandonment: Mapped[int]
    channel: Mapped[Channel] = mapped_column(EnumText(Channel))
    stage: Mapped[str | None]
    to_address: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]
    headers: Mapped[type_json] = mapped_column(JSON)
    recovery_url: Mapped[str]
    # What makes it unique when there is no intervention: (session, channel, day) as text.
    request_key: Mapped[str | None]
    status: Mapped[MessageStatus] = mapped_column(EnumText(MessageStatus))
    reason: Mapped[str | None]
    # The same ticker as attempts: set while PLANNED, and while SENDING as the time limit of the claim.
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(server_default="0")
    provider_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    clicked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    bounced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("interventions", "intervention_id"),
        owned_by("save_attempts", "attempt_id"),
        owned_by("carts", "cart_id"),
        owned_by("customers", "customer_id"),
        one_of("channel", Channel),
        one_of("status", MessageStatus),
        CheckConstraint("intervention_id IS NOT NULL OR request_key IS NOT NULL", name="origin"),
        UniqueConstraint("company_id", "intervention_id", "channel"),
        UniqueConstraint("company_id", "request_key"),
        Index(
            "uq_messages_cart_sms",
            "company_id",
            "cart_id",
            "abandonment",
            unique=True,
            postgresql_where=sql("channel = 'SMS' AND status NOT IN ('BLOCKED', 'CANCELLED')"),
        ),
        Index("ix_messages_due", "due_at", postgresql_where=sql("due_at IS NOT NULL AND released_at IS NULL")),
        Index("ix_messages_released", "released_at", postgresql_where=sql("released_at IS NOT NULL")),
        Index("ix_messages_cart", "company_id", "cart_id", "created_at"),
        Index("ix_messages_customer", "company_id", "customer_id", "sent_at"),
    )


class MessageEvent(Base, TenantRow):
    """Deliveries, bounces, opens and clicks. Append-only, partitioned by month."""

    __tablename__ = "message_events"

    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    message_id: Mapped[UUID]
    kind: Mapped[MessageEventKind] = mapped_column(EnumText(MessageEventKind))
    detail: Mapped[type_json] = mapped_column(JSON, server_default="{}")

    __table_args__ = (
        company_fk(),
        one_of("kind", MessageEventKind),
        Index("ix_message_events_message", "company_id", "message_id", "occurred_at"),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )
