"""Whether an amount, a percentage or a count stands behind a claim."""

import re
from decimal import Decimal
from functools import lru_cache

from policy.claims.claim import Bound, Claim, ClaimKind
from policy.claims.facts import CountFact, MoneyFact, PercentFact, Subject
from policy.claims.normalise import normalise
from policy.claims.reading import Reading
from policy.claims.subjects import names_something, subjects
from policy.claims.vocabulary import STOP, stem, word_set
from policy.money import exponent

_OF_AN_ITEM = frozenset(
    {Subject.ITEM_PRICE, Subject.LINE_TOTAL, Subject.STOCK, Subject.QUANTITY, Subject.RATING, Subject.REVIEW_COUNT}
)
_WORD = re.compile(r"[^\W\d_]+")
_OF_THE_CART = frozenset({Subject.TOTAL, Subject.SUBTOTAL})
# "73.96", "nine ninety-nine"; "a dozen" is of something.
_DIGITS_OF_A_PRICE = re.compile(r"\d[., ]\d|^(?!.*\b(?:an?|dozen)\b)[^\W\d]+ [^\W\d]")
_WAYS_TO_SHIP = frozenset({"express", "overnight", "priority", "international", "same-day", "next-day", "expedited"})


def _holds(value: Decimal, claim: Claim) -> bool:
    """Whether the claim names `value`. "Under $90" names another number, which no fact holds, even where it is true."""
    return value in claim.low and not claim.high and claim.bound is Bound.NONE


def money_matches(fact: MoneyFact, reading: Reading, index: int) -> bool:
    claim = reading.claims[index]
    value = Decimal(fact.amount_minor).scaleb(-exponent(fact.currency))
    if claim.kind is ClaimKind.MONEY:
        if fact.currency not in claim.units:
            return False
        value = value.scaleb(exponent(fact.currency)) if "minor" in claim.units else value
    elif not _bare_amount(claim, fact):
        return False
    if fact.subject not in subjects(reading, index):
        return False
    limit = fact.subject in {Subject.SHIPPING_THRESHOLD, Subject.SHIPPING_GAP}
    fits = value in claim.low and not claim.high if limit else _holds(value, claim)
    return fits and _about_the_same(fact.subject, fact.label, reading, index)


def _bare_amount(claim: Claim, fact: MoneyFact) -> bool:
    """ "your total is 73.96": a number without a currency, written with the digits of this one."""
    places = exponent(fact.currency)
    return (
        claim.kind is ClaimKind.COUNT
        and not claim.units
        and places > 0
        and bool(_DIGITS_OF_A_PRICE.search(claim.text.lower()))
    )


def percent_matches(fact: PercentFact, reading: Reading, index: int) -> bool:
    claim = reading.claims[index]
    if fact.label is not None and not label_fits(fact.label, reading, claim.start):
        return False
    if fact.subject is Subject.RATING:
        fits = claim.kind is ClaimKind.RATING or (
            claim.kind is ClaimKind.COUNT and _beside(reading, index, _RATING_WORDS)
        )
        return fits and _holds(fact.percent, claim)
    if claim.kind is not ClaimKind.PERCENT or fact.subject not in subjects(reading, index):
        return False
    return fact.percent in claim.low and not claim.high and claim.bound is not Bound.LOWER


_RATING_WORDS = frozenset({"rated", "rating", "stars", "star", "average", "score", "scores"})
_COUNT_WORDS: dict[Subject, frozenset[str]] = {
    Subject.STOCK: frozenset({"left", "remaining", "stock", "available", "remain"}),
    Subject.ITEM_COUNT: frozenset(
        {"items", "item", "things", "products", "product", "pieces", "thing", "cart", "goodies"}
    ),
    Subject.REVIEW_COUNT: frozenset({"reviews", "ratings", "reviewers", "review", "rating", "reviewed"}),
}
_RATERS = word_set("customers people buyers shoppers reviewers parents riders owners readers")
_RATED = word_set("rate rated rates rating stars star")
_AS_UNITS = word_set("bag bags pack packs box boxes unit units tin tins of x × pcs")


def _beside(reading: Reading, index: int, words: frozenset[str]) -> bool:
    places = reading.inside[index]
    near = reading.tokens[max(0, places.start - 5) : places.start] + reading.tokens[places.stop : places.stop + 6]
    return any(token.text in words for token in near)


def count_matches(fact: CountFact, reading: Reading, index: int) -> bool:
    claim = reading.claims[index]
    places = reading.inside[index]
    if claim.kind is not ClaimKind.COUNT or "ordinal" in claim.units or not places:
        return False
    if not _holds(Decimal(fact.count), claim) or not _counts_the_same(fact, reading, index):
        return False
    return _about_the_same(fact.subject, fact.label, reading, index)


