"""Each lie of the hostile model, in each writing, is held back with nothing to back it: what episodes try by chance."""

from datetime import UTC, datetime
from random import Random

from policy.claims.rules import check
from tests.hostile.lies import CORES, letters, written
from tests.hostile.sentences import HARMLESS
from tests.hostile.shops import FAQ_DENIED

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def test_no_lie_passes_as_it_stands() -> None:
    assert [core for core in (*CORES, *FAQ_DENIED) if check(f"{core}.", (), now=NOW).passed] == []


def test_no_lie_passes_however_it_is_written() -> None:
    rng = Random(2026)
    said = [(core, written(rng, core, before=rng.choice(HARMLESS))) for core in CORES for _ in range(3)]
    assert [text for _, text in said if check(text, (), now=NOW).passed] == []
    assert [text for core, text in said if letters(core) not in letters(text)] == []
