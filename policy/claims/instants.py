"""Whether an instant stands behind a date, a time or a span ("until Friday at 5 pm", "for 15 more minutes")."""

from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from policy.claims.claim import Bound, Claim, ClaimKind, When
from policy.claims.facts import InstantFact, Subject
from policy.claims.reading import Reading
from policy.claims.vocabulary import word_set

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_NOUNS: dict[Subject, frozenset[str]] = {
    Subject.HOLD_EXPIRY: word_set("hold held holding reserve reserved reserving keep keeping aside kept reservation"),
    Subject.OFFER_EXPIRY: word_set("offer discount code deal off coupon price promotion savings voucher sale"),
    Subject.LINK_EXPIRY: frozenset({"link", "url", "cart", "saved", "page"}),
}
_ELSEWHERE = word_set(
    "deliver delivered delivery arrive arrives ship ships shipped refund refunds return returns call calls "
    "reply open close closes opens restock restocked charged payment person dispatch dispatched arriving "
    "shipping team colleague roast warranty roasted brew fresh points subscription leaves"
)
_TELLING = _ELSEWHERE.union(*_NOUNS.values())
_BEGINS = word_set("from after since starts start begins begin starting opens return")
_TOWARDS_END = word_set("in within for next another more left remaining expires ends has")
_PARTS = {"morning": (5, 12), "afternoon": (12, 18), "evening": (17, 24), "tonight": (17, 24)}


def instant_matches(fact: InstantFact, reading: Reading, index: int, *, now: datetime) -> bool:
    """Whether the words name this instant, in its own zone, and it is the end of what they speak of."""
    claim, places = reading.claims[index], reading.inside[index]
    if claim.kind not in {ClaimKind.INSTANT, ClaimKind.DURATION} or not places:
        return False
    if fact.subject is not Subject.POLICY and fact.at <= now:
        return False
    if fact.subject is not Subject.OFFER_EXPIRY and "only" in _near(reading, places):  # "today only"
        return False
    if not _speaks_of(fact.subject, reading, places.start) or _begins_there(fact.subject, reading, places.start):
        return False
    if claim.kind is ClaimKind.DURATION:
        return _lasts(fact.at - now, claim, reading, places) or _days_ahead(fact, claim, reading, places, now)
    return claim.when is not None and _names(claim.when, fact, now)


def _speaks_of(subject: Subject, reading: Reading, at: int) -> bool:
    """Whether the clause, or the whole sentence where the clause says nothing, is about what ends then."""
    if subject not in _NOUNS:
        return True
    clause = {*reading.texts(reading.clause(at, soft=True))}
    words = clause if clause & _TELLING else set(reading.words)
    free = {"free"} <= words and bool(words & {"shipping", "delivery"})
    if words & _ELSEWHERE and not free:
        return False
    if subject is not Subject.OFFER_EXPIRY and _has_discount(reading, at):
        return False
    named = {one for one, nouns in _NOUNS.items() if nouns & words} | ({Subject.OFFER_EXPIRY} if free else set())
    return subject in named if named else True


def _has_discount(reading: Reading, at: int) -> bool:
    """ "The 15% ends today" speaks of the offer, though it does not name it."""
    clause = reading.stretch(at)
    return any(
        claim.kind is ClaimKind.PERCENT and places and places.start in clause
        for claim, places in zip(reading.claims, reading.inside, strict=True)
    )


def _begins_there(subject: Subject, reading: Reading, at: int) -> bool:
    before = {token.text for token in reading.tokens[max(0, at - 3) : at]}
    return subject in _NOUNS and bool(before & _BEGINS)


def _lasts(left: timedelta, claim: Claim, reading: Reading, places: range) -> bool:
    """The time that is left, in the unit of the words: rounded down or to the nearest, never a unit too long."""
    unit = next(iter(claim.units), "")
    if unit not in _SECONDS or claim.high or claim.bound is Bound.LOWER:
        return False
    exact = Decimal(int(left.total_seconds())) / _SECONDS[unit]
    return _looks_ahead(reading, places) and any(
        low - exact <= Decimal("0.25") and exact - low < 1 for low in claim.low
    )


def _days_ahead(fact: InstantFact, claim: Claim, reading: Reading, places: range, now: datetime) -> bool:
    zone = ZoneInfo(fact.tz)
    days = (fact.at.astimezone(zone).date() - now.astimezone(zone).date()).days
    return claim.units == {"day"} and not claim.high and Decimal(days) in claim.low and _looks_ahead(reading, places)


def _near(reading: Reading, places: range) -> set[str]:
    near = reading.tokens[max(0, places.start - 1) : places.start] + reading.tokens[places.stop : places.stop + 1]
    return {token.text for token in near}


