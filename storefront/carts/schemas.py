"""What other rooms and the edges are shown of a cart. Amounts are minor units of its currency."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from db.tables.carts import CartStatus, PaymentState
from db.tables.policy import GrantKind


@dataclass(frozen=True, slots=True)
class LineView:
    """`discount_minor` is the line's own markdown and its share of the cart's discount. `hold_expires_at` is None
    when no unit is held."""

    id: UUID
    variant_id: UUID
    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price_minor: int
    discount_minor: int
    net_minor: int
    image_url: str | None
    hold_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class OfferView:
    """The live grant: committed and not expired, or redeemed by the order."""

    grant_id: UUID
    kind: GrantKind
    percent: Decimal | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FreeShippingView:
    """Delivery is free from `threshold_minor` on; `remaining_minor` is what is missing, 0 when nothing is."""

    threshold_minor: int
    remaining_minor: int


@dataclass(frozen=True, slots=True)
class CartView:
    """A cart as it stands at one moment, its totals derived from lines, live grant, delivery and tax rates.

    `subtotal_minor` is before, `discount_minor` all discounts; `tax_minor` may be contained in the prices.
    `hold_expires_at` is the earliest end of a hold.
    """

    id: UUID
    company_id: UUID
    status: CartStatus
    currency: str
    country: str | None
    customer_id: UUID | None
    lines: tuple[LineView, ...]
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    grand_total_minor: int
    item_count: int
    offer: OfferView | None
    free_shipping: FreeShippingView | None
    hold_expires_at: datetime | None
    checkout_started_at: datetime | None
    last_activity_at: datetime
    idle_due_at: datetime | None
    abandoned_at: datetime | None
    abandonment: int
    converted_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderView:
    """What a cart became. `external_id` is the merchant's own number; `repeated` says that it was known already."""

    id: UUID
    cart_id: UUID
    external_id: str
    payment_state: PaymentState
    currency: str
    total_minor: int
    grant_id: UUID | None
    placed_at: datetime
    repeated: bool
