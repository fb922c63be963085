"""Whether a passage says what a sentence says: same number, same unit, same thing, and no condition left out."""

import re
from collections.abc import Iterable, Sequence, Set
from itertools import takewhile

from policy.claims.claim import Bound, Claim, ClaimKind
from policy.claims.facts import PromiseKind
from policy.claims.passages import LIMITS, PAYING, Passage, Promised, Statement
from policy.claims.promises import nearest, payment_methods
from policy.claims.reading import Reading, read
from policy.claims.scopes import Scope, claim_scopes, clause_scope, place_of, scope_of
from policy.claims.values import companions, date_parts, same_value
from policy.claims.vocabulary import QUALIFIERS, RESTRICTORS, STOP, UNIVERSAL, stem

# What the company did for one shopper needs a row; a page of its help may be quoted, but not reworded into that.
_NEEDS_A_ROW = frozenset(
    {
        PromiseKind.LINK_SENT, PromiseKind.OPTED_OUT, PromiseKind.ORDER_CHANGED, PromiseKind.REMINDER,
        PromiseKind.CART_SAVED,
    }
)  # fmt: skip
_CONDITIONAL = frozenset({PromiseKind.FREE_SHIPPING, PromiseKind.DISCOUNT, PromiseKind.GIFT, PromiseKind.REFUND})
_BY_NUMBERS = frozenset(
    {PromiseKind.RETURNS, PromiseKind.REFUND, PromiseKind.DELIVERY, PromiseKind.GUARANTEE, PromiseKind.HUMAN}
)
# Words that tie a quality to a thing: "is free of nuts", "contains no nuts", "can't be sent back".
_SAYS_OF = frozenset(
    {
        "yes", "free", "contain", "contains", "containing", "include", "includes", "hold", "made", "use", "uses",
        "zero", "send", "sent", "taken", "brought", "cannot", "sorry", "unfortunately", "sadly", "afraid", "note",
        "doesn't", "don't", "isn't", "aren't", "certified", "completely", "fully", "entirely", "totally", "product",
        "products",
    }
)  # fmt: skip
_TERMS = frozenset(map(stem, ("return", "refund", "exchange", "accept", "take", "pay", "possible")))
_CODE = re.compile(r"\b(?:codes?|coupons?|vouchers?)\b")
# Who does it, and when: "paid by you" is not "paid by us".
_ROLES = frozenset({"we", "us", "our", "you", "your", "no", "before", "after", "all", "every", "always"})
_FOR_ALL = frozenset({"all", "every", "everything", "each"})
_COMMON = frozenset({"any", "all", "coffee", "always"})


def says(passage: Passage, reading: Reading, claim: Claim, scope: Scope) -> bool:
    """Whether the passage supports a numeric claim of a sentence."""
    if reading.plain in passage.sentences:
        return True
    if claim.kind is ClaimKind.CODE and claim.text.isalpha():
        return _names_code(passage, claim.text.lower())
    if claim.kind is ClaimKind.LINK or (claim.kind is ClaimKind.CODE and claim.text.isalnum()):
        return _verbatim(passage.text, claim.text.lower())
    if claim.kind is ClaimKind.UNREADABLE:
        return False
    return any(_supports(statement, claim, scope, reading) for statement in passage.statements) or any(
        _is_its_only(own, claim) and _has_all_of(own, reading, claim) for own in map(read, passage.sentences)
    )


def _is_its_only(own: Reading, claim: Claim) -> bool:
    """Whether a sentence of a passage has this value, and no other of its kind that its words might be of."""
    alike = [each for each in own.claims if each.kind is claim.kind]
    return bool(alike) and all(same_value(each, claim) and each.bound is claim.bound for each in alike)


def _names_code(passage: Passage, code: str) -> bool:
    """Whether a sentence of the passage calls it a code: a word that it merely uses ("coffee") is none."""
    return any(_verbatim(own, code) and bool(_CODE.search(own)) for own in passage.sentences)


def _verbatim(text: str, piece: str) -> bool:
    at = text.find(piece)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(piece) : at + len(piece) + 1]
        if not (before.isalnum() or after.isalnum() or after in {"@", "/"}):
            return True
        at = text.find(piece, at + 1)
    return False


def _supports(statement: Statement, claim: Claim, scope: Scope, reading: Reading) -> bool:
    said = statement.claim
    if said.kind is not claim.kind or not same_value(said, claim) or not _same_limit(statement, claim, scope):
        return False
    if claim.kind is ClaimKind.COUNT and not _same_noun(statement, claim, reading):
        return False
    if claim.kind is ClaimKind.INSTANT and not _same_companions(statement, claim, reading):
        return False
    if not _for_all(statement, reading, claim):
        return False
    return _same_thing(scope, statement)


