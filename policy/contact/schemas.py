"""What the gate reads besides facts: dated policy packs (law as data) and what a merchant adds to them."""

from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from db.base import type_json
from db.tables.policy import Channel
from policy.contact.windows import Span


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Weekday(StrEnum):
    """In the order of `date.weekday()`."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"


class EmailBasis(StrEnum):
    """What a country asks for before a cart email (rules C-32). A typed address is never enough."""

    OPT_IN = "OPT_IN"
    DOUBLE_OPT_IN = "DOUBLE_OPT_IN"


class OpenHours(_Part):
    """Local hours on some days, `closes` not included. `00:00` as `closes` is the end of the day."""

    days: frozenset[Weekday]
    opens: time
    closes: time

    @model_validator(mode="after")
    def _within_a_day(self) -> Self:
        if self.closes != time(0) and self.opens >= self.closes:
            raise ValueError("opening hours lie within one day: split what crosses midnight")
        return self

    def span(self) -> Span:
        days = frozenset(at for at, day in enumerate(Weekday) if day in self.days)
        return Span(days, _minute(self.opens), _minute(self.closes) or 24 * 60)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


class Limit(_Part):
    """At most `count` messages to a person in any stretch of `within_minutes`."""

    count: int = Field(ge=1)
    within_minutes: int = Field(ge=1)


class EmailBases(_Part):
    default: EmailBasis
    countries: dict[str, EmailBasis]

    def of(self, country: str | None) -> EmailBasis:
        return self.default if country is None else self.countries.get(country, self.default)


class PerAbandonment(_Part):
    """What one abandonment of one cart may cost a person. `messages` counts every channel."""

    messages: int = Field(ge=0)
    unanswered_emails: int = Field(ge=0)
    sms: int = Field(ge=0)
    calls: int = Field(ge=0)


class BlackoutHours(_Part):
    """Whole local hours without contact, `end` not included; across midnight when start is later than end
    (spec 2: 22 to 8). Equal hours mean none."""

    start: int = Field(default=22, ge=0, le=23)
    end: int = Field(default=8, ge=0, le=23)


class CallHours(BaseModel):
    """Whole local hours within which a merchant lets calls be placed, `end` not included (spec 7)."""

    model_config = ConfigDict(frozen=True)

    start: int = Field(default=0, ge=0, le=23)
    end: int = Field(default=24, ge=1, le=24)


class CallRules(BaseModel):
    """What of the flow config's `voice` the gate minds; the rest is the phone room's."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    call_hours: CallHours = CallHours()


class MerchantRules(_Part):
    """The contact part of the flow config (spec 2). It can only tighten a pack."""

    blackout_hours: BlackoutHours = BlackoutHours()
    max_attempts_per_cart: int = Field(default=10, ge=0)
    voice: CallRules = CallRules()

    @classmethod
    def of(cls, flow_config: type_json) -> Self:
        """Read them from a stored flow config; the whole is checked where it is stored."""
        mine = {field.alias or name for name, field in cls.model_fields.items()}
        return cls.model_validate({key: value for key, value in flow_config.items() if key in mine})


class PolicyPack(_Part):
    """Rules of contact in force from a date, with their source and reviewer."""

    version: str
    effective_from: date
    source: tuple[str, ...] = Field(min_length=1)
    reviewer: str
    email_basis: EmailBases
    windows: dict[Channel, tuple[OpenHours, ...]]
    holidays: dict[str, frozenset[date]]
    limits: dict[Channel, tuple[Limit, ...]]
    per_abandonment: PerAbandonment
    sms_within_hours: int = Field(ge=0)
    # Prefixes of numbers, by region, that an AI may only call when it was asked to.
    closed_to_ai_calls: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    blackout_hours: BlackoutHours | None = None
    call_hours: CallHours | None = None

    def is_closed_to_ai_calls(self, number: str) -> bool:
        return any(number.startswith(prefixes) for prefixes in self.closed_to_ai_calls.values())

    def holidays_of(self, country: str | None) -> frozenset[date]:
        """The country's holidays; everybody's where the country is not known."""
        if country is not None:
            return self.holidays.get(country, frozenset())
        return frozenset().union(*self.holidays.values())

    def tightened(self, merchant: MerchantRules) -> "PolicyPack":
        """This pack with the merchant's rules on top; nothing gets looser."""
        fewer = min(self.per_abandonment.messages, merchant.max_attempts_per_cart)
        return self.model_copy(
            update={
                "blackout_hours": merchant.blackout_hours,
                "call_hours": merchant.voice.call_hours,
                "per_abandonment": self.per_abandonment.model_copy(update={"messages": fewer}),
            }
        )


@cache
def _packs() -> tuple[PolicyPack, ...]:
    folder = files("policy.contact") / "packs"
    packs = [PolicyPack.model_validate_json(path.read_text("utf-8")) for path in folder.iterdir()]
    return tuple(sorted(packs, key=lambda pack: (pack.effective_from, pack.version)))


def pack_in_force(now: datetime) -> PolicyPack:
    """The latest pack whose date has come (UTC); the earliest one before that."""
    packs = _packs()
    today = now.astimezone(UTC).date()
    return next((pack for pack in reversed(packs) if pack.effective_from <= today), packs[0])
