"""A passage that says the opposite: what it denies is not affirmed, what it says is not denied.

For much of what a sentence says no fact is needed ("it goes well with milk"); but a help page that says otherwise has
the last word. Read by the words alone: the clause behind a "not" against a clause without one. What either side limits
("not after 30 days", "unless it is faulty", "if you like") is compared with nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from policy.claims.claim import Claim, ClaimKind
from policy.claims.excuses import asks, speaks_of_oneself
from policy.claims.reading import Reading, read
from policy.claims.sentences import split
from policy.claims.trade import is_of_the_talk
from policy.claims.vocabulary import NEGATORS, RESTRICTORS, STOP, WEAK, stem, word_set

_ENDS = word_set(", ; : ( ) – — . ! ? but because so though although while whereas")
_HANGS_ON = RESTRICTORS | word_set(
    "unless except without before after until till once when whenever while if only just yet provided long otherwise "
    "any more less than"
)
_JOINS = word_set("or and nor")
# Elsewhere they tell nothing: "the price drops".
_THINGS = word_set("drop drops set sets")
_BEGINS_ON_CONDITION = re.compile(
    r"^\W*(?:and |but |so |or )*(?:if|when|whether|once|as soon as|in case|should|unless)\b"
)


@dataclass(frozen=True, slots=True)
class _Part:
    """Stems of a clause that says yes or no; those of what is denied, without the words that tell nothing."""

    stems: frozenset[str]
    denied: bool = False
    limited: bool = False


@dataclass(frozen=True, slots=True)
class _Told:
    """What a passage affirms, clause by clause, and what it denies; `about` are the stems of all of it."""

    sentences: frozenset[str]
    affirmed: tuple[_Part, ...]
    denied: tuple[frozenset[str], ...]
    about: frozenset[str]


def contraries(reading: Reading, passages: Sequence[str]) -> Iterator[Claim]:
    """What a sentence says that a passage says the opposite of."""
    told = [_told(passage) for passage in passages if passage.strip()]
    if not told or asks(reading.lower) or any(reading.plain in one.sentences for one in told):
        return
    for places in _clauses(reading):
        part = _part(reading, places)
        if part is not None and any(_is_contrary(part, reading, one, told) for one in told):
            start, end = reading.tokens[places.start].start, reading.tokens[places.stop - 1].end
            yield Claim(ClaimKind.CONTRARY, start, end, reading.text[start:end])


def _is_contrary(part: _Part, reading: Reading, one: _Told, told: Sequence[_Told]) -> bool:
    if part.denied:
        said = any(len(part.stems) > 1 and part.stems <= clause.stems and not clause.limited for clause in one.affirmed)
        return said and not any(item <= part.stems for other in told for item in other.denied)
    whole = _affirmed(reading)
    return any(
        item & part.stems
        and item <= whole
        and (len(item) > 1 or (whole - item) & one.about)
        and not any(part.stems <= clause.stems for other in told for clause in other.affirmed)
        for item in one.denied
    )


@lru_cache(maxsize=2048)
def _told(passage: str) -> _Told:
    readings = [read(part) for part in split(passage) if part.strip()]
    is_headed = not readings[0].text.rstrip().endswith((".", "!"))
    heading = _all(readings[0]) if is_headed else frozenset()
    affirmed: list[_Part] = []
    denied: list[frozenset[str]] = []
    for reading in readings:
        if not (reading.plain.endswith("?") or (is_headed and reading is readings[0])):
            for places in _clauses(reading):
                texts = reading.texts(places)
                if not NEGATORS.isdisjoint(texts):
                    denied += _denied(texts) if not _is_limited(reading, places) else ()
                else:
                    affirmed.append(_Part(_stems(texts) | heading, limited=_is_limited(reading, places)))
    about = heading.union(*map(_all, readings))
    plain = frozenset(reading.plain for reading in readings)
    return _Told(plain, tuple(affirmed), tuple(item for item in denied if item), about)


def _denied(texts: Sequence[str]) -> Iterator[frozenset[str]]:
    """Each thing that a clause denies, with what it denies it of: "not water damage or drops" are two."""
    at = _negator(texts)
    begin = at + 1
    for place in range(at + 1, len(texts) + 1):
        if place == len(texts) or texts[place] in _JOINS:
            yield _stems([*texts[:at], *texts[begin:place]])
            begin = place + 1


def _negator(texts: Sequence[str]) -> int:
    return next(place for place, text in enumerate(texts) if text in NEGATORS)


def _clauses(reading: Reading) -> Iterator[range]:
    begin = 0
    for place in range(len(reading.tokens) + 1):
        if place == len(reading.tokens) or (reading.tokens[place].text in _ENDS and place not in reading.taken):
            if place > begin:
                yield range(begin, place)
            begin = place + 1


def _part(reading: Reading, places: range) -> _Part | None:
    """A clause that says yes or no; None for one that hangs on something, or speaks of the talk or who speaks."""
    texts = reading.texts(places)
    start, end = reading.tokens[places.start].start, reading.tokens[places.stop - 1].end
    clause = reading.lower[start:end]
    if _BEGINS_ON_CONDITION.match(clause) or is_of_the_talk(reading.lower, start):
        return None
    if NEGATORS.isdisjoint(texts):
        return _Part(_stems(_without_exceptions(texts)))
    names_nothing = not _stems(texts[: _negator(texts)])
    if names_nothing or _is_limited(reading, places) or speaks_of_oneself(clause):
        return None
    return _Part(_stems(texts), denied=True)


def _affirmed(reading: Reading) -> frozenset[str]:
    """Stems of all that the sentence does not deny: "the warranty is one year, and it includes water damage"."""
    said = (reading.texts(places) for places in _clauses(reading))
    return frozenset[str]().union(*(_stems(_without_exceptions(texts)) for texts in said if NEGATORS.isdisjoint(texts)))


def _without_exceptions(texts: Sequence[str]) -> Sequence[str]:
    cut = next((at for at, text in enumerate(texts) if text in {"unless", "except", "without"}), len(texts))
    return texts[:cut]


def _all(reading: Reading) -> frozenset[str]:
    return _stems([token.text for token in reading.tokens])


def _is_limited(reading: Reading, places: range) -> bool:
    """To a number, a condition, or some of the shoppers."""
    return any(place in reading.taken or reading.tokens[place].text in _HANGS_ON for place in places)


def _stems(texts: Sequence[str]) -> frozenset[str]:
    parts = (part for text in texts for part in text.split("-"))
    return frozenset(
        stem(part)
        for part in parts
        if part.isalpha()
        and (part not in STOP or part in _THINGS)
        and part not in NEGATORS
        and part not in WEAK
        and part not in _JOINS
    )