def _same_companions(statement: Statement, claim: Claim, reading: Reading) -> bool:
    """Each part of the date and time stands in the same clause of the passage ("Monday to Friday, 9:00 to 17:00")."""
    said = {part for one in statement.companions if one.when for part in date_parts(one.when)}
    own = {
        part for one in companions(reading, reading.claims.index(claim)) if one.when for part in date_parts(one.when)
    }
    return own <= said


def _for_all(statement: Statement, reading: Reading, claim: Claim) -> bool:
    """What the passage gives to some (members, first orders) is not said to everyone."""
    needed = {stem(word) for word in statement.scope.words & RESTRICTORS}
    said = {stem(word) for word in reading.texts(reading.stretch(place_of(reading, claim.start)))}
    return needed <= said


def _same_limit(statement: Statement, claim: Claim, scope: Scope) -> bool:
    """ "not after 30 days" is "within 30 days"; otherwise a negation on one side alone is another statement."""
    said = statement.claim.bound
    if scope.negated == statement.scope.negated:
        return claim.bound is Bound.NONE or said is Bound.NONE or claim.bound is said
    return claim.bound is not Bound.NONE and claim.bound is said.opposite


def _same_noun(statement: Statement, claim: Claim, reading: Reading) -> bool:
    """A bare count needs its thing named in the passage: 2 scoops, not 2 of anything."""
    following = (token.text for token in reading.tokens if token.start >= claim.end)
    after = list(takewhile(str.isalpha, following))[:3]
    nouns = {stem(word) for word in after if word not in STOP}
    said = {stem(word) for word in statement.scope.words}
    return not nouns or bool(nouns & said)


def _same_thing(scope: Scope, statement: Statement) -> bool:
    topics = statement.scope.topics | statement.heading.topics
    if not scope.topics <= topics or not _same_lead(scope, statement):
        return False
    around = statement.scope.words | statement.heading.words
    stems = {stem(word) for word in around}
    settled = stems if around & QUALIFIERS - {"free"} else stems | statement.setting
    if not _settles(settled, around, scope.words - _COMMON):
        return False
    content = {stem(word) for word in scope.words if word not in STOP}
    if content & statement.contrary or _opposed(content, stems):
        return False
    return not content or bool(content & stems) or bool(scope.topics & topics)


def _settles(settled: Set[str], around: frozenset[str], said: frozenset[str]) -> bool:
    """Whether a passage has what a sentence narrows or widens its thing to; "all" and "everything" are one."""
    for_all = _FOR_ALL if around & _FOR_ALL else frozenset[str]()
    return all(stem(word) in settled for word in (said & (QUALIFIERS | UNIVERSAL)) - for_all)


def _opposed(content: set[str], said: set[str]) -> bool:
    """ "worn" against "unworn", "opened" against "unopened"."""
    return any(
        (f"un{word}" in said or (word.startswith("un") and word[2:] in said)) and word not in said for word in content
    )


def _same_lead(scope: Scope, statement: Statement) -> bool:
    """What the passage's number is of must be named, where the sentence names anything."""
    lead = statement.scope.lead
    if lead is None or not scope.topics or lead in scope.topics:
        return True
    carried = {"delivery", "dispatch"}
    return statement.claim.kind is ClaimKind.MONEY and lead in carried and bool(carried & scope.topics)


def promised(passage: Passage, reading: Reading, claim: Claim) -> bool:
    """Whether the passage makes the promise itself, under no condition that the sentence leaves out."""
    if reading.plain in passage.sentences:
        return True
    if claim.promise in _NEEDS_A_ROW or claim.promise is None:
        return False
    if claim.promise is PromiseKind.PRODUCT:
        return any(
            said.claim.promise is PromiseKind.PRODUCT and _same_quality(reading, claim, said)
            for said in passage.promises
        )
    if claim.promise in _BY_NUMBERS and _number_says_it(passage, reading, claim):
        return True
    if claim.denied:
        return any(
            said.claim.denied and said.claim.promise is claim.promise and _same_denial(reading, claim, said.scope)
            for said in passage.promises
        )
    if claim.promise is PromiseKind.CODE:
        return _names_code(passage, claim.text.lower().split()[-1])
    if claim.promise is PromiseKind.PAYMENT:
        return payment_methods(claim.text.lower()) <= passage.payable
    scope = clause_scope(reading, claim.start)
    own = reading.texts(reading.clause(place_of(reading, claim.start), soft=True))
    return any(
        said.claim.promise is claim.promise
        and not said.claim.denied
        and said.elsewhere.isdisjoint(own)
        and _same_payer(own, said.scope)
        and _same_promise(claim, scope, said, passage.setting)
        and (claim.promise not in _CONDITIONAL or _keeps_conditions(reading, claim, said))
        for said in passage.promises
    )


