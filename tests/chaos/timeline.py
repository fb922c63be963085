"""The shop's clock as the run moved it: from an instant of the shop to the real instant at which it was so."""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass
class Timeline:
    """Jumps go forward only, so an instant of the shop belongs to one real instant."""

    jumps: list[tuple[datetime, timedelta]] = field(default_factory=list)

    def jumped(self, real: datetime, offset: timedelta) -> None:
        self.jumps.append((real, offset))

    def real_of(self, shop: datetime) -> datetime:
        """When it was `shop` by the shop's clock; instants that a jump left out belong to the jump."""
        starts = [real + offset for real, offset in self.jumps]
        place = max(bisect_right(starts, shop) - 1, 0)
        real = shop - self.jumps[place][1]
        return min(real, self.jumps[place + 1][0]) if place + 1 < len(self.jumps) else real
