"""A small fault run: a few people and a compressed month, processes killed all the while. The big one: `make chaos`."""

import asyncio
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.checks import check_all
from tests.chaos.drive import play
from tests.chaos.plan import make_plan
from tests.chaos.run import report, shortfalls

SEED, PEOPLE, TICKS, TICK_S = 3, 9, 10, 1.0


@pytest.mark.timeout(600)
def test_what_is_promised_holds_whatever_dies(tmp_path: Path, closing: Callable[[str], None]) -> None:
    plan = make_plan(SEED, people=PEOPLE, ticks=TICKS, workers=2, apis=2)
    played = asyncio.run(play(plan, tmp_path / "data", tick_s=TICK_S))
    tally = check_all(played.evidence)
    shown = Console(width=120, record=True, file=StringIO())
    report(played, tally, plan, shown)
    told = shown.export_text()
    closing(told)
    assert played.unsettled == ""
    assert tally.violations == [], told
    assert shortfalls(played, tally, plan) == [], told
