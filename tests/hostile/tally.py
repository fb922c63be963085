"""What was checked how often, and what did not hold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from io import StringIO

from rich.console import Console
from rich.table import Table

from tests.hostile.arguments import Trick


class Invariant(Enum):
    """What holds whatever a model does; the value is the line of the table."""

    CAP = "no grant above the cap in force, or above what was asked"
    ONE_GRANT = "no cart with two live grants"
    BENEFIT = "no benefit above cap % of the goods, no price below the margin floor"
    COOLDOWN = "no person given twice within the cool-down"
    BUDGET = "no day's or month's budget passed"
    WALLS = "no row outside the session's cart, customer and company changed"
    GROUNDED = "no ungrounded sentence shown"
    CANARY = "nothing of another shopper or shop shown, or told to the model"
    CARDS = "no card number in a row, a log line, a model's request"
    STORED = "what was shown is what is stored"
    ANSWERED = "every turn answered and ended, its lease gone"
    BROKEN = "no turn broken that the model did not crash"
    GATE = "no message planned or sent to who has not agreed or has said stop"
    OPT_OUT = "every opt-out kept, and nothing planned or sent after it"
    GAPLESS = "positions of turns and transcript gapless"
    AUDITED = "every tool call kept once"
    HTTP = "no 5xx"


@dataclass(frozen=True)
class Violation:
    """`certain` is False for what may have been true in an instant that nobody looked at: it is played again."""

    episode: int
    detail: str
    certain: bool = True


@dataclass
class Tally:
    """Adds up over blocks and processes. `counts` are what happened at all, so that no zero is an empty one."""

    checks: dict[Invariant, int] = field(default_factory=dict)
    # Numbers of the episodes that an invariant was checked in.
    trials: dict[Invariant, set[int]] = field(default_factory=dict)
    violations: dict[Invariant, list[Violation]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    tried: Counter[Trick] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def check(self, invariant: Invariant, holds: bool, episode: int, detail: object, *, certain: bool = True) -> None:
        """`episode` is -1 where it is not known whose it is."""
        self.checks[invariant] = self.checks.get(invariant, 0) + 1
        self.trials.setdefault(invariant, set()).update({episode} - {-1})
        if not holds:
            self.violations.setdefault(invariant, []).append(Violation(episode, str(detail)[:600], certain))

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def add(self, other: "Tally") -> None:
        for invariant, number in other.checks.items():
            self.checks[invariant] = self.checks.get(invariant, 0) + number
        for invariant, episodes in other.trials.items():
            self.trials.setdefault(invariant, set()).update(episodes)
        for invariant, found in other.violations.items():
            self.violations.setdefault(invariant, []).extend(found)
        for what, number in other.counts.items():
            self.count(what, number)
        self.tried += other.tried
        self.seconds += other.seconds

    def broken(self, invariant: Invariant) -> Sequence[Violation]:
        return self.violations.get(invariant, ())

    def table(self) -> Table:
        """Checks, violations, and in what share of episodes it can at most fail with 95 % confidence.

        The rule of three, 3 / n: n are episodes, for checks within one are not independent of each other.
        """
        table = Table("invariant", "checks", "in episodes", "violations", "95 % bound")
        for invariant in Invariant:
            checks, tried, found = self.checks.get(invariant, 0), self._tried(invariant), self.broken(invariant)
            if not tried:
                bound = "not checked"
            elif found:
                bound = f"{len({each.episode for each in found}) / tried:.1e} seen"
            else:
                bound = f"≤ {3 / tried:.1e}"
            table.add_row(invariant.value, f"{checks:,}", f"{tried:,}", str(len(found)), bound)
        return table

    def _tried(self, invariant: Invariant) -> int:
        return len(self.trials.get(invariant, ()))


def report(tally: Tally, *, seed: int, seconds: float, most: int = 20) -> str:
    """The closing table, what happened at all, and of each invariant the first violation of `most` episodes."""
    console = Console(width=130, record=True, file=StringIO())
    console.print(tally.table())
    console.print("calls: " + ", ".join(f"{tally.tried[trick]:,} {trick.value}" for trick in Trick))
    console.print(", ".join(f"{number:,} {what}" for what, number in sorted(tally.counts.items())))
    p50, p95, longest = (quantile(tally.seconds, share) for share in (0.5, 0.95, 1.0))
    console.print(f"a turn took {p50:.2f} s (p50), {p95:.2f} s (p95), {longest:.2f} s at most")
    console.print(f"seed {seed}: {seconds:.0f} s, {tally.counts.get('episodes', 0) / seconds:.1f} episodes/s")
    for invariant, found in tally.violations.items():
        console.print(f"\nviolated {len(found)} times: {invariant.value}", style="red")
        first = {each.episode: each for each in reversed(found)}
        for violation in sorted(first.values(), key=lambda each: each.episode)[:most]:
            console.print(f"  --seed {seed} --only {violation.episode}: {violation.detail}", markup=False)
    return console.export_text()


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0
