"""The trusted core's rows: grants (offer ledger) and contact decisions (evidence)."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import JSON, Base, EnumText, TenantRow, UtcDateTime, company_fk, one_of, owned_by, type_json


class Channel(StrEnum):
    """How somebody is reached (spec 9)."""

    EMAIL = "EMAIL"
    SMS = "SMS"
    PUSH = "PUSH"
    IN_APP = "IN_APP"
    VOICE = "VOICE"


class GrantKind(StrEnum):
    PERCENTAGE_DISCOUNT = "PERCENTAGE_DISCOUNT"
    FREE_SHIPPING = "FREE_SHIPPING"


class GrantSource(StrEnum):
    STAGE = "STAGE"
    CHAT = "CHAT"
    VOICE = "VOICE"
    UI = "UI"
    MERCHANT = "MERCHANT"


class GrantStatus(StrEnum):
    PROPOSED = "PROPOSED"
    COMMITTED = "COMMITTED"
    REDEEMED = "REDEEMED"
    EXPIRED = "EXPIRED"
    # Replaced by a better one, or proposed and not taken.
    REVOKED = "REVOKED"


class ContactPhase(StrEnum):
    PLAN = "PLAN"
    DISPATCH = "DISPATCH"


class ContactVerdict(StrEnum):
    ALLOW = "ALLOW"
    DEFER = "DEFER"
    BLOCK = "BLOCK"


class Grant(Base, TenantRow):
    """A benefit given to one cart (rules 2.2). One COMMITTED grant a cart, by index."""

    __tablename__ = "grants"

    cart_id: Mapped[UUID]
    person_key: Mapped[str | None]
    kind: Mapped[GrantKind] = mapped_column(EnumText(GrantKind))
    percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    # What it was worth when it was given; what it is worth now is derived from the lines.
    benefit_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    source: Mapped[GrantSource] = mapped_column(EnumText(GrantSource))
    stage: Mapped[str | None]
    reason: Mapped[str]
    policy_version: Mapped[int]
    cap_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    status: Mapped[GrantStatus] = mapped_column(EnumText(GrantStatus))
    personalised: Mapped[bool]
    idempotency_key: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    committed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("carts", "cart_id"),
        one_of("kind", GrantKind),
        one_of("source", GrantSource),
        one_of("status", GrantStatus),
        CheckConstraint("(kind = 'PERCENTAGE_DISCOUNT') = (percent IS NOT NULL)", name="percent_of_kind"),
        CheckConstraint("percent > 0 AND percent <= cap_percent AND cap_percent <= 100", name="within_cap"),
        CheckConstraint("benefit_minor >= 0", name="benefit"),
        UniqueConstraint("company_id", "idempotency_key"),
        Index(
            "uq_grants_live",
            "company_id",
            "cart_id",
            unique=True,
            postgresql_where=text("status = 'COMMITTED'"),
        ),
        Index("ix_grants_cart", "company_id", "cart_id"),
        Index("ix_grants_person", "company_id", "person_key", "committed_at"),
        Index("ix_grants_committed", "company_id", "committed_at"),
        Index("ix_grants_due", "expires_at", postgresql_where=text("status IN ('PROPOSED', 'COMMITTED')")),
    )


class ContactDecision(Base, TenantRow):
    """Why somebody was or was not contacted. Append-only, partitioned by month."""

    __tablename__ = "contact_decisions"

    decided_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    person_key: Mapped[str]
    customer_id: Mapped[UUID | None]
    cart_id: Mapped[UUID | None]
    attempt_id: Mapped[UUID | None]
    message_id: Mapped[UUID | None]
    channel: Mapped[Channel] = mapped_column(EnumText(Channel))
    phase: Mapped[ContactPhase] = mapped_column(EnumText(ContactPhase))
    verdict: Mapped[ContactVerdict] = mapped_column(EnumText(ContactVerdict))
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reasons: Mapped[list[str]] = mapped_column(ARRAY(String))
    facts: Mapped[type_json] = mapped_column(JSON)
    pack_version: Mapped[str]

    __table_args__ = (
        company_fk(),
        one_of("channel", Channel),
        one_of("phase", ContactPhase),
        one_of("verdict", ContactVerdict),
        Index("ix_contact_decisions_cart", "company_id", "cart_id", "decided_at"),
        {"postgresql_partition_by": "RANGE (decided_at)"},
    )
