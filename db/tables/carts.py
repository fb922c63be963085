"""Carts, their lines, the stock held for them, and the orders they become."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, EnumText, TenantRow, UtcDateTime, company_fk, one_of, owned_by


class CartStatus(StrEnum):
    ACTIVE = "ACTIVE"
    ABANDONED = "ABANDONED"
    CONVERTED = "CONVERTED"


class HoldStatus(StrEnum):
    ACTIVE = "ACTIVE"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    CONSUMED = "CONSUMED"


class PaymentState(StrEnum):
    """Any of these ends the flow: an order placed is not abandoned, paid or not (rules 2.4)."""

    PENDING = "PENDING"
    AUTHORIZED = "AUTHORIZED"
    PAID = "PAID"
    ON_HOLD = "ON_HOLD"
    COD = "COD"
    INVOICE = "INVOICE"
    QUOTE = "QUOTE"
    FAILED = "FAILED"
    REFUNDED = "REFUNDED"
    CANCELLED = "CANCELLED"


class Cart(Base, TenantRow):
    """Totals are derived on read from lines and the live grant, never stored."""

    __tablename__ = "carts"

    status: Mapped[CartStatus] = mapped_column(EnumText(CartStatus))
    currency: Mapped[str] = mapped_column(String(3))
    customer_id: Mapped[UUID | None]
    country: Mapped[str | None] = mapped_column(String(2))
    checkout_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_activity_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # When this cart, left alone, will be abandoned; NULL when it cannot be (empty, nobody to reach, ordered).
    idle_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    abandoned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Counts abandonments: a restored cart that is left again is a new one for the SMS rule (C-05).
    abandonment: Mapped[int] = mapped_column(server_default="0")
    converted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        company_fk(),
        owned_by("customers", "customer_id"),
        one_of("status", CartStatus),
        Index(
            "ix_carts_idle_due",
            "idle_due_at",
            postgresql_where=text("idle_due_at IS NOT NULL AND released_at IS NULL"),
        ),
        Index("ix_carts_released", "released_at", postgresql_where=text("released_at IS NOT NULL")),
        Index("ix_carts_customer", "company_id", "customer_id"),
    )


class CartLine(Base, TenantRow):
    """One variant in a cart, at the price it had when it was put in or last changed."""

    __tablename__ = "cart_lines"

    cart_id: Mapped[UUID]
    variant_id: Mapped[UUID]
    sku: Mapped[str]
    name: Mapped[str]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]
    # A line's own markdown (a promotion on the product); the cart's discount is the live grant.
    discount_minor: Mapped[int] = mapped_column(server_default="0")
    taxable: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("carts", "cart_id"),
        owned_by("product_variants", "variant_id"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint(
            "unit_price_minor >= 0 AND discount_minor BETWEEN 0 AND unit_price_minor * quantity",
            name="amounts",
        ),
        UniqueConstraint("company_id", "cart_id", "variant_id"),
    )


class InventoryHold(Base, TenantRow):
    """Units reserved for a cart until `expires_at`; the only truthful source of a countdown."""

    __tablename__ = "inventory_holds"

    cart_id: Mapped[UUID]
    variant_id: Mapped[UUID]
    quantity: Mapped[int]
    status: Mapped[HoldStatus] = mapped_column(EnumText(HoldStatus))
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The limit up to which activity may renew it.
    renewable_until: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("carts", "cart_id"),
        owned_by("product_variants", "variant_id"),
        one_of("status", HoldStatus),
        CheckConstraint("quantity > 0", name="quantity"),
        Index(
            "uq_inventory_holds_active",
            "company_id",
            "cart_id",
            "variant_id",
            unique=True,
            postgresql_where=text("status = 'ACTIVE'"),
        ),
        Index(
            "ix_inventory_holds_variant",
            "company_id",
            "variant_id",
            postgresql_where=text("status = 'ACTIVE'"),
        ),
        Index("ix_inventory_holds_due", "expires_at", postgresql_where=text("status = 'ACTIVE'")),
    )


class Order(Base, TenantRow):
    """An order from the merchant's own system. Once a cart, whatever happens to its payment later."""

    __tablename__ = "orders"

    cart_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    external_id: Mapped[str]
    payment_state: Mapped[PaymentState] = mapped_column(EnumText(PaymentState))
    currency: Mapped[str] = mapped_column(String(3))
    subtotal_minor: Mapped[int]
    discount_minor: Mapped[int]
    shipping_minor: Mapped[int]
    tax_minor: Mapped[int]
    total_minor: Mapped[int]
    grant_id: Mapped[UUID | None]
    # The last touch within 72 h that earns the credit (rules 2.4), NULL when none did.
    credited_message_id: Mapped[UUID | None]
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        company_fk(),
        owned_by("carts", "cart_id"),
        owned_by("customers", "customer_id"),
        owned_by("grants", "grant_id"),
        one_of("payment_state", PaymentState),
        UniqueConstraint("company_id", "external_id"),
        UniqueConstraint("company_id", "cart_id"),
        Index("ix_orders_customer", "company_id", "customer_id", "placed_at"),
    )


class OrderLine(Base, TenantRow):
    __tablename__ = "order_lines"

    order_id: Mapped[UUID]
    variant_id: Mapped[UUID]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]

    __table_args__ = (
        owned_by("orders", "order_id"),
        owned_by("product_variants", "variant_id"),
        UniqueConstraint("company_id", "order_id", "variant_id"),
        Index("ix_order_lines_variant", "company_id", "variant_id", "id"),
    )
