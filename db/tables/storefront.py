"""What was shown to a shopper: triggers, upsells (spec 10)."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import JSON, Base, EnumText, TenantRow, UtcDateTime, one_of, owned_by, type_json


class CartUpsellType(StrEnum):
    COMPLEMENTARY = "COMPLEMENTARY"
    BUNDLE_UPGRADE = "BUNDLE_UPGRADE"
    QUANTITY_DISCOUNT = "QUANTITY_DISCOUNT"
    FREE_SHIPPING_ADD = "FREE_SHIPPING_ADD"
    FREE_GIFT_THRESHOLD = "FREE_GIFT_THRESHOLD"
    PREMIUM_VERSION = "PREMIUM_VERSION"
    SUBSCRIPTION = "SUBSCRIPTION"
    SHIPPING_PROTECTION = "SHIPPING_PROTECTION"
    WARRANTY = "WARRANTY"


class UpsellOffer(Base, TenantRow):
    __tablename__ = "cart_upsell_offers"

    cart_id: Mapped[UUID]
    variant_id: Mapped[UUID | None]
    bundle_id: Mapped[UUID | None]
    type: Mapped[CartUpsellType] = mapped_column(EnumText(CartUpsellType))
    position: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    original_price_minor: Mapped[int]
    offer_price_minor: Mapped[int]
    message: Mapped[str]
    triggers_used: Mapped[list[str]] = mapped_column(ARRAY(String))
    presented_at: Mapped[datetime] = mapped_column(UtcDateTime)
    viewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    clicked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    declined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        owned_by("carts", "cart_id"),
        owned_by("product_variants", "variant_id"),
        owned_by("bundles", "bundle_id"),
        one_of("type", CartUpsellType),
        Index("ix_cart_upsell_offers_cart", "company_id", "cart_id"),
    )


class TriggerImpression(Base, TenantRow):
    """A claim that was shown. `handle` is what a conversation was given and may log once. Partitioned by month."""

    __tablename__ = "cart_trigger_impressions"

    impressed_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    cart_id: Mapped[UUID]
    session_id: Mapped[UUID | None]
    trigger: Mapped[str]
    placement: Mapped[str]
    handle: Mapped[str]
    variant: Mapped[str | None]
    control: Mapped[bool]
    interacted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    converted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    context: Mapped[type_json] = mapped_column(JSON, server_default="{}")

    __table_args__ = (
        owned_by("carts", "cart_id"),
        Index("ix_cart_trigger_impressions_cart", "company_id", "cart_id", "handle"),
        {"postgresql_partition_by": "RANGE (impressed_at)"},
    )
