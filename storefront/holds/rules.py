"""How long units stay reserved for a cart, and how many are left for it (spec 3, decision 11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db.tables.catalogue import StockPolicy


@dataclass(frozen=True, slots=True)
class HoldPolicy:
    """A hold lasts `duration`; activity renews it until it is `limit` old. `at_checkout` waits for the checkout."""

    duration: timedelta = timedelta(minutes=15)
    limit: timedelta = timedelta(minutes=60)
    at_checkout: bool = False

    def renewable_until(self, placed_at: datetime) -> datetime:
        return placed_at + max(self.duration, self.limit)

    def expires_at(self, now: datetime, *, renewable_until: datetime) -> datetime:
        """When a hold that is placed or renewed now will end."""
        return min(now + self.duration, renewable_until)


@dataclass(frozen=True, slots=True)
class StockLevel:
    """`held` is what other carts hold, unexpired."""

    on_hand: int
    policy: StockPolicy
    held: int = 0

    @property
    def available(self) -> int | None:
        """Units that this cart may have; None where zero stops nobody."""
        if self.policy is not StockPolicy.DENY:
            return None
        return max(0, self.on_hand - self.held)


NOTHING = StockLevel(on_hand=0, policy=StockPolicy.DENY)


def short_of(wanted: Mapping[UUID, int], stock: Mapping[UUID, StockLevel]) -> dict[UUID, int]:
    """Variants that cannot be had in the wanted quantity, with what can. No stock row means none on hand."""
    available = {variant: stock.get(variant, NOTHING).available for variant in wanted}
    return {variant: left for variant, left in available.items() if left is not None and left < wanted[variant]}


def held(stock: Mapping[UUID, StockLevel]) -> frozenset[UUID]:
    """The variants whose units are reserved. Where selling goes on at zero a hold, and its end, would mean nothing."""
    return frozenset(variant for variant, level in stock.items() if level.policy is StockPolicy.DENY)
