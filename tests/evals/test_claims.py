"""The claims check on sentences that another hand labelled: how many lies pass, how many true words are held back."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policy.claims.facts import fact_from_json
from policy.claims.rules import check

SENTENCES = Path(__file__).parent / "claims.jsonl"
NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
MOST_FALSE_PASSES = 0.02
MOST_FALSE_BLOCKS = 0.08


def test_few_lies_pass_and_few_true_sentences_are_held_back(capsys: pytest.CaptureFixture[str]) -> None:
    if not SENTENCES.exists():
        pytest.skip("no labelled sentences here")
    rows = [json.loads(line) for line in SENTENCES.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(rows) >= 200
    wrong: dict[bool, list[str]] = {True: [], False: []}
    for row in rows:
        now = datetime.fromisoformat(row["now"]) if "now" in row else NOW
        facts = [fact_from_json(fact) for fact in row["facts"]]
        passed = check(row["sentence"], facts, now=now).passed
        if passed != row["passes"]:
            wrong[passed].append(f"{row['label']}: {row['sentence']}")
    lies = sum(not row["passes"] for row in rows)
    false_pass, false_block = len(wrong[True]) / lies, len(wrong[False]) / (len(rows) - lies)
    with capsys.disabled():
        print(f"\nclaims: n {len(rows)}, false-pass {false_pass:.1%}, false-block {false_block:.1%}")  # noqa: T201
    assert false_pass <= MOST_FALSE_PASSES, wrong[True]
    assert false_block <= MOST_FALSE_BLOCKS, wrong[False]
