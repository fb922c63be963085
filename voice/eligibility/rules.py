"""Who may be called about a cart: one policy (rules 2.3), as a pure function. Nothing else may lead to a call."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from db.tables.policy import ContactVerdict
from policy import money
from recovery.config import FlowConfig

# The last email needs this long to be read, or to come back.
EMAIL_REST = timedelta(hours=4)
# All lines are taken: ask again soon.
LINE_WAIT = timedelta(minutes=1)


class Reason(StrEnum):
    """Why there is no call, beside the gate's own reasons (policy.contact.rules.Reason)."""

    VOICE_OFF = "VOICE_OFF"
    NO_CARRIER = "NO_CARRIER"
    HOLDOUT = "HOLDOUT"
    NOT_ABANDONED = "NOT_ABANDONED"
    ORDERED = "ORDERED"
    NO_NAME = "NO_NAME"
    NO_MINIMUM = "NO_MINIMUM"
    CART_TOO_SMALL = "CART_TOO_SMALL"
    LTV_TOO_LOW = "LTV_TOO_LOW"
    FIRST_TIME_BUYER = "FIRST_TIME_BUYER"
    TOO_FEW_EMAILS = "TOO_FEW_EMAILS"
    EMAIL_TOO_RECENT = "EMAIL_TOO_RECENT"
    EMAIL_ANSWERED = "EMAIL_ANSWERED"
    TOO_EARLY = "TOO_EARLY"
    TOO_LATE = "TOO_LATE"
    CALLED_RECENTLY = "CALLED_RECENTLY"
    DAY_CAP = "DAY_CAP"
    LINES_BUSY = "LINES_BUSY"


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """What the contact gate says of the person and their number: consent, suppression, hours, frequency."""

    verdict: ContactVerdict
    until: datetime | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says, each from its own rows. Amounts are minor units.

    `stale` is why the flow would not go on, whatever a call's rules say. `ordered` looks at every order of the
    person, in any payment state. `emails` are those of the attempt that arrived; `last_call_at` is the last call to
    the person or the number. `calls_today` and `day_ends_at` are of the company's own day.
    """

    gate: GateAnswer
    has_carrier: bool
    # Who answers is known by their first name alone (rules C-21).
    has_name: bool
    is_holdout: bool
    stale: str | None
    is_abandoned: bool
    abandoned_at: datetime | None
    ordered: bool
    value_minor: int
    currency: str
    shop_currency: str
    orders: int
    lifetime_minor: int
    emails: int
    last_email_at: datetime | None
    email_answered: bool
    last_call_at: datetime | None
    calls_today: int
    live_calls: int
    day_ends_at: datetime


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Eligible when there is no reason against it; `until` is set where time alone mends all of them."""

    reasons: tuple[str, ...]
    until: datetime | None
    facts: Facts

    @property
    def eligible(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True)
class _Against:
    reason: str
    # None: no waiting mends it.
    until: datetime | None = None


def evaluate(facts: Facts, config: FlowConfig, now: datetime) -> Eligibility:
    """Whether the person may be called about the cart now, later, or not at all, with every reason."""
    against = [*_gate(facts.gate), *_settings(facts, config), *_cart(facts, config)]
    against += [
        *_person(facts, config),
        *_emails(facts, config),
        *_times(facts, config, now),
        *_lines(facts, config, now),
    ]
    until = max((each.until for each in against if each.until is not None), default=None)
    if any(each.until is None for each in against):
        until = None
    if until is not None and _is_past(facts, config, until):
        against.append(_Against(Reason.TOO_LATE))
        until = None
    return Eligibility(tuple(dict.fromkeys(each.reason for each in against)), until, facts)


def minimum_minor(config: FlowConfig, *, currency: str, shop_currency: str) -> int | None:
    """The least value of a cart that is called about, in its currency; None where none is set.

    Spec 2 and spec 7 each have a field for it: the higher one holds.
    """
    voice = config.voice
    if currency != shop_currency:
        own = voice.min_cart_values.get(currency)
        return None if own is None else money.to_minor(own, currency)
    least = max(voice.min_cart_value, config.stages.nuclear_offer.min_cart_value_for_voice)
    return money.to_minor(least, currency)


def _gate(gate: GateAnswer) -> Iterator[_Against]:
    for reason in gate.reasons:
        yield _Against(reason, gate.until)


def _settings(facts: Facts, config: FlowConfig) -> Iterator[_Against]:
    if not (config.enabled and config.voice.enabled and config.stages.nuclear_offer.enabled):
        yield _Against(Reason.VOICE_OFF)
    if not facts.has_carrier:
        yield _Against(Reason.NO_CARRIER)


def _cart(facts: Facts, config: FlowConfig) -> Iterator[_Against]:
    if facts.is_holdout:
        yield _Against(Reason.HOLDOUT)
    if not facts.is_abandoned:
        yield _Against(Reason.NOT_ABANDONED)
    if facts.stale is not None:
        yield _Against(facts.stale)
    if facts.ordered:
        yield _Against(Reason.ORDERED)
    least = minimum_minor(config, currency=facts.currency, shop_currency=facts.shop_currency)
    if least is None:
        yield _Against(Reason.NO_MINIMUM)
    elif facts.value_minor < least:
        yield _Against(Reason.CART_TOO_SMALL)


def _person(facts: Facts, config: FlowConfig) -> Iterator[_Against]:
    if not facts.has_name:
        yield _Against(Reason.NO_NAME)
    least_minor = money.to_minor(config.voice.min_customer_ltv, facts.shop_currency)
    if facts.lifetime_minor < least_minor:
        yield _Against(Reason.LTV_TOO_LOW)
    if config.voice.exclude_first_time_buyers and facts.orders == 0:
        yield _Against(Reason.FIRST_TIME_BUYER)


def _emails(facts: Facts, config: FlowConfig) -> Iterator[_Against]:
    if facts.emails < config.voice.require_email_attempts:
        yield _Against(Reason.TOO_FEW_EMAILS)
    if facts.email_answered:
        yield _Against(Reason.EMAIL_ANSWERED)


def _times(facts: Facts, config: FlowConfig, now: datetime) -> Iterator[_Against]:
    if facts.last_email_at is not None and now < (rested := facts.last_email_at + EMAIL_REST):
        yield _Against(Reason.EMAIL_TOO_RECENT, rested)
    if facts.abandoned_at is not None:
        if now < (opens := facts.abandoned_at + timedelta(hours=config.voice.min_abandonment_hours)):
            yield _Against(Reason.TOO_EARLY, opens)
        if _is_past(facts, config, now):
            yield _Against(Reason.TOO_LATE)
    if facts.last_call_at is not None:
        again = facts.last_call_at + timedelta(days=config.voice.exclude_recent_calls)
        if now < again:
            yield _Against(Reason.CALLED_RECENTLY, again)


def _lines(facts: Facts, config: FlowConfig, now: datetime) -> Iterator[_Against]:
    if facts.calls_today >= config.voice.max_calls_per_day:
        yield _Against(Reason.DAY_CAP, facts.day_ends_at)
    if facts.live_calls >= config.voice.max_calls_at_once:
        yield _Against(Reason.LINES_BUSY, now + LINE_WAIT)


def _is_past(facts: Facts, config: FlowConfig, at: datetime) -> bool:
    """Whether the abandonment is too long ago at `at`."""
    longest = timedelta(hours=config.voice.max_abandonment_hours)
    return facts.abandoned_at is not None and at > facts.abandoned_at + longest
