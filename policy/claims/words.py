"""Numbers in words: "seventy-three", "a hundred and five", "two and a half", "five ninety-nine", "a dozen"."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

_UNITS = {
    "zero": 0, "nil": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9,
}  # fmt: skip
_TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 1000, "grand": 1000, "million": 1_000_000, "dozen": 12}
_VAGUE = frozenset(
    {"dozens", "hundreds", "thousands", "millions", "tens", "umpteen", "zillions", "billions", "billion"}
)
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15,
    "sixteenth": 16, "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
    "hundredth": 100, "thousandth": 1000,
}  # fmt: skip
_SIMPLE = _UNITS | _TEENS | _TENS
_MAY_BEGIN = frozenset({*_SIMPLE, *_SCALES, *_VAGUE, *_ORDINALS, "a", "an", "half"})


@dataclass(frozen=True, slots=True)
class Spoken:
    """A number in words: its possible values (none if it makes no sense) and how many tokens it takes."""

    values: tuple[Decimal, ...]
    used: int
    ordinal: bool = False


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if at < len(words) else ""


def _below_hundred(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """Value and tokens of "seven", "seventeen", "seventy", "seventy-three"."""
    word = _word(words, at)
    if word not in _SIMPLE:
        return None
    if word in _TENS:
        hyphen = 1 if _word(words, at + 1) == "-" else 0
        unit = _UNITS.get(_word(words, at + 1 + hyphen), 0)
        if unit:
            return _TENS[word] + unit, 2 + hyphen
    return _SIMPLE[word], 1


def _whole(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """Value and tokens of a whole number with scales: "a hundred and five", "two thousand six hundred"."""
    here = at
    if _word(words, at) in {"a", "an"} and _word(words, at + 1) in _SCALES:
        group, here = 1, at + 1
    elif _word(words, at) in _SCALES:
        group = 1
    elif first := _below_hundred(words, at):
        group, here = first[0], at + first[1]
    else:
        return None
    total = 0
    while True:
        hyphen = 1 if _word(words, here) == "-" and _word(words, here + 1) in _SCALES else 0
        scale = _SCALES.get(_word(words, here + hyphen))
        if scale is None:
            break
        here += 1 + hyphen
        group *= scale
        if scale >= 1000:
            total, group = total + group, 0
        link = 1 if _word(words, here) == "and" else 0
        if more := _below_hundred(words, here + link):
            group += more[0]
            here += link + more[1]
    return total + group, here - at


def _parts_of_price(words: Sequence[str], at: int, whole: int, used: int) -> Spoken:
    """ "five ninety-nine" is 5.99 or 599; "oh" stands for a zero; three parts say nothing we can check."""
    zero = _word(words, at + used) == "oh"
    second = _below_hundred(words, at + used + zero)
    if second is None:
        return Spoken((Decimal(whole),), used)
    end = used + zero + second[1]
    cents, digits = second[0], 2 if zero or second[0] > 9 else 1
    if _below_hundred(words, at + end) or _word(words, at + end) in _SCALES or digits == 1 or (zero and cents > 9):
        while more := _below_hundred(words, at + end):
            end += more[1]
        return Spoken((), end)
    return Spoken((Decimal(whole) + Decimal(cents) / 100, Decimal(whole * 100 + cents)), end)


def _with_fraction(words: Sequence[str], at: int, whole: int, used: int) -> Spoken | None:
    here = at + used
    if _word(words, here) == "point":
        digits = ""
        while (digit := _UNITS.get(_word(words, here + 1 + len(digits)))) is not None:
            digits += str(digit)
        if digits:
            return Spoken((Decimal(f"{whole}.{digits}"),), used + 1 + len(digits))
    for tail, part in ((("and", "a", "half"), "0.5"), (("and", "a", "quarter"), "0.25")):
        if tuple(words[here : here + 3]) == tail:
            return Spoken((whole + Decimal(part),), used + 3)
    return None


def _ordinal(words: Sequence[str], at: int) -> Spoken | None:
    word = _word(words, at)
    if word in _ORDINALS:
        return Spoken((Decimal(_ORDINALS[word]),), 1, ordinal=True)
    if word in _TENS:
        hyphen = 1 if _word(words, at + 1) == "-" else 0
        unit = _ORDINALS.get(_word(words, at + 1 + hyphen), 99)
        if unit < 10 and (hyphen or unit != 2):  # "thirty second" is more often a time
            return Spoken((Decimal(_TENS[word] + unit),), 2 + hyphen, ordinal=True)
    return None


def _scaled_digits(words: Sequence[str], at: int) -> Spoken | None:
    """ "10 thousand", "2 dozen"."""
    if _word(words, at).isdigit() and _word(words, at + 1) in _SCALES:
        return Spoken((Decimal(words[at]) * _SCALES[words[at + 1]],), 2)
    return None


def read_spoken(words: Sequence[str], at: int) -> Spoken | None:
    """Read the number in words that begins at `at`, the longest that makes sense; None where there is none."""
    word = words[at]
    if word not in _MAY_BEGIN and not (word.isdigit() and _word(words, at + 1) in _SCALES):
        return None
    if word in _VAGUE:
        return Spoken((), 1)
    if word in {"a", "half"} and (word == "half" or _word(words, at + 1) == "couple"):
        return _idiom(words, at)
    if ordinal := _ordinal(words, at):
        return ordinal
    if scaled := _scaled_digits(words, at):
        return scaled
    if (whole := _whole(words, at)) is None:
        return None
    value, used = whole
    return _with_fraction(words, at, value, used) or _parts_of_price(words, at, value, used)


def _idiom(words: Sequence[str], at: int) -> Spoken | None:
    """ "a couple", "a couple of", "half a dozen"."""
    following = tuple(words[at + 1 : at + 3])
    if words[at] == "a":
        return Spoken((Decimal(2),), 3 if following[1:] == ("of",) else 2)
    return Spoken((Decimal(6),), 3) if following == ("a", "dozen") else None
