"""What is sold: products, variants with prices by currency, stock, bundles, reviews."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, EnumText, Tenant, TenantRow, UtcDateTime, company_fk, one_of, owned_by


class ProductStatus(StrEnum):
    ACTIVE = "ACTIVE"
    DRAFT = "DRAFT"
    ARCHIVED = "ARCHIVED"


class StockPolicy(StrEnum):
    """What happens at zero: DENY refuses, CONTINUE sells on, UNTRACKED does not count."""

    DENY = "DENY"
    CONTINUE = "CONTINUE"
    UNTRACKED = "UNTRACKED"


class Product(Base, TenantRow):
    __tablename__ = "products"

    handle: Mapped[str]
    title: Mapped[str]
    description: Mapped[str]
    vendor: Mapped[str]
    category: Mapped[str]
    tags: Mapped[list[str]] = mapped_column(ARRAY(String))
    image_url: Mapped[str | None]
    status: Mapped[ProductStatus] = mapped_column(EnumText(ProductStatus))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        company_fk(),
        one_of("status", ProductStatus),
        Index("uq_products_handle", "company_id", "handle", unique=True),
    )


class ProductVariant(Base, TenantRow):
    """What goes into a cart. `title` is empty for a product with one variant."""

    __tablename__ = "product_variants"

    product_id: Mapped[UUID]
    sku: Mapped[str]
    title: Mapped[str]
    position: Mapped[int]
    image_url: Mapped[str | None]
    taxable: Mapped[bool]
    requires_shipping: Mapped[bool]
    active: Mapped[bool]

    __table_args__ = (
        company_fk(),
        owned_by("products", "product_id"),
        Index("uq_product_variants_sku", "company_id", "sku", unique=True),
        Index("ix_product_variants_product", "company_id", "product_id"),
    )


class VariantPrice(Base, Tenant):
    """A variant has a price only in the currencies that have a row; there is no conversion."""

    __tablename__ = "variant_prices"

    variant_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    price_minor: Mapped[int]
    compare_at_minor: Mapped[int | None]
    unit_cost_minor: Mapped[int | None]

    __table_args__ = (
        owned_by("product_variants", "variant_id"),
        CheckConstraint("price_minor >= 0 AND compare_at_minor >= 0 AND unit_cost_minor >= 0", name="amounts"),
    )


class PriceHistory(Base, TenantRow):
    """Every price that was ever charged, for the lowest price of the prior 30 days (rules C-39)."""

    __tablename__ = "price_history"

    variant_id: Mapped[UUID]
    currency: Mapped[str] = mapped_column(String(3))
    price_minor: Mapped[int]
    effective_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("product_variants", "variant_id"),
        Index("ix_price_history_variant", "company_id", "variant_id", "currency", "effective_at"),
    )


class Stock(Base, Tenant):
    """Units on hand; what is available is this less the live holds."""

    __tablename__ = "stock"

    variant_id: Mapped[UUID] = mapped_column(primary_key=True)
    on_hand: Mapped[int]
    policy: Mapped[StockPolicy] = mapped_column(EnumText(StockPolicy))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (owned_by("product_variants", "variant_id"), one_of("policy", StockPolicy))


class Bundle(Base, TenantRow):
    __tablename__ = "bundles"

    name: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    price_minor: Mapped[int]
    active: Mapped[bool]

    __table_args__ = (company_fk(), UniqueConstraint("company_id", "name"))


class BundleItem(Base, Tenant):
    __tablename__ = "bundle_items"

    bundle_id: Mapped[UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(primary_key=True)
    quantity: Mapped[int]

    __table_args__ = (
        owned_by("bundles", "bundle_id"),
        owned_by("product_variants", "variant_id"),
        CheckConstraint("quantity > 0", name="quantity"),
    )


class Review(Base, TenantRow):
    __tablename__ = "reviews"

    product_id: Mapped[UUID]
    rating: Mapped[int]
    title: Mapped[str]
    body: Mapped[str]
    author: Mapped[str]
    verified_purchase: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("products", "product_id"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        Index("ix_reviews_product", "company_id", "product_id"),
    )