def _same_payer(own: Sequence[str], said: Scope) -> bool:
    """ "We pay the postage" is not what a passage says that has "you pay the postage"."""
    if not {"we", "us", "our"} & set(own) or not PAYING & set(own):
        return True
    return bool({"we", "us", "our", "free"} & said.words)


def covers(passage: Passage, reading: Reading, claim: Claim) -> bool:
    """Whether one sentence of the passage has every word of the claim's clause that carries meaning, and sets no limit
    that the clause leaves out."""
    if reading.plain in passage.sentences:
        return True
    return any(_has_all_of(read(own), reading, claim) for own in passage.sentences)


def _has_all_of(own: Reading, reading: Reading, claim: Claim) -> bool:
    if own.plain.endswith("?"):
        return False
    clause, said = clause_scope(reading, claim.start), scope_of(own, range(len(own.tokens)))
    meant = _stems(clause.words)
    return (
        bool(meant)
        and meant <= _stems(said.words)
        and said.negated is clause.negated
        and clause.words & _ROLES <= said.words
        and said.words & LIMITS <= clause.words
    )


def _same_denial(reading: Reading, claim: Claim, said: Scope) -> bool:
    """The passage denies it of the same thing, and not of some of it only."""
    own, theirs = _stems(clause_scope(reading, claim.start).words), _stems(said.words)
    return own <= theirs and _stems(said.words & QUALIFIERS) <= own and bool(own - _TERMS)


def _number_says_it(passage: Passage, reading: Reading, claim: Claim) -> bool:
    """ "Items can be exchanged within 14 days": the passage that holds the number of the clause holds the promise."""
    clause = reading.stretch(place_of(reading, claim.start))
    scopes = claim_scopes(reading)
    return any(
        places and places.start in clause and says(passage, reading, number, scopes[index])
        for index, (number, places) in enumerate(zip(reading.claims, reading.inside, strict=True))
    )


def _same_promise(claim: Claim, scope: Scope, promise: Promised, setting: frozenset[str]) -> bool:
    said, heading = promise.scope, promise.heading
    # "ships free" and "free delivery" are one promise, "we refund the delivery" and "we refund the goods" are two.
    taken_back = claim.promise in {PromiseKind.REFUND, PromiseKind.RETURNS}
    carried = set() if taken_back else {"delivery", "dispatch", "discount"}
    if not scope.topics - carried <= said.topics | heading.topics:
        return False
    stems = {stem(word) for word in said.words | heading.words}
    own = set(claim.text.lower().split()) if claim.promise is PromiseKind.GIFT else set()
    content = {stem(word) for word in scope.words - own if word not in STOP}
    alike = bool(content & stems) or bool(scope.topics & (said.topics | heading.topics))
    settled = stems if said.words & QUALIFIERS - {"free"} else stems | setting
    return alike and _settles(settled, said.words, scope.words)


def _same_quality(reading: Reading, claim: Claim, said: Promised) -> bool:
    """The passage says the same, and of what the sentence names: what holds for one product is not said of another."""
    quality = _stems(claim.text.lower().split())
    if not quality <= _stems(said.claim.text.lower().split()):
        return False
    named = _stems(clause_scope(reading, claim.start).words) - quality
    about = _stems(said.scope.words | said.heading.words)
    return named <= about if named else bool(said.scope.words & UNIVERSAL)


def _stems(words: Iterable[str]) -> frozenset[str]:
    parts = (part for word in words for part in word.split("-"))
    return frozenset(stem(part) for part in parts if part not in STOP and part not in _SAYS_OF)


def _keeps_conditions(reading: Reading, claim: Claim, said: Promised) -> bool:
    """The sentence names who the promise is for, and beside it the amount that it depends on."""
    words = {stem(word) for word in reading.texts(reading.stretch(place_of(reading, claim.start)))}
    if any(stem(word) not in words for word in said.scope.words & RESTRICTORS):
        return False
    needed = [one for one in said.conditions if one.kind is ClaimKind.MONEY and one.bound is not Bound.NONE]
    return not needed or any(
        same_value(one, own) and claim.promise is not None and nearest(reading, claim.promise, own) == claim
        for one in needed
        for own in reading.claims
        if own.kind is one.kind
    )
