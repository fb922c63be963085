"""One sentence, read once: its words, its numeric claims and the clause that each claim stands in."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from policy.claims.claim import Claim, ClaimKind
from policy.claims.extract import Extractor
from policy.claims.normalise import normalise
from policy.claims.tokens import Token, tokenise
from policy.claims.vocabulary import word_set

_VERBS = word_set("is are was were be will comes come to at only just now of about for = : still exactly the a")
_DIVIDING = frozenset(
    {ClaimKind.MONEY, ClaimKind.PERCENT, ClaimKind.DURATION, ClaimKind.INSTANT, ClaimKind.RATING, ClaimKind.UNREADABLE}
)
_DIGIT = re.compile(r"\d")
_HARD = frozenset({"!", "?", ";", "—", "(", ")"})  # a full stop inside a sentence ends an abbreviation
_SOFT = word_set(", and but so while whereas then because though although however –")

# A sentence in another language cannot be checked here, so that nothing numeric-looking in it is vouched for.
_FOREIGN = word_set(
    "el los las una por para con del está esta es su tu que más mas der die das und ist ein eine mit für fur "
    "sie ihr ihre nicht auf le les des est une votre vous pour avec dans sur et du nous gratuit il lo gli che "
    "della tuo sono di per non gratis envio gratuita gratuito het een voor van uw met niet você voce seu sua "
    "uma não nao kostenlos"
)
_ENGLISH = word_set(
    "the you your is it to of and for in on we i this that are a with at our can have an be my off free get "
    "from by will i'll"
)


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
        return self._around(at, _HARD | _SOFT - {","})

    def clause(self, at: int, *, soft: bool) -> range:
        """Token places of the clause around place `at`; soft boundaries are commas and conjunctions too."""
        return self._around(at, _HARD | _SOFT if soft else _HARD)

    def _around(self, at: int, ends: frozenset[str]) -> range:

        def divides(place: int) -> bool:
            return self.tokens[place].text in ends and place not in self.taken

        first, last = at, at
        while first > 0 and not divides(first - 1):
            first -= 1
        while last + 1 < len(self.tokens) and not divides(last + 1):
            last += 1
        return range(first, last + 1)


def _foreign(tokens: Sequence[Token]) -> bool:
    words = [token.text for token in tokens]
    foreign = sum(word in _FOREIGN for word in words)
    return foreign >= 2 and foreign > sum(word in _ENGLISH for word in words)


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
    found += _unseen_digits(text, found)
    if tokens and _foreign(tokens):
        found.append(Claim(ClaimKind.UNREADABLE, 0, len(text), text))
    found.sort(key=lambda claim: (claim.start, claim.end))
    inside = tuple(
        range(*_places(tokens, claim)) if claim.end - claim.start < len(text) or len(tokens) == 1 else range(0)
        for claim in found
    )
    return Reading(sentence, text, tokens, tuple(found), inside)


def _places(tokens: Sequence[Token], claim: Claim) -> tuple[int, int]:
    first = bisect_right(tokens, claim.start, key=lambda token: token.end)
    return first, bisect_left(tokens, claim.end, key=lambda token: token.start)
