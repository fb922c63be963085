"""Local hours in every zone that is known of a person, and the first instant that suits them all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY_MINUTES = 24 * 60
# Long enough for any mix of weekdays and holidays to come round.
HORIZON = timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes of a local day, `closes` not included, on some weekdays (0 is Monday). It never crosses midnight."""

    days: frozenset[int]
    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class ContactWindow:
    """When somebody in `tz` may be contacted. No span is open on a date in `closed_on`."""

    tz: ZoneInfo
    spans: tuple[Span, ...]
    closed_on: frozenset[date] = frozenset()

    def allows(self, at: datetime) -> bool:
        local = at.astimezone(self.tz)
        minute = local.hour * 60 + local.minute
        return local.date() not in self.closed_on and any(
            local.weekday() in span.days and span.opens <= minute < span.closes for span in self.spans
        )


EVERY_DAY = frozenset(range(7))


def outside(start_hour: int, end_hour: int) -> tuple[Span, ...]:
    """The spans of a day that a blackout from `start_hour` to `end_hour` leaves; equal hours leave all of it."""
    start, end = start_hour * 60, end_hour * 60
    if start == end:
        return (Span(EVERY_DAY, 0, _DAY_MINUTES),)
    left = [(end, start)] if start > end else [(0, start), (end, _DAY_MINUTES)]
    return tuple(Span(EVERY_DAY, opens, closes) for opens, closes in left if opens < closes)


def earliest_allowed(floor: datetime, windows: Sequence[ContactWindow]) -> datetime | None:
    """The first instant from `floor` that every window allows, in UTC; None when they never meet.

    A window can only open where a span does, in either pass of a repeated hour, or where the clocks change.
    """
    floor = floor.astimezone(UTC)
    if all(window.allows(floor) for window in windows):
        return floor
    openings = sorted({at for window in windows for at in _openings(floor, window)})
    return next((at for at in openings if all(window.allows(at) for window in windows)), None)


def _openings(floor: datetime, window: ContactWindow) -> Iterator[datetime]:
    first = floor.astimezone(window.tz).date()
    for offset in range(HORIZON.days + 1):
        day = first + timedelta(days=offset)
        times = [
            datetime.combine(day, time(span.opens // 60, span.opens % 60, fold=fold), window.tz)
            for span in window.spans
            for fold in (0, 1)
        ]
        for at in [*(local.astimezone(UTC) for local in times), *_clock_change(day, window.tz)]:
            if floor < at <= floor + HORIZON:
                yield at


def _clock_change(day: date, tz: ZoneInfo) -> Iterator[datetime]:
    """The instant on this local day at which the zone's offset changes, if there is one."""
    low = datetime.combine(day, time(), tz).astimezone(UTC)
    high = datetime.combine(day + timedelta(days=1), time(), tz).astimezone(UTC)
    before = low.astimezone(tz).utcoffset()
    if before == high.astimezone(tz).utcoffset():
        return
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(tz).utcoffset() == before:
            low = middle
        else:
            high = middle
    yield high
