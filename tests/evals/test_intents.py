"""The offline intents on sentences that their code and data never saw; accuracy is printed and has a floor."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from agents.models.offline_intents import Intent, IntentClassifier
from knowledge.embedding import get_embedder

SENTENCES = Path(__file__).with_name("intents.jsonl")
FLOOR = 0.80
MIN_SENTENCES = 300


def test_offline_intents(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in SENTENCES.read_text().splitlines() if line.strip()]
    classifier = IntentClassifier(get_embedder())
    hits: dict[Intent, list[bool]] = defaultdict(list)
    for row in rows:
        intent = Intent(row["intent"])
        hits[intent].append(classifier.classify(row["text"])[0] is intent)
    every = [hit for each in hits.values() for hit in each]
    accuracy = sum(every) / len(every)
    with capsys.disabled():
        print(f"\nOffline intents: {sum(every)} of {len(every)} right, accuracy {accuracy:.3f}")  # noqa: T201
        for intent, each in sorted(hits.items()):
            print(f"  {intent:26} recall {sum(each) / len(each):.2f} of {len(each)}")  # noqa: T201
    assert len(every) >= MIN_SENTENCES
    assert accuracy >= FLOOR
