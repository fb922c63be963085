"""The detectors on sentences that were written without sight of their patterns; the rates have floors."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.detectors import opts_out, wants_human

HERE = Path(__file__).parent
# An opt-out that is missed breaks the law; one that is imagined costs a reminder.
OPT_OUT_RECALL = 0.90
OPT_OUT_PRECISION = 0.95
HUMAN_RECALL = 0.80
HUMAN_PRECISION = 0.85


def rates(
    name: str, label: str, detect: Callable[[str], bool], capsys: pytest.CaptureFixture[str]
) -> tuple[float, float]:
    """Recall and precision over a set, printed with the recall of each language."""
    rows = [json.loads(line) for line in (HERE / name).read_text().splitlines() if line.strip()]
    hits: dict[str, list[bool]] = defaultdict(list)
    alarms = false_alarms = 0
    for row in rows:
        found = detect(row["text"])
        alarms += found
        false_alarms += found and not row[label]
        if row[label]:
            hits[row.get("lang", "en")].append(found)
    every = [hit for each in hits.values() for hit in each]
    recall, precision = sum(every) / len(every), 1 - false_alarms / max(alarms, 1)
    by_language = ", ".join(f"{lang} {sum(each) / len(each):.2f} of {len(each)}" for lang, each in sorted(hits.items()))
    with capsys.disabled():
        print(f"\n{name}: {len(rows)} sentences, recall {recall:.3f} ({by_language}), precision {precision:.3f}")  # noqa: T201
    return recall, precision


def test_opt_outs(capsys: pytest.CaptureFixture[str]) -> None:
    recall, precision = rates("opt_out.jsonl", "opt_out", lambda text: opts_out(text) is not None, capsys)
    assert recall >= OPT_OUT_RECALL
    assert precision >= OPT_OUT_PRECISION


def test_wishes_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    recall, precision = rates("human.jsonl", "wants_human", wants_human, capsys)
    assert recall >= HUMAN_RECALL
    assert precision >= HUMAN_PRECISION