def _looks_ahead(reading: Reading, places: range) -> bool:
    near = reading.tokens[max(0, places.start - 4) : places.start] + reading.tokens[places.stop : places.stop + 3]
    return not _TOWARDS_END.isdisjoint(token.text for token in near)


def _zone_of(when: When, fact: InstantFact) -> tzinfo | None:
    """The zone that the words mean, if it can be the fact's; None if they name another."""
    zone = ZoneInfo(fact.tz)
    if when.zone is None:
        return zone
    if when.zone in {"utc", "gmt"} and fact.at.astimezone(zone).utcoffset() != timedelta(0):
        return ZoneInfo("UTC")
    names = {(fact.at.astimezone(zone).tzname() or "").lower()}
    names |= {name[0] + name[-1] for name in names if len(name) == 3}  # "ET" for EST and EDT
    if when.zone in names or when.zone in {"utc", "gmt"} or when.zone in _NAMED_ZONES.get(fact.tz, ()):
        return zone
    return datetime.fromisoformat(f"2000-01-01T00:00:00{when.zone}").tzinfo if when.zone[0] in "+-" else None


_NAMED_ZONES = {
    "America/New_York": ("eastern",),
    "America/Chicago": ("central",),
    "America/Denver": ("mountain",),
    "America/Los_Angeles": ("pacific",),
}


def _names(when: When, fact: InstantFact, now: datetime) -> bool:
    zone = _zone_of(when, fact)
    if zone is None:
        return False
    local, today = fact.at.astimezone(zone), now.astimezone(zone).date()
    if when.hour is not None and not _same_time(when, local):
        return False
    if when.hour == 0 and when.minute == 0 and local.hour == 0:  # "midnight on Friday" ends Friday
        return _same_day(when, local.date(), today) or _same_day(when, local.date() - timedelta(days=1), today)
    return _same_day(when, local.date(), today) and _in_part(when, local)


def _same_time(when: When, local: datetime) -> bool:
    said, at = (when.hour, when.minute or 0), (local.hour, local.minute)
    if when.either_half and said[0] is not None and (said[0] + 12) % 24 == at[0]:
        said = at[0], said[1]
    return said == at or (said == (0, 0) and at == (23, 59))


def _same_day(when: When, day: date, today: date) -> bool:
    ahead = (day - today).days
    if when.month is not None or when.day is not None or when.year is not None:
        return _same_calendar_day(when, day) and (when.weekday is None or when.weekday == day.weekday())
    if when.day_offset is not None:
        return ahead == when.day_offset and (when.weekday is None or when.weekday == day.weekday())
    if when.weekday is not None:
        furthest = 13 if when.period == "next weekday" else 7
        return day.weekday() == when.weekday and 0 <= ahead <= furthest
    if when.period is not None:
        return _in_period(when.period, day, today)
    return 0 <= ahead <= 1  # a time alone means today or tonight


def _same_calendar_day(when: When, day: date) -> bool:
    said = (when.month, when.day)
    for month, number in {said, said[::-1]} if when.swapped else {said}:
        same_year = when.year is None or when.year == day.year
        if same_year and month in {None, day.month} and number in {None, day.day}:
            return True
    return False


def _in_period(period: str, day: date, today: date) -> bool:
    head, _, tail = period.partition(" ")
    monday = today - timedelta(days=today.weekday())
    week = (day - monday).days // 7
    months = (day.year - today.year) * 12 + day.month - today.month
    if period == "tonight":
        return day == today
    if "weekend" in period:
        return week == (1 if head == "next" else 0) and day.weekday() >= 5
    if tail in {"evening", "afternoon", "morning"}:
        return day == today and head == "this"
    if head == "end":
        return _is_end(tail.split()[-1], day, today)
    offset = {"this": 0, "next": 1}.get(head)
    if offset is None or tail not in {"week", "month", "year"}:
        return False
    return {"week": week, "month": months, "year": day.year - today.year}[tail] == offset


def _is_end(unit: str, day: date, today: date) -> bool:
    if unit == "day":
        return day == today
    if unit == "week":
        return day.weekday() >= 4 and 0 <= (day - today).days < 7
    last = (day + timedelta(days=1)).day == 1
    return unit == "month" and last and (day.year, day.month) == (today.year, today.month)


@lru_cache(maxsize=64)
def _hours_of(part: str) -> tuple[int, int]:
    return _PARTS.get(part, (0, 24))


def _in_part(when: When, local: datetime) -> bool:
    part = (when.period or "").rpartition(" ")[2]
    first, last = _hours_of(part)
    return first <= local.hour < last
