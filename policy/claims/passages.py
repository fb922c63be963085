"""Whether a passage (an FAQ chunk, a policy) says what a sentence says: same number, same unit, same thing."""

from dataclasses import dataclass
from functools import lru_cache

from policy.claims.claim import Bound, Claim, ClaimKind
from policy.claims.facts import PromiseKind
from policy.claims.normalise import normalise
from policy.claims.promises import denied, nearest, promises
from policy.claims.reading import Reading, read
from policy.claims.sentences import split
from policy.claims.vocabulary import NEGATORS, QUALIFIERS, RESTRICTORS, STOP, UNIVERSAL, stem, topic, word_set

# What the company does for one shopper needs a row; no page of its help can stand for it.
_NEEDS_A_ROW = frozenset(
    {
        PromiseKind.LINK_SENT, PromiseKind.OPTED_OUT, PromiseKind.ORDER_CHANGED, PromiseKind.REMINDER,
        PromiseKind.CART_SAVED,
    }
)  # fmt: skip
_CONDITIONAL = frozenset({PromiseKind.FREE_SHIPPING, PromiseKind.DISCOUNT, PromiseKind.GIFT, PromiseKind.REFUND})
_PASSAGE_BREAKS = word_set(", ; and but or while whereas – — ( )")


@dataclass(frozen=True, slots=True)
class Scope:
    """The words around a claim. Contrast holds what the same sentence says of other numbers."""

    words: frozenset[str]
    topics: frozenset[str]
    negated: bool


