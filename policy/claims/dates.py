"""Dates and times in a token sequence: ISO, "25 November", "Friday at 5 pm", "tomorrow", "next week"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from policy.claims.claim import When
from policy.claims.tokens import Token, TokenKind
from policy.claims.vocabulary import word_set

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"), ("february", "feb"), ("march",), ("april", "apr"), ("may",), ("june", "jun"),
            ("july", "jul"), ("august", "aug"), ("september", "sep", "sept"), ("october", "oct"),
            ("november", "nov"), ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}  # fmt: skip
_ALSO_WORDS = frozenset({"may", "march", "mar"})
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            ("monday", "mondays", "mon"), ("tuesday", "tuesdays", "tue", "tues"), ("wednesday", "wednesdays", "wed"),
            ("thursday", "thursdays", "thu", "thur", "thurs"), ("friday", "fridays", "fri"),
            ("saturday", "saturdays", "sat"), ("sunday", "sundays", "sun"),
        )
    )
    for name in names
}  # fmt: skip
_CAPITAL_ONLY = frozenset({"mon", "wed", "thu", "fri", "sat", "sun", "jan", "dec", "mar"})
_ZONES = word_set(
    "utc gmt bst cet cest et est edt ct cst cdt mt mst mdt pt pst pdt ist jst aest aedt eastern pacific "
    "central mountain"
)
_PERIOD_HEADS = frozenset({"next", "this", "coming", "following", "last", "same", "later"})
_PERIOD_TAILS = frozenset({"week", "month", "year", "weekend", "evening", "afternoon", "morning", "fortnight"})
_LATE = frozenset({"tonight", "evening", "afternoon"})
_HOLIDAYS = frozenset({"christmas", "xmas", "easter", "thanksgiving", "hanukkah", "diwali", "halloween", "ramadan"})
_HOLIDAY_PAIRS = frozenset(
    {
        *(("black", "friday"), ("cyber", "monday"), ("new", "year"), ("new", "year's"), ("valentine's", "day")),
        *(("mother's", "day"), ("father's", "day"), ("boxing", "day"), ("independence", "day")),
    }
)
_SINGLE = {
    "tomorrow": When(day_offset=1),
    "tomorrow's": When(day_offset=1),
    "yesterday": When(day_offset=-1),
    "today": When(day_offset=0),
    "today's": When(day_offset=0),
    "tonight": When(day_offset=0, period="tonight"),
    "weekend": When(period="weekend"),
    "weekends": When(period="weekend"),
    "weekdays": When(period="weekdays"),
}
_JOIN = frozenset({",", "at", "on", "the", "of", "by", "until", "night"})
_ISO_TIME = r"(?:[tT ](\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?\s?([zZ]|[+-]\d{2}:?\d{2})?)?"
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})" + _ISO_TIME)
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?::\d{2})?")
_NUMERIC = re.compile(r"(\d{1,2})([/.])(\d{1,2})\2(\d{4}|\d{2})\b")
_SHORT_NUMERIC = re.compile(r"(\d{1,2})/(\d{1,2})\b(?!/)")
_BEFORE_DATE = word_set("on by until till before after from since expires ends to")

MAY_BEGIN_DATE = {
    *_MONTHS, *_WEEKDAYS, *_SINGLE, *_HOLIDAYS, *_PERIOD_HEADS, *(pair[0] for pair in _HOLIDAY_PAIRS),
    "day", "end", "noon", "midday", "midnight", "half", "quarter",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DateSpan:
    """A date or time over `used` tokens."""

    when: When
    used: int


@dataclass(frozen=True, slots=True)
class _Reader:
    tokens: Sequence[Token]
    text: str

    def word(self, at: int) -> str:
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""

    def whole(self, at: int, low: int, high: int) -> int | None:
        """The token's value where it is a whole number in the range."""
        if not 0 <= at < len(self.tokens) or self.tokens[at].kind is not TokenKind.NUMBER:
            return None
        for value in self.tokens[at].values:
            if value == value.to_integral_value() and low <= value <= high:
                return int(value)
        return None

    def covered(self, at: int, end: int) -> int:
        """How many tokens from `at` begin before `end`."""
        here = at
        while here < len(self.tokens) and self.tokens[here].start < end:
            here += 1
        return here - at


def _year(reader: _Reader, at: int) -> tuple[int | None, int]:
    comma = 1 if reader.word(at) == "," else 0
    year = reader.whole(at + comma, 2000, 2100)
    return (year, comma + 1) if year is not None else (None, 0)


