"""What has to hold whatever dies, and the tally of where it did not."""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from rich.table import Table


class Invariant(Enum):
    NOTHING_LOST = "nothing lost: what was answered is kept, every flow came to its end"
    STAGE_ONCE = "no stage run twice"
    ONE_MESSAGE = "one message an intervention and channel, one copy by Message-ID"
    GATE = "no contact against the gate"
    CAPS = "no cap, cool-down or budget passed"
    ONE_GRANT = "no cart with two live grants"
    ORDER_STOPS = "no order without its stop"
    EXPLAINED = "everything put off was done or explained"
    NOTHING_HELD = "no lock, lease, claim or job left"


class Violation(NamedTuple):
    invariant: Invariant
    detail: str


@dataclass
class Tally:
    checked: defaultdict[Invariant, int] = field(default_factory=lambda: defaultdict(int))
    violations: list[Violation] = field(default_factory=list)

    def check(self, invariant: Invariant, holds: bool, detail: str) -> None:
        self.checked[invariant] += 1
        if not holds:
            self.violations.append(Violation(invariant, detail))

    @property
    def broken(self) -> set[Invariant]:
        return {each.invariant for each in self.violations}

    def table(self) -> Table:
        table = Table("invariant", "checked", "violated")
        for invariant in Invariant:
            violated = sum(each.invariant is invariant for each in self.violations)
            style = "red" if violated else None
            table.add_row(invariant.value, f"{self.checked[invariant]:,}", f"{violated}", style=style)
        return table
