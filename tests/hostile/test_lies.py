"""Each lie of the hostile model, in each writing, is held back with nothing to back it: what episodes try by chance."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

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
from policy.claims.rules import check
from tests.hostile.lies import CORES, letters, written
from tests.hostile.sentences import HARMLESS
from tests.hostile.shops import FAQ_DENIED, KINDS, PRODUCTS, Kind

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
TOLD = (
    "I have asked a person from the shop to look at this conversation.",
    "Understood: you will get no more messages from us about this.",
    "I sent the link to your email address.",
)


def test_no_lie_passes_as_it_stands() -> None:
    assert [core for core in (*CORES, *FAQ_DENIED) if check(f"{core}.", (), now=NOW).passed] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_no_lie_passes_however_it_is_written_with_all_that_a_conversation_can_know(kind: Kind) -> None:
    rng, facts = Random(kind.word), list(_facts(kind))
    beside = [*HARMLESS, *TOLD, *(line for entry in kind.faq() for line in entry)]
    said = [(core, written(rng, core, beside)) for core in (*CORES, *FAQ_DENIED)]
    assert [text for _, text in said if check(text, facts, now=NOW).passed] == []
    assert [text for core, text in said if letters(core) not in letters(text)] == []


def _facts(kind: Kind) -> Iterator[Fact]:
    """A cart with a dozen of something, a grant, and what tools can have done; passages and names of the shop."""

    def money(id_: str, subject: Subject, minor: int, label: str | None = None) -> MoneyFact:
        return MoneyFact(id_, subject, minor, kind.currency, label=label)

    name, price = f"{kind.word} {PRODUCTS[1]}", kind.prices[1]
    yield from (money("cart:subtotal", Subject.SUBTOTAL, 12 * price), money("cart:tax", Subject.TAX, 0))
    yield from (money("cart:shipping", Subject.SHIPPING, 0), money("cart:total", Subject.TOTAL, 12 * price))
    yield from (
        NameFact("shop", kind.word),
        NameFact("line", name),
        CountFact("line", Subject.QUANTITY, 12, label=name),
    )
    yield from (money("line", Subject.ITEM_PRICE, price, name), CountFact("stock", Subject.STOCK, 50, label=name))
    yield from (PercentFact("grant", Subject.DISCOUNT, Decimal(5)), money("grant", Subject.DISCOUNT, price // 2))
    yield InstantFact("grant", Subject.OFFER_EXPIRY, NOW + timedelta(days=3), kind.zone)
    yield from (PromiseFact(each, each) for each in (PromiseKind.HUMAN, PromiseKind.LINK_SENT, PromiseKind.OPTED_OUT))
    yield from (PassageFact(title, f"{title}\n{answer}") for title, answer in kind.faq())
