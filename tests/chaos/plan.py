"""What will be done to the system: a pure function of the seed. `python -m tests.chaos.run --plan` prints it.

A tick is one jump of the shop's clock, a process that is killed while the work of that jump is under way, and what
shoppers do meanwhile. Which job a kill hits is up to the processes; everything else repeats.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from tests.fakes.smtp import Fault, Reply, Slow, Stage, Trouble, kind_of

MONTH = timedelta(days=31)
ZONES = ("America/New_York", "America/Los_Angeles", "Europe/Berlin", "Asia/Tokyo", "Australia/Sydney", None)
REASONS = ("TOO_EXPENSIVE", "SHIPPING_COST", "NEED_MORE_INFO", "JUST_BROWSING", "OTHER")
SKUS = ("BLEND", "MUG", "FILTERS")


class Act(StrEnum):
    OPEN = "OPEN"
    CLICK = "CLICK"
    ANSWER = "ANSWER"
    OPT_OUT = "OPT_OUT"
    CONVERT = "CONVERT"
    HAGGLE = "HAGGLE"
    TIGHTEN = "TIGHTEN"


class Target(StrEnum):
    WORKER = "WORKER"
    API = "API"
    DATABASE = "DATABASE"
    # One session's server process: PostgreSQL then restarts all of them.
    BACKEND = "BACKEND"


@dataclass(frozen=True)
class Deed:
    """Something that a shopper does, sent `copies` times at once to different processes."""

    act: Act
    person: int
    copies: int = 1
    reason: str = "OTHER"


@dataclass(frozen=True)
class Kill:
    target: Target
    number: int
    after_s: float


@dataclass(frozen=True)
class Tick:
    jump: timedelta
    kill: Kill | None
    deeds: tuple[Deed, ...]


@dataclass(frozen=True)
class Person:
    """`shop` is its index; without a consent nobody may write to them."""

    number: int
    shop: int
    zone: str | None
    consents: bool
    items: tuple[str, ...]

    @property
    def email(self) -> str:
        return f"person{self.number}@shoppers.example"


# What a relay may do wrong, of a hundred times.
MENU: dict[Stage, tuple[tuple[Trouble, float], ...]] = {
    Stage.GREETING: ((Reply("421 4.3.2 busy"), 4), (Fault.DROP, 2), (Slow(1), 3)),
    Stage.EHLO: ((Fault.DROP, 1), (Fault.HANG, 0.2)),
    Stage.RCPT: ((Reply("450 4.2.1 greylisted"), 5), (Reply("550 5.7.1 policy"), 1), (Fault.HANG, 0.2)),
    Stage.CONTENT: (
        (Reply("452 4.3.1 full"), 3),
        (Reply("554 5.7.1 spam"), 1),
        (Fault.DROP, 2),
        (Fault.KEEP_AND_DROP, 4),
        (Fault.HANG, 0.3),
        (Slow(0.7), 20),
    ),
}
EVERY_KIND = frozenset(
    kind for stage, bad in MENU.items() for trouble, _ in bad if (kind := kind_of(stage, trouble)) is not None
)


@dataclass(frozen=True)
class Plan:
    seed: int
    people: tuple[Person, ...]
    ticks: tuple[Tick, ...]
    # What the relay does wrong, in the order in which it reaches each stage of a delivery.
    trouble: dict[Stage, tuple[Trouble, ...]]
    workers: int
    apis: int


def make_plan(seed: int, *, people: int, ticks: int, workers: int = 3, apis: int = 2) -> Plan:
    """`ticks` jumps over a month, small ones first, while the early stages run."""
    dice = random.Random(f"chaos {seed}")
    crowd = tuple(_person(dice, number) for number in range(people))
    deeds: list[list[Deed]] = [[] for _ in range(ticks)]
    for person in crowd:
        for at, deed in _script(dice, person, ticks):
            deeds[min(at, ticks - 1)].append(deed)
    deeds[ticks // 3].append(Deed(Act.TIGHTEN, person=-1))
    for each in deeds:
        dice.shuffle(each)
    jumps = _jumps(dice, ticks)
    kills = [_kill(dice, workers, apis) for _ in range(ticks)]
    rows = zip(jumps, kills, deeds, strict=True)
    return Plan(
        seed=seed,
        people=crowd,
        ticks=tuple(Tick(jump, kill, tuple(done)) for jump, kill, done in rows),
        trouble=_trouble(dice, 20 * people),
        workers=workers,
        apis=apis,
    )


def _person(dice: random.Random, number: int) -> Person:
    return Person(
        number=number,
        shop=number % 3,
        zone=dice.choice(ZONES),
        consents=dice.random() < 0.95,
        items=tuple(dice.sample(SKUS, dice.randint(1, 3))),
    )


def _script(dice: random.Random, person: Person, ticks: int) -> Iterator[tuple[int, Deed]]:
    """What this person does and when: most of it twice, some of it in an order that no shopper would choose."""

    def deed(act: Act) -> Deed:
        return Deed(act, person.number, copies=dice.choice((1, 2, 2, 3)), reason=dice.choice(REASONS))

    def early() -> int:
        return int(ticks * dice.random() ** 2)

    match dice.choices(
        ("silent", "buyer", "clicker", "answerer", "quitter", "haggler", "muddled"), (30, 10, 15, 20, 10, 5, 10)
    )[0]:
        case "buyer":
            yield early(), deed(Act.CONVERT)
        case "clicker":
            at = early()
            yield at, deed(Act.CLICK)
            yield at + dice.randint(0, ticks // 4), deed(Act.CONVERT)
        case "answerer":
            at = early()
            yield at, deed(Act.ANSWER)
            yield at + dice.randint(0, 2), deed(Act.ANSWER)
            if dice.random() < 0.4:
                yield at + dice.randint(0, ticks // 3), deed(Act.CONVERT)
        case "quitter":
            yield early(), deed(Act.OPT_OUT)
        case "haggler":
            yield early(), deed(Act.HAGGLE)
            yield early(), deed(Act.ANSWER)
        case "muddled":
            at = early()
            for act in dice.sample((Act.CLICK, Act.ANSWER, Act.OPT_OUT, Act.CONVERT), 3):
                yield at, deed(act)
        case _:
            pass
    if dice.random() < 0.1:
        yield early(), Deed(Act.OPEN, person.number)


def _jumps(dice: random.Random, ticks: int) -> list[timedelta]:
    shares = [(place + 1) ** 1.5 * dice.uniform(0.4, 1.6) for place in range(ticks)]
    return [MONTH * (share / sum(shares)) for share in shares]


def _kill(dice: random.Random, workers: int, apis: int) -> Kill | None:
    target = dice.choices([None, *Target], (1, 6, 3, 2, 1))[0]
    if target is None:
        return None
    number = dice.randrange(workers if target is Target.WORKER else apis)
    return Kill(target, number, after_s=dice.uniform(0.1, 1.5))


def _trouble(dice: random.Random, length: int) -> dict[Stage, tuple[Trouble, ...]]:
    """One of each first, so that a short run meets all of them, then by chance."""
    well = Slow(0)
    trouble: dict[Stage, tuple[Trouble, ...]] = {}
    for stage, bad in MENU.items():
        first = dice.sample([each for each, _ in bad], len(bad))
        chances = [100 - sum(chance for _, chance in bad), *(chance for _, chance in bad)]
        trouble[stage] = (*first, *dice.choices([well, *(each for each, _ in bad)], chances, k=length))
    return trouble
