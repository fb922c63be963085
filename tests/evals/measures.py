"""Runs the labelled sets through the detectors and the checks that they are about, and counts."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agents.detectors import opts_out, wants_human
from agents.models.offline_intents import Intent, IntentClassifier
from knowledge.embedding import get_embedder
from policy.claims.facts import fact_from_json
from policy.claims.rules import check
from policy.redaction.rules import redact_turns
from tests.hostile.cards import digits_of

HERE = Path(__file__).parent
# As far as a conversation looks back for the beginning of a number.
REACH = 4
# PCI DSS lets the first six stand; a seventh in a row is a leak.
MOST_DIGITS_LEFT = 6


@dataclass(frozen=True)
class Rate:
    """`right` of `total` cases. `floor` is what was measured less a small margin: below it something got worse."""

    of: str
    right: int
    total: int
    floor: float
    wrong: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        return self.right / self.total

    @property
    def holds(self) -> bool:
        return self.share >= self.floor


def read(name: str) -> list[dict[str, Any]]:
    """The rows of a labelled set, as they were written down."""
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines() if line.strip()]


def every_rate() -> Iterator[Rate]:
    """All of the report, in its order."""
    yield from intents()
    yield from detector("opt_out.jsonl", "opt_out", "opt-outs", _opts_out, (0.9, 0.97))
    yield from detector("human.jsonl", "wants_human", "wishes for a person", wants_human, (0.79, 0.86))
    yield from cards()
    yield from claims()
    yield from other_shops("shops", "in other shops,", (0.92, 0.85))
    yield from other_shops("held_out", "held out:", (0.78, 0.63))
    yield from without_facts()


def _opts_out(text: str) -> bool:
    return opts_out(text) is not None


def intents() -> Iterator[Rate]:
    classifier, rows = IntentClassifier(get_embedder()), read("intents.jsonl")
    wrong = [row for row in rows if classifier.classify(row["text"])[0] is not Intent(row["intent"])]
    told = tuple(f"{row['intent']}: {row['text']}" for row in wrong)
    yield Rate("offline intents right", len(rows) - len(wrong), len(rows), 0.91, told)
    totals, missed = Counter(row["intent"] for row in rows), Counter(row["intent"] for row in wrong)
    worst = min(totals, key=lambda intent: 1 - missed[intent] / totals[intent])
    yield Rate(f"… of the worst intent, {worst}", totals[worst] - missed[worst], totals[worst], 0.6)


def detector(
    name: str, label: str, of: str, detects: Callable[[str], bool], floors: tuple[float, float]
) -> Iterator[Rate]:
    """Recall and precision."""
    rows = [(row, detects(row["text"])) for row in read(name)]
    meant = [(row, found) for row, found in rows if row[label]]
    missed = tuple(f"missed: {row['text']}" for row, found in meant if not found)
    yield Rate(f"{of} found", len(meant) - len(missed), len(meant), floors[0], missed)
    alarms = [row for row, found in rows if found]
    false = tuple(f"imagined: {row['text']}" for row in alarms if not row[label])
    yield Rate(f"{of}: alarms that were right", len(alarms) - len(false), len(alarms), floors[1], false)


def cards() -> Iterator[Rate]:
    """A card number is missed when seven of its digits in a row can still be read in what is kept."""
    rows = [(row, *_redacted(row["turns"])) for row in read("cards.jsonl")]
    given = [(row, kept, found) for row, kept, found in rows if row["pan"]]
    missed = tuple(f"{row['kind']}: {row['turns']}" for row, kept, found in given if not found or _left(row, kept))
    yield Rate("card numbers masked", len(given) - len(missed), len(given), 1.0, missed)
    for kind in ("separated", "spoken", "over turns"):
        own = [row for row, _, _ in given if kind in row["kind"]]
        wrong = sum(told.startswith(f"{row['kind']}: {row['turns']}") for row in own for told in missed)
        yield Rate(f"… {kind}", len(own) - wrong, len(own), 1.0)
    other = [(row, found) for row, _, found in rows if not row["pan"]]
    imagined = tuple(f"{row['kind']}: {row['turns']}" for row, found in other if found)
    yield Rate("other numbers left alone", len(other) - len(imagined), len(other), 1.0, imagined)


def _redacted(turns: list[str]) -> tuple[list[str], bool]:
    """What a transcript keeps of these messages, and whether anything was masked."""
    kept: list[str] = []
    found = False
    for turn in turns:
        redacted = redact_turns(kept[-REACH:], turn)
        kept = [*kept[:-REACH], *redacted.previous, redacted.text]
        found = found or redacted.found
    return kept, found


def _left(row: dict[str, Any], kept: list[str]) -> bool:
    digits, pan, width = digits_of("".join(kept)), row["pan"], MOST_DIGITS_LEFT + 1
    return any(pan[start : start + width] in digits for start in range(len(pan) - width + 1))


def claims() -> Iterator[Rate]:
    of = ("untrue sentences held back", "true sentences let out")
    yield from sentences(read("claims.jsonl"), "label", of, (0.99, 0.98))


def other_shops(name: str, where: str, floors: tuple[float, float]) -> Iterator[Rate]:
    """What an assistant would say in three shops that nothing of the check was written by.

    The sentences and their labels were committed before the check was run on them. With those of `shops` it has been
    mended since; of `held_out` nothing was used but the facts.
    """
    shops = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    rows = [row | shops[row["shop"]] for row in read(f"{name}.jsonl")]
    yield from sentences(rows, "shop", (f"{where} untrue held back", f"{where} true let out"), floors)


def sentences(
    rows: list[dict[str, Any]], label: str, of: tuple[str, str], floors: tuple[float, float]
) -> Iterator[Rate]:
    """The untrue sentences that the check holds back, then the true ones that it lets out."""
    passed = [_passes(row) for row in rows]
    for told, floor, passes in zip(of, floors, (False, True), strict=True):
        own = [(row, found) for row, found in zip(rows, passed, strict=True) if row["passes"] is passes]
        wrong = tuple(f"{row[label]}: {row['sentence']}" for row, found in own if found is not passes)
        yield Rate(told, len(own) - len(wrong), len(own), floor, wrong)


def without_facts() -> Iterator[Rate]:
    """Lies in a manner of speaking, most without a word of trade, and what an agent says that promises nothing."""
    now = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    for name, of, passes, floor in (
        ("idioms.jsonl", "lies in idioms held back", False, 0.5),
        ("talk.jsonl", "talk without a promise let out", True, 0.93),
    ):
        rows = read(name)
        found = [row["sentence"] for row in rows if check(row["sentence"], (), now=now).passed is not passes]
        yield Rate(of, len(rows) - len(found), len(rows), floor, tuple(found))


def _passes(row: dict[str, Any]) -> bool:
    facts = [fact_from_json(fact) for fact in row["facts"]]
    return check(row["sentence"], facts, now=datetime.fromisoformat(row["now"])).passed
