"""Who uses Momentum: companies (tenants), their keys, users and shop rules."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, String, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import JSON, Base, EnumText, TenantRow, UtcDateTime, company_fk, one_of, type_json
from db.ids import uuid7


class KeyKind(StrEnum):
    SECRET = "SECRET"
    PUBLISHABLE = "PUBLISHABLE"


class Role(StrEnum):
    VIEWER = "VIEWER"
    OPERATOR = "OPERATOR"
    ADMIN = "ADMIN"


class Company(Base):
    """The merchant. Its own wall: a company sees only its own row."""

    __tablename__ = "companies"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid7)
    name: Mapped[str]
    legal_name: Mapped[str]
    postal_address: Mapped[str]
    support_email: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    timezone: Mapped[str]
    country: Mapped[str] = mapped_column(String(2))
    locale: Mapped[str] = mapped_column(server_default="en_US")
    # CheckoutChatConfig of spec 6, validated by agents/checkout_chat; empty means its defaults.
    chat_config: Mapped[type_json] = mapped_column(JSON, server_default="{}")
    # Counts its changes, so that a form that was filled in on an older one is told.
    chat_config_version: Mapped[int] = mapped_column(server_default="0")
    # Where the shop's own pages live (`https://shop.example`): browsers may call us from there and nowhere else.
    allowed_origins: Mapped[list[str]] = mapped_column(ARRAY(String), server_default="{}")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("length(currency) = 3", name="currency"),
        Index("ix_companies_allowed_origins", "allowed_origins", postgresql_using="gin"),
    )


class ApiKey(Base, TenantRow):
    """A merchant's key, stored as a hash. Expiry and revocation use real time, not the shop's clock."""

    __tablename__ = "api_keys"

    kind: Mapped[KeyKind] = mapped_column(EnumText(KeyKind))
    prefix: Mapped[str]
    key_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (company_fk(), one_of("kind", KeyKind))


class User(Base, TenantRow):
    """Someone who signs in to the merchant's console."""

    __tablename__ = "users"

    email: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[Role] = mapped_column(EnumText(Role))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (company_fk(), one_of("role", Role), Index("uq_users_email", "email", unique=True))


class ShippingRate(Base, TenantRow):
    """Flat delivery price; free from `free_from_minor` on. `country` NULL is everywhere else."""

    __tablename__ = "shipping_rates"

    currency: Mapped[str] = mapped_column(String(3))
    country: Mapped[str | None] = mapped_column(String(2))
    name: Mapped[str]
    amount_minor: Mapped[int]
    free_from_minor: Mapped[int | None]

    __table_args__ = (
        company_fk(),
        CheckConstraint("amount_minor >= 0 AND free_from_minor >= 0", name="amounts"),
        Index(
            "uq_shipping_rates_country",
            "company_id",
            "currency",
            text("coalesce(country, '')"),
            unique=True,
        ),
    )


class TaxRate(Base, TenantRow):
    """Tax of a country as a share (0.2 is 20 %); `inclusive` when prices contain it already."""

    __tablename__ = "tax_rates"

    country: Mapped[str | None] = mapped_column(String(2))
    rate: Mapped[Decimal] = mapped_column(Numeric(7, 6))
    inclusive: Mapped[bool]

    __table_args__ = (
        company_fk(),
        CheckConstraint("rate >= 0 AND rate < 1", name="rate"),
        Index("uq_tax_rates_country", "company_id", text("coalesce(country, '')"), unique=True),
    )
