"""A sentence leaves only when every claim in it has a fact of the same value, unit and subject."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.claims.claim import ClaimKind
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
    fact_from_json,
)
from policy.claims.rules import check
from tests.policy.claims.cases import EVERYTHING, NOT_SAID, NOW, ROWS, SAID
from tests.policy.claims.plant_cases import PLANTS, PLANTS_NOT_SAID, PLANTS_NOW, PLANTS_SAID
from tests.policy.claims.product_cases import PRODUCTS, PRODUCTS_NOT_SAID, PRODUCTS_SAID
from tests.policy.claims.reach_cases import REACH_NOT_SAID, REACH_SAID, REACH_WITHOUT_ROWS
from tests.policy.claims.shoe_cases import SHOES, SHOES_NOT_SAID, SHOES_NOW, SHOES_SAID
from tests.policy.claims.trade_cases import (
    PASSAGES_NOT_SAID,
    PASSAGES_SAID,
    PAYING_NOT_SAID,
    PAYING_SAID,
    TRADE_NOT_SAID,
    TRADE_SAID,
)

COFFEE_SHOP = (EVERYTHING, NOW)
PLANT_SHOP = (PLANTS, PLANTS_NOW)
SHOE_SHOP = (SHOES, SHOES_NOW)
PRODUCT_SHOP = (PRODUCTS, NOW)
PAYING = PassageFact(
    "paying", "Which payment methods do you accept? PayPal, Visa and Apple Pay. We do not take Klarna."
)
PAYING_SHOP = ((PAYING,), NOW)
NO_ROWS = ((), NOW)
Shop = tuple[Sequence[Fact], datetime]


@pytest.mark.parametrize(
    ("sentence", "shop"),
    [
        *((one, COFFEE_SHOP) for one in (*SAID, *REACH_SAID, *TRADE_SAID)),
        *((one, PLANT_SHOP) for one in PLANTS_SAID),
        *((one, SHOE_SHOP) for one in SHOES_SAID),
        *((one, PRODUCT_SHOP) for one in PRODUCTS_SAID),
        *((one, PAYING_SHOP) for one in PAYING_SAID),
    ],
)
def test_what_the_facts_say_passes(sentence: str, shop: Shop) -> None:
    assert check(sentence, shop[0], now=shop[1]).unbound == ()


@pytest.mark.parametrize(
    ("sentence", "shop"),
    [
        *((one, COFFEE_SHOP) for one in (*NOT_SAID, *REACH_NOT_SAID, *TRADE_NOT_SAID)),
        *((one, PLANT_SHOP) for one in PLANTS_NOT_SAID),
        *((one, SHOE_SHOP) for one in SHOES_NOT_SAID),
        *((one, PRODUCT_SHOP) for one in PRODUCTS_NOT_SAID),
        *((one, PAYING_SHOP) for one in PAYING_NOT_SAID),
        *((one, NO_ROWS) for one in REACH_WITHOUT_ROWS),
    ],
)
def test_what_no_fact_says_is_blocked(sentence: str, shop: Shop) -> None:
    assert not check(sentence, shop[0], now=shop[1]).passed


KEPT = [
    ("I've sent you an email with the link.", "mail"),
    ("The link is in your inbox.", "mail"),
    ("A person will join shortly.", "handoff"),
    ("I'm connecting you with a colleague now.", "handoff"),
    ("You won't hear from us again.", "suppression"),
    ("I've unsubscribed you.", "suppression"),
]


@pytest.mark.parametrize(("sentence", "row"), KEPT)
def test_a_promise_passes_with_its_row_and_not_without(sentence: str, row: str) -> None:
    assert not check(sentence, EVERYTHING, now=NOW).passed
    kept = check(sentence, [*EVERYTHING, *ROWS], now=NOW)
    assert kept.passed
    assert {binding.fact_id for binding in kept.bindings} == {row}
    others = [fact for fact in ROWS if fact.id != row]
    assert not check(sentence, [*EVERYTHING, *others], now=NOW).passed


@pytest.mark.parametrize(
    "sentence", ["My manager has confirmed your order and the address on it!", "A colleague has upgraded your parcel."]
)
def test_a_person_who_was_asked_has_not_done_it(sentence: str) -> None:
    assert not check(sentence, [*EVERYTHING, *ROWS], now=NOW).passed


@pytest.mark.parametrize(
    ("passage", "sentence", "passes"),
    [*((*each, False) for each in PASSAGES_NOT_SAID), *((*each, True) for each in PASSAGES_SAID)],
)
def test_a_passage_vouches_for_what_it_says_and_no_more(passage: str, sentence: str, passes: bool) -> None:
    assert check(sentence, [PassageFact("help", passage)], now=NOW).passed is passes


def test_a_row_that_keeps_a_promise_does_not_keep_its_denial() -> None:
    refunded = PromiseFact("refund", PromiseKind.REFUND)
    assert check("You get a full refund.", [refunded], now=NOW).passed
    assert not check("We never refund.", [refunded], now=NOW).passed


def test_the_verdict_names_what_is_bound_and_what_is_not() -> None:
    verdict = check("Your total is $80.95 and you save 15%.", EVERYTHING, now=NOW)
    assert not verdict.passed
    assert [(b.kind, b.fact_id) for b in verdict.bindings] == [
        (ClaimKind.MONEY, "total"),
        (ClaimKind.PROMISE, "discount"),
    ]
    assert [(c.kind, c.text) for c in verdict.unbound] == [(ClaimKind.PERCENT, "15%")]


@pytest.mark.parametrize(
    ("currency", "minor", "sentence"),
    [
        ("EUR", 7396, "Your total is 73,96 €."),
        ("EUR", 7396, "Your total is €73.96."),
        ("EUR", 123456, "Your total is 1.234,56 €."),
        ("GBP", 50, "Your total is 50p."),
        ("GBP", 7396, "Your total is seventy-three pounds ninety-six."),
        ("JPY", 7396, "Your total is ¥7,396."),
        ("KWD", 7396, "Your total is KWD 7.396."),
        ("USD", 100000, "Your total is a thousand dollars."),
        ("USD", 1050, "Your total is ten dollars and fifty cents."),
        ("USD", 1000, "Your total is USD 10."),
        ("USD", 999, "Your total is nine ninety-nine."),
        ("CAD", 1000, "Your total is CA$10."),
        ("CAD", 5499, "Your total is CAD $54.99."),
    ],
)
def test_prices_in_any_notation(currency: str, minor: int, sentence: str) -> None:
    assert check(sentence, [MoneyFact("t", Subject.TOTAL, minor, currency)], now=NOW).passed
    assert not check(sentence, [MoneyFact("t", Subject.TOTAL, minor + 1, currency)], now=NOW).passed
    assert not check(sentence, [MoneyFact("t", Subject.DISCOUNT, minor, currency)], now=NOW).passed


def test_a_count_of_others_is_no_price_written_out() -> None:
    price = MoneyFact("line", Subject.ITEM_PRICE, 1200, "USD", label="No. 7 Roast")
    assert not check("There are a dozen customers with this in their carts.", [price], now=NOW).passed


def test_an_expired_offer_is_no_deadline() -> None:
    ends = InstantFact("o", Subject.OFFER_EXPIRY, NOW - timedelta(minutes=1), "UTC")
    assert not check("The offer ends today.", [ends], now=NOW).passed
    assert check("The offer ends today.", [ends], now=NOW - timedelta(minutes=2)).passed


def test_a_time_is_read_in_the_zone_of_the_fact() -> None:
    ends = InstantFact("o", Subject.OFFER_EXPIRY, datetime(2026, 11, 25, 22, 0, tzinfo=UTC), "America/New_York")
    assert check("The offer ends on Wednesday at 5 pm.", [ends], now=NOW).passed
    assert check("The offer ends on Wednesday at 5 pm ET.", [ends], now=NOW).passed
    assert not check("The offer ends on Wednesday at 5 pm PT.", [ends], now=NOW).passed
    assert not check("The offer ends on Wednesday at 10 pm.", [ends], now=NOW).passed


def test_zero_shipping_is_free_shipping() -> None:
    assert check("Shipping is free.", [MoneyFact("s", Subject.SHIPPING, 0, "USD")], now=NOW).passed
    assert not check("Shipping is free.", [MoneyFact("s", Subject.SHIPPING, 1, "USD")], now=NOW).passed


@pytest.mark.parametrize(
    "data",
    [
        {"type": "money", "id": "t", "subject": "TOTAL", "amount_minor": 7396, "currency": "USD", "label": None},
        {"type": "percent", "id": "p", "subject": "DISCOUNT", "percent": "10"},
        {"type": "count", "id": "c", "subject": "STOCK", "count": 3, "label": "Kettle"},
        {"type": "instant", "id": "i", "subject": "OFFER_EXPIRY", "at": "2026-11-25T17:00:00+00:00", "tz": "UTC"},
        {"type": "passage", "id": "f", "text": "Returns within 30 days."},
        {"type": "promise", "id": "r", "kind": "FREE_SHIPPING"},
        {"type": "name", "id": "n", "text": "Blend No. 7"},
    ],
)
def test_facts_are_read_from_json(data: dict[str, object]) -> None:
    assert fact_from_json(data).id == data["id"]
    with pytest.raises(ValueError, match="fact"):
        fact_from_json(data | {"id": 7})


@pytest.mark.parametrize(
    "data",
    [
        {"type": "money", "id": "t", "subject": "TOTAL", "amount_minor": 73.96, "currency": "USD"},
        {"type": "percent", "id": "t", "subject": "DISCOUNT", "percent": "NaN"},
        {"type": "count", "id": "t", "subject": "STOCK", "count": True},
        {"type": "instant", "id": "t", "subject": "OFFER_EXPIRY", "at": "2026-11-25T17:00:00", "tz": "UTC"},
        {"type": "money", "id": "t", "subject": "LUCK", "amount_minor": 1, "currency": "USD"},
        {"type": "rumour", "id": "t"},
    ],
)
def test_what_is_not_a_fact_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        fact_from_json(data)


# Properties. The oracle is plain text work: a digit is covered when a fact's own spelling of it stands there.

WORDS = ["your total is", "you save", "only", "left", "off", "free shipping over", "days", "until", "at", "and", "with",
         "the kettle", "%", "$", "€", "for", "-", "is", "in", "pm", "November", ",", "reviews", "x", "no."]  # fmt: skip
sentences = st.lists(
    st.sampled_from(WORDS)
    | st.integers(0, 999).map(str)
    | st.sampled_from(["10.50", "1,000", "V60", "3rd", "２", "½"]),
    min_size=1,
    max_size=9,
).map(" ".join)


@given(sentence=sentences)
def test_without_facts_no_digit_leaves(sentence: str) -> None:
    verdict = check(sentence, [], now=NOW)
    if re.search(r"\d|½", sentence):
        assert not verdict.passed


@given(number=st.integers(100, 99_999), other=st.integers(100, 99_999))
def test_a_number_that_no_fact_holds_is_blocked(number: int, other: int) -> None:
    facts: list[Fact] = [
        MoneyFact("total", Subject.TOTAL, other * 100, "USD"),
        CountFact("stock", Subject.STOCK, other),
        PercentFact("discount", Subject.DISCOUNT, Decimal(other)),
    ]
    for sentence in (f"Your total is ${number}.", f"Only {number} left.", f"You get {number}% off."):
        assert check(sentence, facts, now=NOW).passed == (number == other)


fact_lists = st.lists(st.sampled_from([*EVERYTHING, *ROWS]), max_size=12)
said_or_not = st.sampled_from([*SAID, *NOT_SAID]) | sentences


@given(sentence=said_or_not, few=fact_lists, more=fact_lists)
def test_more_facts_never_block_what_passed(sentence: str, few: Sequence[Fact], more: Sequence[Fact]) -> None:
    if check(sentence, few, now=NOW).passed:
        assert check(sentence, [*more, *few], now=NOW).passed


@given(text=st.text(max_size=80))
def test_any_text_gets_a_verdict(text: str) -> None:
    facts = [*EVERYTHING, PassageFact("p", text), NameFact("n", text), PromiseFact("g", PromiseKind.GIFT)]
    check(text, facts, now=NOW)


@given(first=st.sampled_from(SAID), second=st.sampled_from(NOT_SAID))
def test_a_true_sentence_does_not_carry_a_false_one(first: str, second: str) -> None:
    assert not check(f"{first} {second}", EVERYTHING, now=NOW).passed


@given(
    sentence=st.sampled_from(NOT_SAID), sign=st.sampled_from("\u200b\u200d\u2060\ufeff\u00ad"), at=st.integers(0, 80)
)
def test_an_invisible_sign_hides_nothing(sentence: str, sign: str, at: int) -> None:
    assert not check(sentence[:at] + sign + sentence[at:], EVERYTHING, now=NOW).passed
