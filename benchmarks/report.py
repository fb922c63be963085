"""What a benchmark found: our figure beside its reference, and the goal that it is held against."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

console = Console(width=160)


@dataclass(frozen=True)
class Reference:
    what: str
    value: float


@dataclass(frozen=True)
class Figure:
    """`met` None: there is no goal for this one."""

    what: str
    ours: float
    unit: str
    reference: Reference | None = None
    goal: str = ""
    met: bool | None = None
    # The lowest and the highest ratio of the rounds.
    spread: tuple[float, float] | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.reference is None or not self.reference.value else self.ours / self.reference.value


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def show(title: str, figures: Iterable[Figure]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in ("what", "ours", "beside it", "ratio", "goal", "held"):
        table.add_column(name, justify="right" if name in {"ours", "ratio"} else "left")
    for each in figures:
        beside = "" if each.reference is None else f"{_number(each.reference.value)} {each.reference.what}"
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        if each.spread is not None:
            ratio += f" ({each.spread[0]:.2f}–{each.spread[1]:.2f})"
        held = "" if each.met is None else "yes" if each.met else "no"
        table.add_row(each.what, f"{_number(each.ours)} {each.unit}", beside, ratio, each.goal, held)
    console.print(table)


def show_machine() -> None:
    """A shared machine slows both sides: the ratios hold where the figures do not."""
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
