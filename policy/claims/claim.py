"""A claim: the piece of a sentence that must rest on a fact."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from policy.claims.facts import PromiseKind


class ClaimKind(StrEnum):
    MONEY = "MONEY"
    PERCENT = "PERCENT"
    COUNT = "COUNT"
    DURATION = "DURATION"
    INSTANT = "INSTANT"
    MEASURE = "MEASURE"
    RATING = "RATING"
    CODE = "CODE"
    LINK = "LINK"
    PROMISE = "PROMISE"
    PRESSURE = "PRESSURE"
    UNREADABLE = "UNREADABLE"
    CONTRARY = "CONTRARY"


class Bound(StrEnum):
    """How the sentence limits a number: "over 50" is LOWER, "within 30" is UPPER."""

    NONE = "NONE"
    LOWER = "LOWER"
    UPPER = "UPPER"

    @property
    def opposite(self) -> "Bound":
        return {Bound.LOWER: Bound.UPPER, Bound.UPPER: Bound.LOWER}.get(self, self)


class Pressure(StrEnum):
    """What hurries a shopper: a deadline or scarcity may be true; the last kind never has a row behind it."""

    DEADLINE = "DEADLINE"
    SCARCITY = "SCARCITY"
    NEVER = "NEVER"


@dataclass(frozen=True, slots=True)
class When:
    """The parts of a date or time that the words name; None is unsaid. `day_offset` counts from today."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    swapped: bool = False  # 11/12: day and month may be the other way round
    weekday: int | None = None  # Monday is 0
    hour: int | None = None
    minute: int | None = None
    day_offset: int | None = None
    period: str | None = None  # "next week", "weekend", "christmas"
    zone: str | None = None
    either_half: bool = False  # "half past four" may be morning or afternoon


@dataclass(frozen=True, slots=True)
class Claim:
    """`start` and `end` are places in the normalised sentence; `low` holds the possible readings of a number."""

    kind: ClaimKind
    start: int
    end: int
    text: str
    low: tuple[Decimal, ...] = ()
    high: tuple[Decimal, ...] = ()  # the upper end of a range
    units: frozenset[str] = frozenset()
    bound: Bound = Bound.NONE
    when: When | None = None
    promise: PromiseKind | None = None
    denied: bool = False  # "we do not refund": what the company does not do is a claim as well
    pressure: Pressure | None = None
