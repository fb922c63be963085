"""People, what they agreed to, and who must not be contacted."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, EnumText, TenantRow, UtcDateTime, company_fk, one_of, owned_by


class ConsentChannel(StrEnum):
    """One purpose, one channel, one seller a record (rules C-02)."""

    EMAIL = "EMAIL"
    SMS = "SMS"
    PUSH = "PUSH"
    LIVE_CALL = "LIVE_CALL"
    AI_VOICE = "AI_VOICE"
    CHAT_RECORDING = "CHAT_RECORDING"


class ConsentState(StrEnum):
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    REVOKED = "REVOKED"


class ConsentMethod(StrEnum):
    WIDGET = "WIDGET"
    DOUBLE_OPT_IN = "DOUBLE_OPT_IN"
    WRITTEN = "WRITTEN"
    IMPORT = "IMPORT"
    OPT_OUT = "OPT_OUT"


class SuppressionScope(StrEnum):
    """ALL stops every marketing channel."""

    ALL = "ALL"
    EMAIL = "EMAIL"
    SMS = "SMS"
    PUSH = "PUSH"
    VOICE = "VOICE"


class Customer(Base, TenantRow):
    __tablename__ = "customers"

    # Lower-cased; the person key is a keyed hash of it, so that caps survive an erased address.
    email: Mapped[str | None]
    phone: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    country: Mapped[str | None] = mapped_column(String(2))
    timezone: Mapped[str | None]
    locale: Mapped[str | None]
    person_key: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        company_fk(),
        Index("uq_customers_email", "company_id", "email", unique=True),
        Index("ix_customers_person", "company_id", "person_key"),
    )


class ConsentRecord(Base, TenantRow):
    """Append-only evidence; the latest record of a channel and address is its state (rules C-01)."""

    __tablename__ = "consent_records"

    customer_id: Mapped[UUID]
    channel: Mapped[ConsentChannel] = mapped_column(EnumText(ConsentChannel))
    address: Mapped[str]
    state: Mapped[ConsentState] = mapped_column(EnumText(ConsentState))
    method: Mapped[ConsentMethod] = mapped_column(EnumText(ConsentMethod))
    seller: Mapped[str]
    wording_version: Mapped[str]
    wording_hash: Mapped[str]
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]
    locale: Mapped[str | None]
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        company_fk(),
        owned_by("customers", "customer_id"),
        one_of("channel", ConsentChannel),
        one_of("state", ConsentState),
        one_of("method", ConsentMethod),
        Index("ix_consent_records_latest", "company_id", "customer_id", "channel", "recorded_at", "id"),
    )


class Suppression(Base, TenantRow):
    """An address that may not be contacted. Kept as a hash, and kept for good."""

    __tablename__ = "suppressions"

    scope: Mapped[SuppressionScope] = mapped_column(EnumText(SuppressionScope))
    address_hash: Mapped[str]
    reason: Mapped[str]
    source: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        company_fk(),
        one_of("scope", SuppressionScope),
        Index("uq_suppressions_address", "company_id", "address_hash", "scope", unique=True),
    )
