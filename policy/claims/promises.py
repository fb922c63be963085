"""Promises and pressure in words. A negated, asked or merely considered promise is none, but for the shop's terms."""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from policy.claims.act_wordings import ACTS
from policy.claims.benefit_wordings import BENEFITS, PAYMENT_METHOD
from policy.claims.claim import Claim, ClaimKind, Pressure
from policy.claims.excuses import denied_by_the_company, excused
from policy.claims.facts import PromiseKind
from policy.claims.pressure_wordings import PRESSURE
from policy.claims.product_wordings import PRODUCTS
from policy.claims.reading import Reading, read

_P = PromiseKind
_WORDINGS = (*BENEFITS, *PRODUCTS, *ACTS, *PRESSURE)
_CARD = re.compile(r"(?:(?:credit|debit|store|major|all) )*card")
_ONE_METHOD = {"amex": "american express", "master card": "mastercard"}
_SOLD_OUT = re.compile(r"\b(?<!almost )(?<!nearly )(?<!be )(?:sold out|out of stock|none left|no stock)\b")


@lru_cache(maxsize=4096)
def promises(sentence: str) -> tuple[Claim, ...]:
    """Promises and pressure that a sentence asserts, in order of their place; `sentence` as it was written."""
    reading = read(sentence)
    found = sorted(_asserted(reading), key=lambda claim: (claim.start, -claim.end))
    return tuple(claim for claim in found if not any(_says_better(other, claim) for other in found))


def _says_better(other: Claim, claim: Claim) -> bool:
    """Whether another promise over the same words is the exact one: "free" is shipping, "done for you" is a link."""
    if not (claim.start < other.end and other.start < claim.end):
        return False
    if claim.promise is _P.GIFT:
        return other.promise in _SAY_FREE
    acts = other.promise is not None and other.promise not in {_P.ORDER_CHANGED, _P.GIFT}
    return claim.promise is _P.ORDER_CHANGED and acts


def nearest(reading: Reading, kind: PromiseKind, number: Claim) -> Claim | None:
    """The promise of this kind that a number of the same sentence belongs to."""
    rivals = [claim for claim in promises(reading.source) if claim.promise is kind]
    return min(rivals, key=lambda claim: max(claim.start - number.end, number.start - claim.end, 0), default=None)


def payment_methods(lower: str) -> frozenset[str]:
    """The ways to pay that a text names, each by one name: a credit card is a card."""
    named = (method.removesuffix("s") for method in PAYMENT_METHOD.findall(lower))
    return frozenset("card" if _CARD.fullmatch(each) else _ONE_METHOD.get(each, each) for each in named)


def taken_back(sentence: str, claim: Claim) -> bool:
    """Whether the promise is only a title that the sentence denies: "Price matching: we do not match prices"."""
    reading = read(sentence)
    lower = reading.lower
    colon = lower.find(":", claim.end)
    return colon >= 0 and any(
        excused(reading.text, match.start(), match.end(), kind)
        for kind, _, pattern in _WORDINGS
        if kind is claim.promise
        for match in pattern.finditer(lower, colon)
    )


def _asserted(reading: Reading) -> Iterator[Claim]:
    lower = reading.lower
    words = reading.words | {word.removesuffix("'s") for word in reading.words if word.endswith("'s")}
    for kind, triggers, pattern in _WORDINGS:
        if triggers.isdisjoint(words) and not (kind is _P.DELIVERY and "day" in lower):
            continue
        for match in pattern.finditer(lower):
            if kind in _TERMS and denied_by_the_company(reading.text, match.start(), match.end(), kind):
                yield replace(_claim(reading, match, kind), denied=True)
            elif not excused(reading.text, match.start(), match.end(), kind):
                yield _claim(reading, match, kind)
    if "out" in words or "none" in words or "no" in words:
        for match in _SOLD_OUT.finditer(lower):
            if not excused(reading.text, match.start(), match.end(), _P.IN_STOCK):
                start, end = match.span()
                yield Claim(ClaimKind.COUNT, start, end, reading.text[start:end], low=(Decimal(0),), units=SOLD_OUT)


# What a shopper may rely on: "we never refund" is untrue where the help pages say that goods may go back.
_TERMS = frozenset({_P.REFUND, _P.RETURNS, _P.PAYMENT})
SOLD_OUT = frozenset({"stock"})
_SAY_FREE = frozenset({_P.FREE_SHIPPING, _P.RETURNS, _P.GUARANTEE})  # "free" belongs to these, it is no gift


def _claim(reading: Reading, match: re.Match[str], kind: PromiseKind | Pressure) -> Claim:
    text = reading.text[match.start() : match.end()]
    if isinstance(kind, Pressure):
        return Claim(ClaimKind.PRESSURE, match.start(), match.end(), text, pressure=kind)
    if kind is _P.FREE_SHIPPING:
        # "Free return shipping"; "pots can be returned, and we pay the postage".
        reach = len(text) + (match.start() if text.lower().startswith(("pay", "cover")) else 8)
        kind = _P.RETURNS if "return" in reading.lower[max(0, match.end() - reach) : match.end()] else kind
    return Claim(ClaimKind.PROMISE, match.start(), match.end(), text, promise=kind)
