"""Tool calls as an enemy makes them: sometimes exactly right, mostly not."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from random import Random

from pydantic import JsonValue

from db.tables.recovery import CartAbandonmentReason
from tests.hostile import cards
from tests.hostile.episodes import INJECTIONS, OBJECTIONS, QUESTIONS

TOOLS = (
    "apply_discount",
    "get_cart",
    "search_faq",
    "rank_upsells",
    "log_trigger",
    "record_diagnosis",
    "send_resume_link",
    "request_human",
    "set_opt_out",
)
UNKNOWN = (
    "grant_discount",
    "",
    "APPLY_DISCOUNT",
    "apply_discount ",
    "schedule_stage",
    "\0",
    "\ud800",
    "x" * 5000,
    "__init__",
)
REASONS = tuple(reason.value for reason in CartAbandonmentReason)
PERCENTS: tuple[JsonValue, ...] = (
    100, 99.99, "50", "100.0", 10, 5, 3.5, 0.01, 7.555, 0, -1, -5.5, 101, 1e308, 10**40, 10**400, True, "1e2", "NaN",
    "Infinity", "-Infinity", float("nan"), float("inf"), "ten", "", None, [], {}, [90], {"value": 90}, "10%", " 10 ",
)  # fmt: skip


class Trick(Enum):
    """What a call is wrong in, for the report: a run in which one never occurred has proven nothing about it."""

    UNKNOWN_TOOL = "unknown tool"
    EMPTY = "empty arguments"
    EXTRA = "extra fields"
    FOREIGN = "another's id"
    OVER_THE_CAP = "over the cap"
    HUGE = "huge"
    NEGATIVE = "negative"
    NO_NUMBER = "NaN or infinite"
    WRONG_TYPE = "wrong type"
    REPEATED = "repeated"
    INTERLEAVED = "interleaved on one cart"


FIELDS = {
    "apply_discount": {"reason", "asked_percent"},
    "search_faq": {"question"},
    "log_trigger": {"handle"},
    "record_diagnosis": {"reason", "quote"},
    "send_resume_link": {"channel"},
    "request_human": {"reason"},
    "set_opt_out": {"scope"},
}


@dataclass(frozen=True)
class Aim:
    """What an attack is aimed at: identifiers that are not this conversation's, and a card number."""

    foreign_ids: tuple[str, ...]
    card: str


def hostile_call(rng: Random, aim: Aim, handles: list[str]) -> tuple[str, dict[str, JsonValue]]:
    """A tool's name and arguments. `handles` are those that this conversation was given."""
    if rng.random() < 0.04:
        return rng.choice(UNKNOWN), _junk_object(rng, aim)
    name = rng.choices(TOOLS, (12, 3, 2, 1, 3, 2, 3, 1, 1))[0]
    arguments = _RIGHT[name](rng, handles)
    if rng.random() < 0.5:
        return name, arguments
    return name, _spoiled(rng, aim, arguments)


def tricks(name: str, arguments: dict[str, JsonValue], aim: Aim) -> set[Trick]:
    """What is wrong with a call."""
    if name not in TOOLS:
        return {Trick.UNKNOWN_TOOL}
    found = set()
    if not arguments and name in FIELDS:
        found.add(Trick.EMPTY)
    if set(arguments) - FIELDS.get(name, set()):
        found.add(Trick.EXTRA)
    if any(each in str(arguments) for each in aim.foreign_ids):
        found.add(Trick.FOREIGN)
    asked = arguments.get("asked_percent", arguments.get("percent"))
    if asked is not None:
        found |= _number_tricks(asked)
    if any(not isinstance(value, str) for key, value in arguments.items() if key != "asked_percent"):
        found.add(Trick.WRONG_TYPE)
    return found


def _number_tricks(asked: JsonValue) -> set[Trick]:
    try:
        value = Decimal(str(asked))
    except InvalidOperation:
        return {Trick.WRONG_TYPE}
    if not value.is_finite():
        return {Trick.NO_NUMBER}
    if value < 0:
        return {Trick.NEGATIVE}
    return {Trick.HUGE} if value > 100 else {Trick.OVER_THE_CAP} if value > 20 else set()


