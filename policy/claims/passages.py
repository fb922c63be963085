"""What a passage (an FAQ chunk, a policy) says: its numbers and promises, each with what it is about."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from policy.claims.claim import Claim
from policy.claims.facts import PromiseKind
from policy.claims.normalise import normalise
from policy.claims.promises import payment_methods, promises, taken_back
from policy.claims.reading import Reading, read
from policy.claims.scopes import NO_SCOPE, Scope, claim_scopes, clause_scope, place_of, scope_of
from policy.claims.sentences import split
from policy.claims.values import companions, same_value
from policy.claims.vocabulary import GENERIC, NEGATORS, RESTRICTORS, STOP, WEAK, stem, topic

PAYING = frozenset({"pay", "payment", "payments", "paying", "accept", "accepts", "accepted", "cards"})
_NO = frozenset({"no", "sorry", "unfortunately"})
_PLACE = re.compile(r"\b(?:in|to|from) (?:the )?(?![A-Z]{3} ?\d)[A-Z]")
LIMITS = frozenset({"only", "if", "may", "might", "over", "when"}) | RESTRICTORS


@dataclass(frozen=True, slots=True)
class Statement:
    """One claim of a passage and where it stands. `contrary` are stems that the passage ties to other numbers of
    its kind, `setting` stems of its sentences without numbers ("We deliver to all of the EU.").
    """

    claim: Claim
    scope: Scope
    heading: Scope
    companions: tuple[Claim, ...]
    contrary: frozenset[str] = frozenset()
    setting: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Promised:
    """One promise of a passage. `elsewhere` are the names of its sentence that stand in another part of it: "free from
    Germany; from Austria it costs €6" promises nothing from Austria."""

    claim: Claim
    scope: Scope
    heading: Scope
    conditions: tuple[Claim, ...]
    elsewhere: frozenset[str]


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage, read."""

    text: str
    sentences: frozenset[str]
    setting: frozenset[str]
    # Ways to pay.
    payable: frozenset[str]
    statements: tuple[Statement, ...]
    promises: tuple[Promised, ...]


@lru_cache(maxsize=2048)
def read_passage(text: str) -> Passage:
    """Read a passage once; it comes back with many turns."""
    parts = [part for part in split(text) if part.strip()]
    heading, running = NO_SCOPE, NO_SCOPE.topics
    statements: list[Statement] = []
    said: list[Promised] = []
    for position, part in enumerate(parts):
        reading = read(part)
        whole = scope_of(reading, range(len(reading.tokens)))
        if part.rstrip().endswith(("?", ":")) or (position == 0 and part.rstrip()[-1] not in ".!"):
            heading = whole
        running |= whole.topics
        statements += [
            Statement(claim, _about(scope, running), heading, companions(reading, index))
            for index, (claim, scope) in enumerate(
                zip(reading.claims, claim_scopes(reading, narrow=False), strict=True)
            )
        ]
        if not part.rstrip().endswith("?"):
            said += [
                Promised(
                    claim,
                    clause_scope(reading, claim.start) if claim.denied else whole,
                    heading,
                    reading.claims,
                    _names_elsewhere(reading, claim),
                )
                for claim in promises(part)
                # What is denied at a place or after a time is not denied at large; word for word it may be said.
                if not taken_back(part, claim) and not (claim.denied and _is_limited(reading, claim))
            ]
    readings = [read(part) for part in parts]
    setting = frozenset(
        stem(word)
        for reading in readings
        if not reading.claims and reading.words.isdisjoint(NEGATORS)
        for word in reading.words
    )
    affirmed = {stem(word) for reading in readings if reading.words.isdisjoint(NEGATORS) for word in reading.words}
    denied = frozenset(
        stem(word)
        for reading in readings
        if not reading.claims and not reading.words.isdisjoint(NEGATORS)
        for word in reading.words
        if word.isalpha() and word not in STOP | GENERIC | WEAK and topic(word) is None
    )
    contrasted = tuple(
        replace(one, contrary=_contrary(one, statements, denied - affirmed), setting=setting) for one in statements
    )
    plain = frozenset(reading.plain for reading in readings)
    return Passage(normalise(text).lower(), plain, setting, _payable(readings), contrasted, tuple(said))


def _names_elsewhere(reading: Reading, claim: Claim) -> frozenset[str]:
    """Names in the sentence of a promise that its own part of it does not have."""
    part = reading.clause(place_of(reading, claim.start), soft=True)
    named = {place for place, token in enumerate(reading.tokens) if place > 0 and token.raw[:1].isupper()}
    own = set(reading.texts(part))
    return frozenset(reading.tokens[place].text for place in named - set(part)) - own


def _is_limited(reading: Reading, claim: Claim) -> bool:
    """Whether the clause of a denial has a number, or its sentence a place."""
    clause = reading.stretch(place_of(reading, claim.start))
    return _in_a_place(reading) or any(place_of(reading, number.start) in clause for number in reading.claims)


def _in_a_place(reading: Reading) -> bool:
    return bool(_PLACE.search(reading.text))


def _payable(readings: list[Reading]) -> frozenset[str]:
    """A question how to pay goes on in its answer: "Which cards do you accept? Visa and Mastercard."."""
    said: set[str] = set()
    asked = False
    for reading in readings:
        asks = reading.plain.endswith(("?", ":"))
        limited = not reading.words.isdisjoint(LIMITS) or _in_a_place(reading)
        told = re.split(r",? but (?:not|no) | except ", reading.lower)[0]
        denied = not read(told).words.isdisjoint(NEGATORS) or reading.plain.split(" ")[0].strip(",.") in _NO
        if not (asks or limited or denied):
            claims = (claim.text for claim in promises(told) if claim.promise is PromiseKind.PAYMENT)
            said |= payment_methods(told if asked else " ".join(claims))
        asked = asks and not reading.words.isdisjoint(PAYING)
    return frozenset(said)


def _about(scope: Scope, running: frozenset[str]) -> Scope:
    """A sentence that names no topic ("To Austria it takes 5 days.") goes on about the one before."""
    return scope if scope.topics else replace(scope, topics=running)


def _contrary(one: Statement, statements: list[Statement], denied: frozenset[str]) -> frozenset[str]:
    """Stems that the passage ties to other values of this kind, or denies, and does not tie to this one."""
    own = {stem(word) for word in one.scope.words | one.heading.words}
    others = denied | {
        stem(word)
        for other in statements
        if other.claim.kind is one.claim.kind and not same_value(other.claim, one.claim)
        for word in other.scope.words
        if word not in STOP and word not in GENERIC and topic(word) is None
    }
    return frozenset(others - own)
