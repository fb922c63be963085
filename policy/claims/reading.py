"""One sentence, read once: its words, its numeric claims and the clause that each claim stands in."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from policy.claims.claim import Claim, ClaimKind
from policy.claims.extract import Extractor
from policy.claims.foreign import is_foreign_claim
from policy.claims.normalise import normalise
from policy.claims.tokens import Token, tokenise
from policy.claims.vocabulary import word_set

_VERBS = word_set("is are was were be will comes come to at only just now of about for = : still exactly the a")
_DIVIDING = frozenset(
    {ClaimKind.MONEY, ClaimKind.PERCENT, ClaimKind.DURATION, ClaimKind.INSTANT, ClaimKind.RATING, ClaimKind.UNREADABLE}
)
_DIGIT = re.compile(r"\d")
# Words within which a foreign claim shows itself.
_STRETCH = 6
_PART_END = re.compile(r"[.!?:;,](?=\s*[^\W\d_])")
_BEFORE_A_TIME = frozenset({"in", "within", "takes", "take", "to"})
_BEHIND_A_TIME = frozenset({".", ",", ";", "!", ")", "in", "to", "for", "on"})
_HARD = frozenset({"!", "?", ";", "—"})  # a full stop inside a sentence ends an abbreviation
_SOFT = word_set(": ( ) , and but so while whereas then because though although however –")
_CONJUNCTIONS = _HARD | _SOFT - {",", ":", "(", ")"}
_ALL = _HARD | _SOFT


@dataclass(frozen=True, eq=False)  # one object a text, so that what is derived from it can be cached by identity
class Reading:
    """A sentence as written and normalised, its tokens and numeric claims; `inside[i]` are token places of claim i."""

    source: str
    text: str
    tokens: tuple[Token, ...]
    claims: tuple[Claim, ...]
    inside: tuple[range, ...]

    @cached_property
    def lower(self) -> str:
        return self.text.lower()

    @cached_property
    def plain(self) -> str:
        """For comparing whole sentences: lower case, single spaces, no bullet and no full stop."""
        return " ".join(self.lower.strip(" .!-•").split())

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(token.text for token in self.tokens)

    @cached_property
    def taken(self) -> frozenset[int]:
        """Token places that belong to a claim."""
        return frozenset(place for places in self.inside for place in places)

    @cached_property
    def _dividing(self) -> list[range]:
        """Claims that end the reach of their neighbours; a bare number may be part of a name ("Blend No. 7")."""
        return [
            places for claim, places in zip(self.claims, self.inside, strict=True) if places and claim.kind in _DIVIDING
        ]

    def before(self, index: int) -> range:
        """Places from the previous claim, or the start of the sentence's part, up to claim `index`."""
        places = self.inside[index]
        earlier = [other.stop for other in self._dividing if other.stop <= places.start]
        return range(max([self.clause(places.start, soft=False).start, *earlier]), places.start)

    def own(self, index: int) -> range:
        """Places of the claim's own clause before it; all of `before` where that clause is only a verb."""
        before = self.before(index)
        clause = range(max(before.start, self.clause(before.stop, soft=True).start), before.stop)
        return before if _VERBS.issuperset(self.texts(clause)) else clause

    def after(self, index: int) -> range:
        """Places from claim `index` up to the next claim, comma or conjunction."""
        places = self.inside[index]
        later = [other.start for other in self._dividing if other.start >= places.stop]
        return range(places.stop, min([self.clause(places.stop - 1, soft=True).stop, *later]))

    def texts(self, places: range) -> list[str]:
        return [token.text for token in self.tokens[places.start : places.stop]]

    def stretch(self, at: int) -> range:
        """Token places around `at` up to the next full stop or conjunction: commas do not divide."""
        return self._around(at, _CONJUNCTIONS)

    def clause(self, at: int, *, soft: bool) -> range:
        """Token places of the clause around place `at`; soft boundaries are commas and conjunctions too."""
        return self._around(at, _ALL if soft else _HARD)

    @cached_property
    def _dividers(self) -> list[tuple[int, str]]:
        """Places of punctuation and conjunctions that are no part of a claim."""
        return [
            (place, token.text)
            for place, token in enumerate(self.tokens)
            if token.text in _ALL and place not in self.taken
        ]

    def _around(self, at: int, ends: frozenset[str]) -> range:
        first, last = 0, len(self.tokens)
        for place, text in self._dividers:
            if text in ends:
                if place < at:
                    first = place + 1
                elif place > at:
                    last = place
                    break
        return range(first, last)


def _with_units(claims: Sequence[Claim], tokens: Sequence[Token]) -> list[Claim]:
    """A number that goes on with the unit of the one before: "in 2 to 4 business days, to the others in 4 to 8"."""
    done: list[Claim] = []
    for claim in claims:
        last = done[-1] if done else None
        if last is not None and last.kind is ClaimKind.DURATION and claim.kind is ClaimKind.COUNT and not claim.units:
            first, after = _places(tokens, claim)
            around = [token.text for token in (*tokens[max(0, first - 1) : first], *tokens[after : after + 1])]
            if around[:1] and around[0] in _BEFORE_A_TIME and (len(around) == 1 or around[1] in _BEHIND_A_TIME):
                claim = replace(claim, kind=ClaimKind.DURATION, units=last.units)  # noqa: PLW2901  (the loop's own)
        done.append(claim)
    return done


def _unseen_digits(text: str, claims: Sequence[Claim]) -> list[Claim]:
    return [
        Claim(ClaimKind.UNREADABLE, match.start(), match.end(), match.group())
        for match in _DIGIT.finditer(text)
        if not any(claim.start <= match.start() < claim.end for claim in claims)
    ]


@lru_cache(maxsize=4096)
def read(sentence: str) -> Reading:
    """Read a sentence as it was written. Cached: policies and FAQ passages come back with every turn."""
    text = normalise(sentence)
    tokens = tokenise(text)
    found = list(Extractor(text, tokens).claims())
    found = _with_units(found, tokens) + _unseen_digits(text, found)
    if _speaks_otherwise(text):
        found.append(Claim(ClaimKind.UNREADABLE, 0, len(text), text))
    found.sort(key=lambda claim: (claim.start, claim.end))
    inside = tuple(
        range(*_places(tokens, claim)) if claim.end - claim.start < len(text) or len(tokens) == 1 else range(0)
        for claim in found
    )
    return Reading(sentence, text, tokens, tuple(found), inside)


def _speaks_otherwise(text: str) -> bool:
    """Whether any stretch of a sentence is a claim in another language: English around it makes no English of it.

    A name of a few words is none, "Dos Hermanos Dark Roast": a stretch needs small words, too.
    """
    for part in (text, *_PART_END.split(text)):
        words = [token.text for token in tokenise(part)]
        stretches = (words[start : start + _STRETCH] for start in range(1, len(words) - _STRETCH + 1))
        if is_foreign_claim(words, part.lower()) or any(
            is_foreign_claim(each, " ".join(each), least=2) for each in stretches
        ):
            return True
    return False


def _places(tokens: Sequence[Token], claim: Claim) -> tuple[int, int]:
    first = bisect_right(tokens, claim.start, key=lambda token: token.end)
    return first, bisect_left(tokens, claim.end, key=lambda token: token.start)
