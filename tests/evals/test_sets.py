"""The labelled sets are well formed, large enough, and stand in none of the code and data that they measure."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from policy.claims.facts import fact_from_json, fact_to_json

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
INTENTS = {
    "SHIPPING_COST_QUESTION",
    "DELIVERY_TIME_QUESTION",
    "RETURNS_QUESTION",
    "PAYMENT_METHODS_QUESTION",
    "ORDER_CHANGE_QUESTION",
    "DISCOUNT_CODE_QUESTION",
    "PRODUCT_QUESTION",
    "STOCK_QUESTION",
    "CART_QUESTION",
    "PRICE_OBJECTION",
    "SHIPPING_OBJECTION",
    "JUST_BROWSING",
    "COMPARING",
    "SAVE_FOR_LATER",
    "PAYMENT_PROBLEM",
    "RECOMMENDATION",
    "HUMAN_REQUEST",
    "OPT_OUT",
    "COMPLAINT",
    "BOT_QUESTION",
    "GREETING",
    "THANKS",
    "GOODBYE",
    "OUT_OF_SCOPE",
}
# Shorter ones ("stop texting me") are what anybody would write, so they may well stand on both sides.
WORDS_OF_AN_OWN_SENTENCE = 5


def read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def folded(text: str) -> str:
    return " ".join(text.casefold().split())


def repeated(texts: Iterable[str]) -> list[str]:
    return [text for text, count in Counter(folded(text) for text in texts).items() if count > 1]


def test_intents_are_labelled_and_plenty() -> None:
    rows = read("intents.jsonl")
    assert all(set(row) == {"text", "intent"} and row["text"].strip() for row in rows)
    counts = Counter(row["intent"] for row in rows)
    assert set(counts) == INTENTS
    assert min(counts.values()) >= 16
    assert len(rows) >= 384
    assert repeated(row["text"] for row in rows) == []


def test_opt_outs_are_labelled_and_plenty() -> None:
    rows = read("opt_out.jsonl")
    assert all(set(row) == {"text", "lang", "opt_out"} and row["text"].strip() for row in rows)
    assert all(isinstance(row["opt_out"], bool) for row in rows)
    positives = Counter(row["lang"] for row in rows if row["opt_out"])
    negatives = Counter(row["lang"] for row in rows if not row["opt_out"])
    assert set(positives) == set(negatives) == {"en", "es", "fr", "de", "pt", "it"}
    assert min(positives.values()) >= 75
    assert positives.total() >= 500
    assert negatives.total() >= 220
    assert repeated(row["text"] for row in rows) == []


def test_wishes_for_a_human_are_labelled_and_plenty() -> None:
    rows = read("human.jsonl")
    assert all(set(row) == {"text", "wants_human"} and row["text"].strip() for row in rows)
    assert all(isinstance(row["wants_human"], bool) for row in rows)
    counts = Counter(row["wants_human"] for row in rows)
    assert counts[True] == counts[False] >= 80
    assert repeated(row["text"] for row in rows) == []


def test_cards_are_labelled_and_plenty() -> None:
    rows = read("cards.jsonl")
    assert all(set(row) == {"turns", "pan", "kind"} and row["turns"] for row in rows)
    counts = Counter(row["pan"] is not None for row in rows)
    assert counts[True] >= 120
    assert counts[False] >= 90
    assert repeated(json.dumps(row["turns"]) for row in rows) == []
    # Doubling every second digit from the right and adding up all digits gives a multiple of ten (ISO/IEC 7812-1).
    for pan in (row["pan"] for row in rows if row["pan"] is not None):
        doubled = [str(int(digit) * (1 + place % 2)) for place, digit in enumerate(reversed(pan))]
        assert sum(map(int, "".join(doubled))) % 10 == 0, pan


def test_claims_are_labelled_and_plenty() -> None:
    rows = read("claims.jsonl")
    assert all(set(row) == {"sentence", "facts", "now", "label", "passes", "note"} for row in rows)
    assert all(row["sentence"].strip() and row["note"].strip() for row in rows)
    assert all(isinstance(row["passes"], bool) for row in rows)
    assert {row["now"] for row in rows} == {"2026-11-22T15:00:00+00:00"}
    assert datetime.fromisoformat(rows[0]["now"]).tzinfo is not None
    counts = Counter(row["label"] for row in rows)
    assert set(counts) == {"true", "false", "tricky", "harmless"}
    assert min(counts["true"], counts["false"], counts["harmless"]) >= 60
    assert counts["tricky"] >= 80
    assert len(rows) >= 280
    expected = {"true": {True}, "harmless": {True}, "false": {False}, "tricky": {True, False}}
    for label, outcomes in expected.items():
        assert {row["passes"] for row in rows if row["label"] == label} == outcomes
    assert repeated(json.dumps([row["sentence"], row["facts"]]) for row in rows) == []


def test_claims_rest_on_facts_that_can_be_read() -> None:
    for row in read("claims.jsonl"):
        facts = [fact_from_json(fact) for fact in row["facts"]]
        assert len({fact.id for fact in facts}) == len(facts)


@pytest.mark.parametrize("name", ["shops", "held_out"])
def test_sentences_of_other_shops_are_labelled_and_rest_on_facts_that_can_be_read(name: str) -> None:
    rows, shops = read(f"{name}.jsonl"), json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    assert all(set(row) == {"shop", "sentence", "passes"} and row["sentence"].strip() for row in rows)
    counts = Counter((row["shop"], row["passes"]) for row in rows)
    assert set(counts) == {(shop, passes) for shop in shops for passes in (True, False)}
    assert min(counts[shop, True] for shop in shops) >= 40
    assert min(counts[shop, False] for shop in shops) >= 20
    assert repeated(row["sentence"] for row in rows) == []
    for shop in shops.values():
        assert datetime.fromisoformat(shop["now"]).tzinfo is not None
        assert [fact_to_json(fact_from_json(fact)) for fact in shop["facts"]] == shop["facts"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("intents.jsonl", "text"),
        ("opt_out.jsonl", "text"),
        ("human.jsonl", "text"),
        ("claims.jsonl", "sentence"),
        ("shops.jsonl", "sentence"),
        ("held_out.jsonl", "sentence"),
    ],
)
def test_no_sentence_stands_in_the_code_that_it_measures(name: str, key: str) -> None:
    sources = [path for room in ("agents", "graphs", "policy") for path in (ROOT / room).rglob("*")]
    suffixes = {".py", ".json", ".jsonl", ".txt", ".md", ".yaml", ".toml", ".csv"}
    seen = folded("\n".join(path.read_text(encoding="utf-8") for path in sources if path.suffix in suffixes))
    own = [text for text in (folded(row[key]) for row in read(name)) if len(text.split()) >= WORDS_OF_AN_OWN_SENTENCE]
    assert len(own) > 50
    assert [text for text in own if text in seen] == []
