"""What the offer rules look at. The ledger's service reads it from the database; nobody hands it in."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from db.tables.policy import GrantKind, GrantSource
from db.tables.recovery import CartAbandonmentReason, CartSaveStage


@dataclass(frozen=True, slots=True)
class Intent:
    """What the shopper wants, never how much: `asked_percent` can only lower what the shop would give.

    `reason` is None while nobody has diagnosed the cart.
    """

    source: GrantSource
    reason: CartAbandonmentReason | None
    stage: CartSaveStage | None = None
    asked_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OfferLine:
    """A cart line as the ledger reads it. `unit_cost_minor` is None where the merchant did not say."""

    sku: str
    unit_price_minor: int
    quantity: int
    unit_cost_minor: int | None = None
    line_discount_minor: int = 0


@dataclass(frozen=True, slots=True)
class GivenGrant:
    """A grant that this cart has or had. `kind` and `percent` say what it takes off, whatever the cart holds now."""

    id: UUID
    kind: GrantKind
    percent: Decimal | None
    committed_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """Everything that `decide` may look at, in minor units of `currency`.

    `shipping_minor` is what delivery costs with no grant. `live` is the unexpired grant, `ended` the expired ones
    of this cart. `last_incentive_at` is this person's latest grant on any other cart and `won_orders` the orders
    of the last 180 days that an incentive won; both are empty for a cart of nobody. `spent_*` leaves this cart out.
    """

    now: datetime
    currency: str
    lines: tuple[OfferLine, ...]
    shipping_minor: int
    open: bool = True
    live: GivenGrant | None = None
    ended: tuple[GivenGrant, ...] = ()
    last_incentive_at: datetime | None = None
    won_orders: int = 0
    spent_day_minor: int = 0
    spent_month_minor: int = 0