@dataclass(frozen=True, slots=True)
class _Statement:
    """One claim of a passage, where it stands, and words that the passage uses for other numbers of its kind."""

    claim: Claim
    scope: Scope
    heading: Scope
    elsewhere: frozenset[str]


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage, read."""

    text: str
    sentences: frozenset[str]
    statements: tuple[_Statement, ...]
    promises: tuple[tuple[Claim, Scope, Scope, tuple[Claim, ...]], ...]


def _scope(reading: Reading, places: range) -> Scope:
    texts = [reading.tokens[place].text for place in places if place not in reading.taken]
    cut = next((at for at, text in enumerate(texts) if text in {"except", "excluding", "unless"}), len(texts))
    words = frozenset(text for text in texts[:cut] if text[0].isalpha())
    topics = frozenset(name for word in words if (name := topic(word)))
    return Scope(words, topics, not NEGATORS.isdisjoint(texts[:cut]))


def _segments(reading: Reading) -> list[range]:
    """For each claim the token places that speak of it: up to the break between it and its neighbours."""
    order = [index for index, places in enumerate(reading.inside) if places]
    result = [range(0)] * len(reading.inside)
    starts = {order[0]: 0} if order else {}
    ends: dict[int, int] = {}
    for left, right in zip(order, order[1:], strict=False):  # noqa: RUF007  (pairs of one list, none when empty)
        between = range(reading.inside[left].stop, reading.inside[right].start)
        breaks = [place for place in between if reading.tokens[place].text in _PASSAGE_BREAKS]
        if breaks:
            ends[left], starts[right] = breaks[-1], breaks[-1] + 1
        else:  # nothing divides them: they share what stands around
            starts[right] = starts[left]
    last = len(reading.tokens)
    for index in reversed(order):
        last = ends.get(index, last)
        result[index] = range(starts[index], last)
    return result


def _inherit(scopes: list[Scope]) -> list[Scope]:
    """A part with no topic of its own goes on about the topic before it ("... and express takes 1 day")."""
    done: list[Scope] = []
    for scope in scopes:
        topics = scope.topics or (done[-1].topics if done else frozenset())
        done.append(Scope(scope.words, topics, scope.negated))
    return done


@lru_cache(maxsize=2048)
def claim_scopes(reading: Reading) -> list[Scope]:
    """The scope of each claim of a sentence."""
    segments = _segments(reading)
    scopes = _inherit([_scope(reading, places) for places in segments])
    return [
        _narrowed(scope, _scope(reading, reading.stretch(places.start))) if places else scope
        for scope, places in zip(scopes, reading.inside, strict=True)
    ]


def _narrowed(scope: Scope, clause: Scope) -> Scope:
    """The clause of the claim, where it says enough; negation is always that of the clause."""
    if all(word in STOP for word in clause.words):
        return Scope(scope.words, scope.topics, clause.negated)
    return Scope(scope.words & clause.words, clause.topics & scope.topics or scope.topics, clause.negated)


_NO_SCOPE = Scope(frozenset(), frozenset(), False)


@lru_cache(maxsize=2048)
def read_passage(text: str) -> Passage:
    """Read a passage once; it comes back with many turns."""
    parts = [part for part in split(text) if part.strip()]
    heading = _NO_SCOPE
    statements: list[_Statement] = []
    said: list[tuple[Claim, Scope, Scope, tuple[Claim, ...]]] = []
    for position, part in enumerate(parts):
        reading = read(part)
        whole = _scope(reading, range(len(reading.tokens)))
        if part.rstrip().endswith(("?", ":")) or (position == 0 and part.rstrip()[-1] not in ".!"):
            heading = whole
        scopes = claim_scopes(reading)
        statements += [
            _Statement(claim, scope, heading, frozenset()) for claim, scope in zip(reading.claims, scopes, strict=True)
        ]
        if not part.rstrip().endswith("?"):
            doubtful = denied(part)
            said += [
                (claim, whole, heading, reading.claims) for claim in promises(part) if claim.promise not in doubtful
            ]
    contrasted = tuple(_Statement(one.claim, one.scope, one.heading, _elsewhere(one, statements)) for one in statements)
    plain = frozenset(read(part).plain for part in parts)
    return Passage(normalise(text).lower(), plain, contrasted, tuple(said))


def _elsewhere(one: _Statement, statements: list[_Statement]) -> frozenset[str]:
    """Stems that the passage ties to other values of this kind and not to this one."""
    own = {stem(word) for word in one.scope.words | one.heading.words}
    others = {
        stem(word)
        for other in statements
        if other.claim.kind is one.claim.kind and not _same_value(other.claim, one.claim)
        for word in other.scope.words
        if word not in STOP
    }
    return frozenset(others - own)


def says(passage: Passage, reading: Reading, claim: Claim, scope: Scope) -> bool:
    """Whether the passage supports a numeric claim of a sentence."""
    if reading.plain in passage.sentences:
        return True
    if claim.kind in {ClaimKind.CODE, ClaimKind.LINK}:
        return _verbatim(passage.text, claim.text.lower())
    if claim.kind is ClaimKind.UNREADABLE:
        return False
    return any(_supports(statement, claim, scope, reading) for statement in passage.statements)


def _verbatim(text: str, piece: str) -> bool:
    at = text.find(piece)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(piece) : at + len(piece) + 1]
        if not (before.isalnum() or after.isalnum() or after in {"@", "/"}):
            return True
        at = text.find(piece, at + 1)
    return False


def _supports(statement: _Statement, claim: Claim, scope: Scope, reading: Reading) -> bool:
    said = statement.claim
    if said.kind is not claim.kind or not _same_value(said, claim) or not _same_limit(statement, claim, scope):
        return False
    if claim.kind is ClaimKind.COUNT and not _same_noun(statement, claim, reading):
        return False
    return _same_thing(scope, statement.scope, statement.heading, statement.elsewhere)


def _same_value(said: Claim, claim: Claim) -> bool:
    if claim.kind is ClaimKind.INSTANT:
        return said.when == claim.when
    if claim.kind in {ClaimKind.MONEY, ClaimKind.DURATION, ClaimKind.MEASURE} and not said.units & claim.units:
        return False
    if not claim.low and not said.low:  # "a few days" in both
        return said.text.lower() == claim.text.lower()
    if bool(claim.high) != bool(said.high):
        return False
    same_high = not claim.high or bool(set(claim.high) & set(said.high))
    return bool(set(claim.low) & set(said.low)) and same_high


def _same_limit(statement: _Statement, claim: Claim, scope: Scope) -> bool:
    """ "not after 30 days" is "within 30 days"; otherwise a negation on one side alone is another statement."""
    said = statement.claim.bound
    if scope.negated == statement.scope.negated:
        return claim.bound is Bound.NONE or said is Bound.NONE or claim.bound is said
    return claim.bound is not Bound.NONE and claim.bound is said.opposite


def _same_noun(statement: _Statement, claim: Claim, reading: Reading) -> bool:
    """A bare count needs its thing named in the passage: 2 scoops, not 2 of anything."""
    after = [token.text for token in reading.tokens if token.start >= claim.end][:3]
    nouns = {stem(word) for word in after if word.isalpha() and word not in STOP}
    said = {stem(word) for word in statement.scope.words}
    return not nouns or bool(nouns & said)


def _same_thing(scope: Scope, said: Scope, heading: Scope, elsewhere: frozenset[str]) -> bool:
    topics = said.topics | heading.topics
    if not scope.topics <= topics:
        return False
    around = said.words | heading.words
    stems = {stem(word) for word in around}
    if any(stem(word) not in stems for word in scope.words & (QUALIFIERS | UNIVERSAL) - _COMMON):
        return False
    content = {stem(word) for word in scope.words if word not in STOP}
    if content & elsewhere:
        return False
    return not content or bool(content & stems) or bool(scope.topics & topics)


_COMMON = frozenset({"any", "all", "coffee", "always"})


def promised(passage: Passage, reading: Reading, claim: Claim) -> bool:
    """Whether the passage makes the promise itself, under no condition that the sentence leaves out."""
    if reading.plain in passage.sentences and claim.promise not in _NEEDS_A_ROW:
        return True
    if claim.promise in _NEEDS_A_ROW or claim.promise is None:
        return False
    scope = _promise_scope(reading, claim.start)
    return any(
        said.promise is claim.promise
        and _same_promise(scope, whole, heading)
        and (claim.promise not in _CONDITIONAL or _keeps_conditions(reading, claim, whole, conditions))
        for said, whole, heading, conditions in passage.promises
    )


@lru_cache(maxsize=2048)
def _promise_scope(reading: Reading, start: int) -> Scope:
    at = next((place for place, token in enumerate(reading.tokens) if token.end > start), 0)
    return _scope(reading, reading.clause(at, soft=True))


def _same_promise(scope: Scope, said: Scope, heading: Scope) -> bool:
    carried = {"delivery", "dispatch", "discount"}  # "ships free" and "free delivery" are one promise
    if not scope.topics - carried <= said.topics | heading.topics:
        return False
    stems = {stem(word) for word in said.words | heading.words}
    return all(stem(word) in stems for word in scope.words & (QUALIFIERS | UNIVERSAL))


def _keeps_conditions(reading: Reading, claim: Claim, said: Scope, conditions: tuple[Claim, ...]) -> bool:
    """The sentence names who the promise is for, and beside it the amount that it depends on."""
    at = next((place for place, token in enumerate(reading.tokens) if token.end > claim.start), 0)
    words = {stem(word) for word in reading.texts(reading.stretch(at))}
    if any(stem(word) not in words for word in said.words & RESTRICTORS):
        return False
    needed = [one for one in conditions if one.kind is ClaimKind.MONEY and one.bound is not Bound.NONE]
    return not needed or any(
        _same_value(one, own) and claim.promise is not None and nearest(reading, claim.promise, own) == claim
        for one in needed
        for own in reading.claims
        if own.kind is one.kind
    )
