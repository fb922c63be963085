"""Which products to suggest beside a cart, by what was bought and by nothing else (rules H-38)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class UpsellReason(StrEnum):
    """Why a product is suggested: all that may be said of it."""

    BOUGHT_TOGETHER = "BOUGHT_TOGETHER"
    CATEGORY_BESTSELLER = "CATEGORY_BESTSELLER"
    SAME_CATEGORY = "SAME_CATEGORY"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A variant that this cart could have. `orders_together` counts orders that had it beside something in the cart,
    `units_sold` what was sold of it if it is of a category in the cart."""

    variant_id: UUID
    product_id: UUID
    sku: str
    name: str
    unit_price_minor: int
    image_url: str | None
    orders_together: int
    units_sold: int

    @property
    def reason(self) -> UpsellReason:
        if self.orders_together:
            return UpsellReason.BOUGHT_TOGETHER
        return UpsellReason.CATEGORY_BESTSELLER if self.units_sold else UpsellReason.SAME_CATEGORY


def rank(candidates: Iterable[Candidate], *, limit: int) -> list[Candidate]:
    """Bought together most often first, then sold most often, then by sku; one variant of a product."""
    best: dict[UUID, Candidate] = {}
    for candidate in sorted(candidates, key=lambda each: (-each.orders_together, -each.units_sold, each.sku)):
        best.setdefault(candidate.product_id, candidate)
    return list(best.values())[:limit]
