"""The check: a sentence passes only if each claim in it is bound to one fact or row (spec design, idea 2).

Pure and deterministic. What cannot be read fails; facts only ever add what may be said.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import assert_never

from policy.claims.amounts import count_matches, label_fits, money_matches, percent_matches
from policy.claims.backing import covers, promised, says
from policy.claims.claim import Claim, ClaimKind, Pressure
from policy.claims.contrary import contraries
from policy.claims.excuses import begins_as_a_question, begun_with_a_capital
from policy.claims.facts import (
    CountFact,
    Fact,
    InstantFact,
    MoneyFact,
    NameFact,
    PassageFact,
    PercentFact,
    PromiseFact,
    PromiseKind,
    Subject,
)
from policy.claims.instants import instant_matches
from policy.claims.normalise import is_disguised, normalise, visible
from policy.claims.passages import read_passage
from policy.claims.promises import nearest, promises
from policy.claims.reading import Reading, read
from policy.claims.scopes import claim_scopes
from policy.claims.sentences import split
from policy.claims.trade import unread

SOON = timedelta(days=7)
"""An offer may be called limited in time when it ends within this."""
NOW = timedelta(days=1)
"""Nobody is told to hurry earlier than this before the end."""
FEW = 5
LOW = 10
"""Units left that may be called a few, and that may be called low beside their number."""
_ENDS = frozenset({Subject.OFFER_EXPIRY, Subject.HOLD_EXPIRY})
_NAMES_AN_END = re.compile(r"limited|short time|(?:ends?|expires?|ending|expiring|will end|will expire|runs out) *$")
# Two words run into each other: "not permittedEverybody", "'OTHER'Die Lieferung", "acceptedwe". No pattern sees the
# second begin.
_SEAM = re.compile(
    r"(?:(?<=\w)|(?<=\w[\"'”’)\]]))(?=[A-ZÀ-ÖØ-Þ][^\W\d_A-ZÀ-ÖØ-Þ])|(?<=[^\W\d_A-ZÀ-ÖØ-Þ])(?=[IA]\b)"
    r"|(?<=[a-z]{4})(?=(?:we|you)(?:'\w+)?$|your$)"
)
# A full stop with the next sentence right behind it, in small letters; it may be a link as well.
_RUNS_ON = re.compile(
    r"(?:(?<=[^\W\d_]{3})|(?<=\bme)|(?<=\bus)|(?<=\bit)|(?<=\bso))[.!?…]+"
    r"(?=[^\W\d_][\w']* |\d+(?:[.,]\d+)? ?%|[$€£¥]\d)"
)
# "the discount I can offer", "the Route 66 Jacket", "60% Brazilian": one sentence.
_GOES_ON = re.compile(
    r" I(?:'ll|'d| (?:can|could|may|will|would|do|did|see|find|know|mentioned))\b"
    r"|(?<=[\d%]) (?!(?:\d|I|We|You|Your|Our|My|The|It|This|That|There|They)\b)"
)
_MARKS = ".,;:!?()[]\"'"
_A_SINGLE = re.compile(r"(?:only|just) (?:one|a single)\b")
_A_FEW = re.compile(r"\b(?:few|couple|handful)\b")


@dataclass(frozen=True, slots=True)
class Binding:
    """A claim and the fact behind it; `start` and `end` are places in the normalised sentence."""

    start: int
    end: int
    kind: ClaimKind
    fact_id: str


@dataclass(frozen=True, slots=True)
class Verdict:
    passed: bool
    bindings: tuple[Binding, ...]
    unbound: tuple[Claim, ...]


def check(sentence: str, facts: Sequence[Fact], *, now: datetime) -> Verdict:
    """Bind each claim to the first fact that supports it; `now` is aware. Several sentences are checked one by one."""
    bindings: list[Binding] = []
    unbound: list[Claim] = []
    if is_disguised(sentence):
        unbound.append(Claim(ClaimKind.UNREADABLE, 0, len(sentence), sentence))
    for one in split(visible(sentence)):
        judged = list(_judged(one, facts, now))
        bindings += [Binding(claim.start, claim.end, claim.kind, fact.id) for claim, fact in judged if fact is not None]
        unbound += [claim for claim, fact in judged if fact is None]
        unbound += _run_together(one, facts, now, judged)
    return Verdict(not unbound, tuple(bindings), tuple(unbound))


def _judged(sentence: str, facts: Sequence[Fact], now: datetime) -> Iterator[tuple[Claim, Fact | None]]:
    """Each claim of one sentence, with the first fact that backs it."""
    reading, promised_here = read(sentence), promises(sentence)
    for index, claim in enumerate(reading.claims):
        yield claim, next((fact for fact in facts if _backs(fact, reading, index, now)), None)
    for claim in promised_here:
        yield claim, next((fact for fact in facts if _backs_promise(fact, reading, claim, now)), None)
    passages = [fact.text for fact in facts if isinstance(fact, PassageFact)]
    yield from ((claim, None) for claim in contraries(reading, passages))
    for claim in unread(reading, (*reading.claims, *promised_here)):
        yield claim, next((fact for fact in facts if _backs_unread(fact, reading, claim)), None)


def _run_together(
    sentence: str, facts: Sequence[Fact], now: datetime, judged: Sequence[tuple[Claim, Fact | None]]
) -> Iterator[Claim]:
    """What no fact backs of that which shows only when sentences that run into each other are parted.

    Each is judged by itself, too: what stands beside it ("tell me more about what you are looking for", a number that
    a passage has) would excuse it, vouch for its words, or drown its own language.
    """
    pieces = _pieces(normalise(sentence), facts)
    if len(pieces) == 1:
        return
    known = {_spelling(claim) for claim, fact in judged if fact is None}
    asked = "?" if sentence.rstrip().endswith("?") else ""
    for piece in (" ".join(pieces), *pieces):
        whole = piece + asked if begins_as_a_question(piece.lower()) else piece
        yield from (claim for claim, fact in _judged(whole, facts, now) if not (fact or _spelling(claim) in known))


def _pieces(plain: str, facts: Sequence[Fact]) -> list[str]:
    """A text cut where two words run into each other, but for those of a name or a passage ("MacBook"), and where a
    capital begins another sentence."""
    plain = _RUNS_ON.sub("\n", plain)
    cuts = {place for place in begun_with_a_capital(plain) if not _GOES_ON.match(plain, place)}
    parted = "".join("\n" if place in cuts else char for place, char in enumerate(plain))
    if any(map(_SEAM.search, plain.split())):
        written = {word for fact in facts for word in _words_of(fact)}
        parted = "".join(_unseamed(word, written) for word in re.split(r"(\s)", parted))
    return parted.split("\n")


def _unseamed(word: str, written: set[str]) -> str:
    """A word, parted where two run into each other; "PayPal" is one, and "PayPalWhere" begins with one."""
    if word.strip(_MARKS) in written:
        return word
    ends = (end for end in range(len(word) - 1, 2, -1) if word[end].isupper() and word[:end].lstrip(_MARKS) in written)
    begins = next(ends, 0)
    return f"{word[:begins]}\n{_unseamed(word[begins:], written)}" if begins else _SEAM.sub("\n", word)


def _words_of(fact: Fact) -> list[str]:
    if isinstance(fact, NameFact | PassageFact):
        return _words(fact.text)
    if isinstance(fact, MoneyFact | PercentFact | CountFact) and fact.label is not None:
        return _words(fact.label)
    return []


def _words(name: str) -> list[str]:
    return [word.strip(_MARKS) for word in normalise(name).split()]


def _spelling(claim: Claim) -> tuple[ClaimKind, str]:
    return claim.kind, "".join(claim.text.lower().split())


def _backs(fact: Fact, reading: Reading, index: int, now: datetime) -> bool:
    """Whether one fact stands behind numeric claim `index`."""
    claim = reading.claims[index]
    if isinstance(fact, MoneyFact):
        own = money_matches(fact, reading, index)
    elif isinstance(fact, PercentFact):
        own = percent_matches(fact, reading, index)
    elif isinstance(fact, CountFact):
        own = count_matches(fact, reading, index)
    elif isinstance(fact, InstantFact):
        return instant_matches(fact, reading, index, now=now)
    elif isinstance(fact, PassageFact):
        return bool(fact.text.strip()) and says(read_passage(fact.text), reading, claim, claim_scopes(reading)[index])
    elif isinstance(fact, NameFact):
        return _inside_name(fact.text, reading.lower, claim) or _has_measure(fact.text, claim)
    elif isinstance(fact, PromiseFact):
        return False
    else:
        assert_never(fact)
    return own or (fact.label is not None and _inside_name(fact.label, reading.lower, claim))


@lru_cache(maxsize=2048)
def _mentions(name: str) -> tuple[str, ...]:
    """A name, and the name without its last words: "VoltPack 20K" of "VoltPack 20K Power Bank"."""
    words = normalise(name).lower().split()
    return tuple(" ".join(words[:end]) for end in range(len(words), min(1, len(words) - 1), -1))


def _inside_name(name: str, lower: str, claim: Claim) -> bool:
    """Whether the claim is part of a mention of the name: "Blend No. 7"."""
    return any(_is_within(plain, lower, claim) for plain in _mentions(name))


def _is_within(plain: str, lower: str, claim: Claim) -> bool:
    at = lower.find(plain)
    while at >= 0:
        end = at + len(plain)
        whole = not lower[at - 1 : at].isalnum() and not lower[end : end + 1].isalnum()
        if whole and at <= claim.start and claim.end <= end:
            return True
        at = lower.find(plain, at + 1)
    return False


def _has_measure(name: str, claim: Claim) -> bool:
    """ "the 250 g bag" of a product that is named "Ethiopia 250 g"."""
    if claim.kind is not ClaimKind.MEASURE:
        return False
    return any(
        own.kind is ClaimKind.MEASURE and own.units == claim.units and own.low == claim.low for own in read(name).claims
    )


def _backs_promise(fact: Fact, reading: Reading, claim: Claim, now: datetime) -> bool:
    """Whether one fact stands behind a promise, a pressure or "sold out"."""
    if isinstance(fact, PassageFact):
        return bool(fact.text.strip()) and promised(read_passage(fact.text), reading, claim)
    if isinstance(fact, NameFact):
        return _inside_name(fact.text, reading.lower, claim)
    if claim.denied:
        return False
    if isinstance(fact, PromiseFact):
        return fact.kind is claim.promise
    if claim.kind is ClaimKind.COUNT:
        gone = isinstance(fact, CountFact) and fact.subject is Subject.STOCK and fact.count == 0
        return gone and isinstance(fact, CountFact) and label_fits(fact.label, reading, claim.start)
    if claim.kind is ClaimKind.PRESSURE:
        return _true_pressure(fact, reading, claim, now)
    return _implied(fact, reading, claim, now)


def _backs_unread(fact: Fact, reading: Reading, claim: Claim) -> bool:
    """Whether it is part of a name, or a passage says all that its clause says."""
    if isinstance(fact, PassageFact):
        return bool(fact.text.strip()) and covers(read_passage(fact.text), reading, claim)
    name = fact.text if isinstance(fact, NameFact) else getattr(fact, "label", None)
    return name is not None and _inside_name(name, reading.lower, claim)


def _true_pressure(fact: Fact, reading: Reading, claim: Claim, now: datetime) -> bool:
    """A deadline that is near, or scarcity that the sentence puts a true number on (rules 2.1: never a vague one)."""
    if claim.pressure is Pressure.DEADLINE and isinstance(fact, InstantFact):
        near = SOON if _NAMES_AN_END.search(claim.text.lower()) else NOW
        return fact.subject in _ENDS and now < fact.at <= now + near
    if claim.pressure is Pressure.SCARCITY and isinstance(fact, CountFact) and fact.subject is Subject.STOCK:
        if not label_fits(fact.label, reading, claim.start):
            return False
        if _A_FEW.search(claim.text.lower()):
            return 1 < fact.count <= FEW
        if _A_SINGLE.match(claim.text.lower()):
            return fact.count == 1
        return 0 < fact.count <= LOW and any(count_matches(fact, reading, at) for at in range(len(reading.claims)))
    return False


def _implied(fact: Fact, reading: Reading, claim: Claim, now: datetime) -> bool:
    """A value that makes the promise true by itself: shipping of 0, a stock of 3, a hold that runs."""
    match claim.promise:
        case PromiseKind.FREE_SHIPPING:
            return isinstance(fact, MoneyFact) and _frees_shipping(fact, reading, claim)
        case PromiseKind.DISCOUNT:
            granted = (isinstance(fact, MoneyFact) and fact.amount_minor > 0) or (
                isinstance(fact, PercentFact) and fact.percent > 0
            )
            return granted and isinstance(fact, MoneyFact | PercentFact) and fact.subject is Subject.DISCOUNT
        case PromiseKind.IN_STOCK:
            stocked = isinstance(fact, CountFact) and fact.subject is Subject.STOCK and fact.count > 0
            return stocked and isinstance(fact, CountFact) and label_fits(fact.label, reading, claim.start)
        case PromiseKind.HOLD:
            return isinstance(fact, InstantFact) and fact.subject is Subject.HOLD_EXPIRY and fact.at > now
        case PromiseKind.CART_SAVED:
            return isinstance(fact, InstantFact) and fact.subject is Subject.LINK_EXPIRY and fact.at > now
    return False


def _frees_shipping(fact: MoneyFact, reading: Reading, claim: Claim) -> bool:
    """Shipping costs nothing, or the sentence says in the same breath what makes it free."""
    if fact.subject is Subject.SHIPPING:
        return fact.amount_minor == 0
    if fact.subject not in {Subject.SHIPPING_THRESHOLD, Subject.SHIPPING_GAP}:
        return False
    return any(
        money_matches(fact, reading, index) and nearest(reading, PromiseKind.FREE_SHIPPING, own) == claim
        for index, own in enumerate(reading.claims)
        if own.kind is ClaimKind.MONEY
    )