def _counts_the_same(fact: CountFact, reading: Reading, index: int) -> bool:
    places = reading.inside[index]
    after = reading.texts(reading.after(index))[:12]
    stretch = reading.stretch(places.start)
    words = {*reading.texts(range(places.stop, stretch.stop)), *reading.texts(reading.own(index))}
    if fact.subject is Subject.STOCK:
        mine = {"you", "left"} <= words and "cart" in words
        return bool(_COUNT_WORDS[Subject.STOCK] & words) and not mine
    if fact.subject is Subject.ITEM_COUNT:
        scarce = bool({"left", "remaining", "stock", "available"} & set(after)) and "cart" not in words
        thing = after[: after.index("in")] if "in" in after else after[:2]
        return bool(_COUNT_WORDS[Subject.ITEM_COUNT] & set(after)) and not scarce and not names_something(thing)
    if fact.subject is Subject.REVIEW_COUNT:
        rated = after[:1] and after[0] in _RATERS and not _RATED.isdisjoint(reading.words)
        return bool(rated or _COUNT_WORDS[Subject.REVIEW_COUNT] & set(after[:4]))
    if fact.subject is Subject.QUANTITY:
        scarce = bool({"left", "remaining", "stock", "available", "reviews", "ratings"} & set(after))
        named = bool(fact.label) and not {stem(word) for word in after}.isdisjoint(_label_words(fact.label or ""))
        return not scarce and (named or (bool(after) and after[0] in _AS_UNITS) or "quantity" in words)
    return fact.subject is Subject.POLICY


@lru_cache(maxsize=2048)
def _label_words(label: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in _WORD.findall(normalise(label).lower()) if len(word) > 2)


def _about_the_same(subject: Subject, label: str | None, reading: Reading, index: int) -> bool:
    """Whether the sentence names the thing that the fact is about, or names nothing else."""
    if subject is Subject.SHIPPING:
        ways = _WAYS_TO_SHIP.intersection(reading.texts(reading.stretch(reading.inside[index].start)))
        return not ways or all(way in (label or "").lower() for way in ways)
    if subject in _OF_THE_CART:
        return not names_something(_subject_part(reading.texts(reading.own(index))))
    if label is None or subject not in _OF_AN_ITEM:
        return True
    return _names(label, reading, _window(reading, index)) or not _names_another(reading, index)


def label_fits(label: str | None, reading: Reading, start: int) -> bool:
    """Whether the words around `start` name the labelled thing, or no thing at all."""
    if label is None:
        return True
    at = next((place for place, token in enumerate(reading.tokens) if token.end > start), 0)
    near = reading.stretch(at)
    return _names(label, reading, near) or not names_something(reading.texts(near))


def _subject_part(before: list[str]) -> list[str]:
    asides = {"with", "after", "including", "plus", "before", "without", "once", "so", "for", "in"}
    cut = next((at for at, word in enumerate(before) if word in asides), len(before))
    return before[:cut]


def _window(reading: Reading, index: int) -> range:
    """Places that say what the number is of: its own clause, or the one before where its own names nothing."""
    own, after = reading.own(index), reading.after(index)
    if names_something(reading.texts(own)) or names_something(_what_of(reading.texts(after))):
        return range(own.start, after.stop)
    return range(reading.before(index).start, after.stop)


def _what_of(after: list[str]) -> list[str]:
    """What follows a number and says what it is of: "kettles left", "left of the Sidamo"."""
    of = next((at + 1 for at, word in enumerate(after) if word in {"of", "for"}), len(after))
    return after[:2] + after[of:]


def _names(label: str, reading: Reading, places: range) -> bool:
    """Whether words of the label stand by the claim: its first word, most of them, or one with a capital."""
    wanted = _label_words(label)
    window = [place for place in places if reading.tokens[place].text.isalpha()]
    stems = {place: stem(reading.tokens[place].text) for place in window}
    hits = [place for place in window if stems[place] in wanted]
    if not hits or not wanted:
        return False
    beside = {near for place in hits for near in (place - 1, place + 1) if near in stems and near not in hits}
    if any(reading.tokens[near].raw[0].isupper() and reading.tokens[near].text not in STOP for near in beside):
        return False
    found = {stems[place] for place in hits}
    if wanted[0] in found or 2 * len(found) > len(wanted):
        return True
    capital = any(reading.tokens[place].raw[0].isupper() and place > 0 for place in hits)
    return capital or not names_something([reading.tokens[near].text for near in beside])


def _names_another(reading: Reading, index: int) -> bool:
    own = reading.texts(reading.own(index))
    before = own if names_something(own) else reading.texts(reading.before(index))
    return names_something(before) or names_something(_what_of(reading.texts(reading.after(index))))