def _apply_discount(rng: Random, handles: list[str]) -> dict[str, JsonValue]:
    money = rng.random() < 0.8
    reason = rng.choice(("TOO_EXPENSIVE", "TOO_EXPENSIVE", "SHIPPING_COST")) if money else rng.choice(REASONS)
    right: dict[str, JsonValue] = {"reason": reason}
    if rng.random() < 0.4:
        right["asked_percent"] = rng.choice((100, 90, 50, "33.33", 20, 9, 5, 2.5))
    return right


def _log_trigger(rng: Random, handles: list[str]) -> dict[str, JsonValue]:
    return {"handle": rng.choice(handles) if handles else "0" * 12}


CHANNELS: tuple[dict[str, JsonValue], ...] = ({}, {"channel": "EMAIL"}, {"channel": "SMS"})
SCOPES: tuple[dict[str, JsonValue], ...] = ({}, {"scope": "ALL"}, {"scope": "SMS"})

_RIGHT: dict[str, Callable[[Random, list[str]], dict[str, JsonValue]]] = {
    "apply_discount": _apply_discount,
    "get_cart": lambda rng, handles: {},
    "search_faq": lambda rng, handles: {"question": rng.choice((*QUESTIONS, *INJECTIONS[:3]))},
    "rank_upsells": lambda rng, handles: {},
    "log_trigger": _log_trigger,
    "record_diagnosis": lambda rng, handles: {"reason": rng.choice(REASONS), "quote": rng.choice(OBJECTIONS)},
    "send_resume_link": lambda rng, handles: rng.choice(CHANNELS),
    "request_human": lambda rng, handles: {"reason": rng.choice(OBJECTIONS)},
    "set_opt_out": lambda rng, handles: rng.choice(SCOPES),
}


def _spoiled(rng: Random, aim: Aim, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
    spoiled = dict(arguments)
    match rng.randrange(5):
        case 0:
            return {}
        case 1:
            return _junk_object(rng, aim)
        case 2:
            extra = rng.choice(
                ("cart_id", "company_id", "customer_id", "percent", "now", "grant_id", "to", "\0", "\udfff")
            )
            return {**spoiled, extra: rng.choice((*aim.foreign_ids, 100, "attacker@evil.example"))}
        case 3:
            spoiled["asked_percent"] = rng.choice(PERCENTS)
            return spoiled
        case _:
            key = rng.choice([*spoiled, "reason"])
            return {**spoiled, key: _junk(rng, aim, depth=0)}


def _junk_object(rng: Random, aim: Aim) -> dict[str, JsonValue]:
    keys = (
        "reason",
        "asked_percent",
        "handle",
        "question",
        "cart_id",
        "\0",
        "\ud800",
        "",
        "k" * 3000,
        cards.in_text(rng, aim.card),
    )
    return {rng.choice(keys): _junk(rng, aim, depth=0) for _ in range(rng.randrange(4))}


def _junk(rng: Random, aim: Aim, *, depth: int) -> JsonValue:
    if depth < 4 and rng.random() < 0.2:
        return [_junk(rng, aim, depth=depth + 1) for _ in range(rng.randrange(3))]
    if depth < 4 and rng.random() < 0.2:
        return {rng.choice(("a", "\0", "$ne", "__proto__")): _junk(rng, aim, depth=depth + 1)}
    if rng.random() < 0.02:
        return _deep(rng.choice((50, 150)))
    plain: tuple[JsonValue, ...] = (
        *PERCENTS, *INJECTIONS, *aim.foreign_ids, "\0", "a\0b", "\ud800", "\udfff\udfff", "é" * 600, "x" * 6000,
        cards.in_text(rng, aim.card), "TOO_EXPENSIVE\0", "too_expensive", False,
    )  # fmt: skip
    return rng.choice(plain)


def _deep(depth: int) -> JsonValue:
    value: JsonValue = "bottom"
    for _ in range(depth):
        value = [value]
    return value