def _is_month(reader: _Reader, at: int) -> bool:
    word = reader.word(at)
    return word in _MONTHS and not (word in _CAPITAL_ONLY and not reader.tokens[at].raw[0].isupper())


def _by_pattern(reader: _Reader, at: int) -> DateSpan | None:
    token = reader.tokens[at]
    if not token.raw[:1].isdigit():
        return None
    if iso := _ISO.match(reader.text, token.start):
        year, month, day, hour, minute = (int(part) if part else None for part in iso.groups()[:5])
        zone = "utc" if iso[6] in {"Z", "z"} else iso[6]
        return DateSpan(When(year, month, day, hour=hour, minute=minute, zone=zone), reader.covered(at, iso.end()))
    if numeric := _NUMERIC.match(reader.text, token.start):
        first, second, year = int(numeric[1]), int(numeric[3]), int(numeric[4])
        when = _day_and_month(first, second, year + 2000 if year < 100 else year)
        return DateSpan(when, reader.covered(at, numeric.end())) if when else None
    short = _SHORT_NUMERIC.match(reader.text, token.start)
    if short and reader.word(at - 1) in _BEFORE_DATE and (when := _day_and_month(int(short[1]), int(short[2]), None)):
        return DateSpan(when, reader.covered(at, short.end()))
    return None


def _day_and_month(first: int, second: int, year: int | None) -> When | None:
    if not (1 <= first <= 31 and 1 <= second <= 31) or min(first, second) > 12:
        return None
    if first > 12:
        return When(year, month=second, day=first)
    return When(year, month=first, day=second, swapped=second <= 12 and first != second)


def _calendar_day(reader: _Reader, at: int) -> DateSpan | None:
    """ "25 November 2026", "November 25th", "the 25th of November", "by the 25th"."""
    if _is_month(reader, at):
        the = 1 if reader.word(at + 1) == "the" else 0
        day = reader.whole(at + 1 + the, 1, 31)
        if day is not None and reader.word(at + 2 + the) not in {"%", "percent"}:
            year, more = _year(reader, at + 2 + the)
            return DateSpan(When(year, _MONTHS[reader.word(at)], day), 2 + the + more)
        year, more = _year(reader, at + 1)
        sure = reader.word(at) not in _ALSO_WORDS or reader.word(at - 1) in {"in", "until", "by", "of", "since"}
        return DateSpan(When(year, _MONTHS[reader.word(at)]), 1 + more) if sure or more else None
    day = reader.whole(at, 1, 31)
    if day is None:
        return None
    of = 1 if reader.word(at + 1) == "of" else 0
    if _is_month(reader, at + 1 + of):
        year, more = _year(reader, at + 2 + of)
        return DateSpan(When(year, _MONTHS[reader.word(at + 1 + of)], day), 2 + of + more)
    named = reader.tokens[at].ordinal and reader.word(at - 1) == "the" and reader.word(at - 2) in _BEFORE_DATE
    if named and not reader.word(at + 1).isalpha():
        return DateSpan(When(day=day), 1)
    return None


def _half_of_day(reader: _Reader, at: int) -> tuple[int | None, int]:
    """12 for pm and 0 for am, with the tokens taken: "pm", "p.m.", "in the evening", "at night"."""
    word = reader.word(at)
    if word in {"am", "pm"}:
        return (0 if word == "am" else 12), 1
    if word in {"a", "p"} and reader.word(at + 1) == "." and reader.word(at + 2) == "m":
        return (0 if word == "a" else 12), 4 if reader.word(at + 3) == "." else 3
    if word in {"in", "at"}:
        the = 1 if reader.word(at + 1) == "the" else 0
        part = reader.word(at + 1 + the)
        if part in {"evening", "afternoon", "night", "morning"}:
            return (0 if part == "morning" else 12), 2 + the
    return None, 0


