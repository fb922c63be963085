"""Numbers and times in words that claim nothing: "one moment", "which one", "see you tomorrow", "first, let me look".

Digits are never excused: a digit without a fact does not leave.
"""

from collections.abc import Sequence
from itertools import pairwise

from policy.claims.claim import When
from policy.claims.tokens import Token, TokenKind
from policy.claims.units import DURATION_UNITS
from policy.claims.vocabulary import word_set

_IDLE_NOUNS = word_set(
    "thing things question questions option options way ways idea ideas reason reasons step steps moment "
    "moments choice choices detail details word words suggestion suggestions tip tips note notes point sides "
    "alternatives quick possibilities recommendation recommendations favourites favorites candidates"
)
_ONE_COUNTS = word_set(
    "left remaining available item items product bag bags pack box unit piece in per customer review free "
    "dozen day's shopper order"
)
_ORDINAL_NOUNS = word_set(
    "item items bag bags product order orders purchase pair unit pack packs customer shopper visitor person "
    "box bottle cup mug day week month one"
)
_ASKS_HOW_MANY = frozenset({"would", "do", "want", "should", "shall", "how", "which", "prefer", "can"})
_NOT_ASKED = word_set("left remaining available in free people customers others shoppers off times more for years")
_BEFORE_MOMENT = frozenset(
    {"", "just", "give", "me", "please", "wait", "only", "sure", ",", "hold", "on", "need", "okay"}
)
_CLAIMS_TODAY = word_set("only by until till ends end expires expire for before ships ship arrive")
_FOLLOWS_TODAY = frozenset({"only", "deal", "offer", "price", "special", "discount"})


def is_figure_of_speech(tokens: Sequence[Token], at: int, end: int, *, question: bool) -> bool:
    """Whether the number in words over tokens `at` to `end` counts nothing that a shopper would rely on."""
    token = tokens[at]
    if not token.spoken or any(other.kind is TokenKind.NUMBER and not other.spoken for other in tokens[at:end]):
        return False

    def word(place: int) -> str:
        return tokens[place].text if 0 <= place < len(tokens) else ""

    following, before = word(end), word(at - 1)
    if following == "-":
        following = word(end + 1)
        if token.text == "one":
            return following not in _ONE_COUNTS
    if following in _IDLE_NOUNS or (following in {"more", "other", "quick"} and word(end + 1) in _IDLE_NOUNS):
        return True
    if token.ordinal:
        return token.text == "first" or following not in _ORDINAL_NOUNS
    if token.text == "one":
        return _idle_one(tuple(word(end + ahead) for ahead in range(6)), before, word(at - 2))
    small = bool(token.values) and token.values[0] <= 12
    asks = question and any(other.text in _ASKS_HOW_MANY for other in tokens[: min(at, 8)])
    if small and asks and following not in _NOT_ASKED:
        return True
    if small and (before in {"these", "those", "the", "both", "all"} or following == "of"):
        return following in {"", "?", ".", "!", ",", "of", "together"} and word(end + 1) not in {"the", "our"}
    return False


def _idle_one(after: Sequence[str], before: str, earlier: str) -> bool:
    """ "one moment", "one of them", "which one"; but "one left", "there is one kettle", "one item"."""
    following, second = after[0], after[1]
    if before in {"last", "only"} and following in {"", ".", "!", "left", "remaining", "available", "in"}:
        return False
    if not {"left", "remaining", "available"}.isdisjoint(after[:5]) or ("in", "stock") in pairwise(after):
        return False
    if (earlier, before) in {("there", "is"), ("you", "have"), ("we", "have")} and following.isalpha():
        return following in {"of", "more", "thing", "in"} or following in _IDLE_NOUNS
    if following == "more":
        return second not in _ONE_COUNTS and second not in DURATION_UNITS
    if following == "in":
        return second not in {"stock", "your"}
    return following not in _ONE_COUNTS


def is_time_idiom(words: Sequence[str], at: int, end: int, when: When) -> bool:
    """Whether a relative day is only a way to speak: "see you tomorrow", "thanks for visiting us today"."""
    before = words[max(0, at - 4) : at]
    following = words[end] if end < len(words) else ""
    relative_only = when.hour is None and when.month is None and when.day is None
    if not relative_only:
        return False
    if {"see", "talk", "speak"} & set(before[-3:]) or {"have", "enjoy", "happy", "merry"} & set(before[-3:]):
        return following != "only" and not {"discount", "off", "offer"} & set(before)
    if when.day_offset == 0 and when.period is None:
        if words[at] == "today's":
            return following not in _FOLLOWS_TODAY
        return not (_CLAIMS_TODAY & set(before[-2:]) or following in _FOLLOWS_TODAY or _time_bound(words, at))
    return False


def _time_bound(words: Sequence[str], at: int) -> bool:
    """Whether a verb beside it ties the offer or the parcel to the day."""
    near = words[max(0, at - 6) : at + 4]
    return not {
        *("ends", "expires", "expire", "arrives", "arrive", "ships", "delivered", "leaves", "deadline", "last"),
        *("dispatched", "deliver", "ship", "closes", "valid"),
    }.isdisjoint(near)


def is_moment(before: str, number: Token, units: frozenset[str]) -> bool:
    """ "Give me one minute": asks for patience, promises nothing."""
    short = bool(units & {"second", "minute"})
    return short and number.text in {"one", "a couple of", "a couple"} and before in _BEFORE_MOMENT