def _clock(reader: _Reader, at: int) -> DateSpan | None:
    """ "5 pm", "17:00", "half past five", "five o'clock", "noon"."""
    word = reader.word(at)
    if word in {"noon", "midday", "midnight"}:
        return DateSpan(When(hour=0 if word == "midnight" else 12, minute=0), 1)
    if word in {"half", "quarter"} and reader.word(at + 1) in {"past", "to"}:
        hour = reader.whole(at + 2, 1, 12)
        if hour is None:
            return None
        minutes = 30 if word == "half" else 15
        past = reader.word(at + 1) == "past"
        half, used = _half_of_day(reader, at + 3)
        base = hour % 12 + (half or 0) - (0 if past else 1)
        when = When(hour=base % 24, minute=minutes if past else 60 - minutes, either_half=half is None)
        return DateSpan(when, 3 + used)
    token = reader.tokens[at]
    match = _CLOCK.match(reader.text, token.start) if token.raw[:1].isdigit() else None
    if match and int(match[1]) < 25 and int(match[2]) < 60:
        used = reader.covered(at, match.end())
        half, more = _half_of_day(reader, at + used)
        if ":" in match.group() or half is not None:
            hour = int(match[1]) % 12 + half if half is not None else int(match[1]) % 24
            return DateSpan(When(hour=hour, minute=int(match[2])), used + more)
    return _whole_hour(reader, at)


def _whole_hour(reader: _Reader, at: int) -> DateSpan | None:
    hour = reader.whole(at, 1, 12)
    if hour is None:
        return None
    if reader.word(at + 1) in {"o'clock", "oclock"}:
        half, more = _half_of_day(reader, at + 2)
        return DateSpan(When(hour=hour % 12 + (half or 0), minute=0, either_half=half is None), 2 + more)
    half, used = _half_of_day(reader, at + 1)
    spoken_part = reader.word(at + 1) in {"in", "at"}
    if half is None or (spoken_part and reader.word(at - 1) not in {"at", "by", "until", "before"}):
        return None
    return DateSpan(When(hour=hour % 12 + half, minute=0), 1 + used)


def _relative(reader: _Reader, at: int) -> DateSpan | None:
    word, following = reader.word(at), reader.word(at + 1)
    if word in _WEEKDAYS and (word not in _CAPITAL_ONLY or reader.tokens[at].raw[0].isupper()):
        return DateSpan(When(weekday=_WEEKDAYS[word]), 1)
    if (word, following) in _HOLIDAY_PAIRS:
        return DateSpan(When(period=f"{word} {following}"), 2)
    if word in _PERIOD_HEADS:
        if following in _PERIOD_TAILS and not (word == "last" and following != "week"):
            return DateSpan(When(period=f"{word} {following}"), 2)
        if following in _WEEKDAYS:
            return DateSpan(When(weekday=_WEEKDAYS[following], period=f"{word} weekday"), 2)
    if (word, following, reader.word(at + 2)) == ("day", "after", "tomorrow"):
        return DateSpan(When(day_offset=2), 3)
    if word == "end" and following == "of":
        the = 1 if reader.word(at + 2) in {"the", "this", "next"} else 0
        tail = reader.word(at + 2 + the)
        if tail in {"day", "week", "month", "year", "season"}:
            return DateSpan(When(period=f"end {reader.word(at + 2) if the else 'the'} {tail}"), 3 + the)
    single = _SINGLE.get(word)
    if single is None and word in _HOLIDAYS:
        single = When(period=word)
    return DateSpan(single, 1) if single else None


def _merge(first: When, second: When) -> When | None:
    """Both parts in one; None where they name the same part."""
    said = {
        field.name: value
        for field in fields(second)
        if (value := getattr(second, field.name)) is not None and value is not False
    }
    if any((value := getattr(first, name)) is not None and value is not False for name in said):
        return None
    return replace(first, **said)


def read_date(tokens: Sequence[Token], text: str, at: int) -> DateSpan | None:
    """The date or time that begins at token `at`, with all its parts ("Friday, 25 November at 5 pm GMT")."""
    if tokens[at].kind is not TokenKind.NUMBER and tokens[at].text not in MAY_BEGIN_DATE:
        return None
    reader = _Reader(tokens, text)
    span = _one(reader, at)
    if span is None:
        return None
    when, here = span.when, at + span.used
    while True:
        gap = 0
        while reader.word(here + gap) in _JOIN and gap < 3:
            gap += 1
        following = _one(reader, here + gap) if here + gap < len(tokens) else None
        merged = _merge(when, following.when) if following else None
        if following is None or merged is None:
            break
        when, here = merged, here + gap + following.used
    if when.hour is not None and when.hour < 12 and (when.period or "").split(" ")[-1] in _LATE:
        when = replace(when, hour=when.hour + 12, either_half=False)
    if when.hour is not None and reader.word(here) in _ZONES:
        return DateSpan(replace(when, zone=reader.word(here)), here + 1 - at)
    return DateSpan(when, here - at)


def _one(reader: _Reader, at: int) -> DateSpan | None:
    return _by_pattern(reader, at) or _relative(reader, at) or _clock(reader, at) or _calendar_day(reader, at)
