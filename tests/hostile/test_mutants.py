"""The checks can fail: a guard taken away turns its invariant red. All of them: `python -m tests.hostile.mutants`."""

from collections.abc import Callable

import pytest

from db.embedded import EmbeddedServer
from tests.hostile.mutants import MUTANTS, play_all, rendered
from tests.hostile.tally import Invariant

QUICK = ("cap check", "extra fields are refused", "claims check", "redaction")


def test_each_invariant_has_a_mutant() -> None:
    assert {each.red for each in MUTANTS} - {None} == set(Invariant)


@pytest.mark.timeout(600)
def test_a_guard_taken_away_turns_its_invariant_red(
    server: EmbeddedServer, template: str, closing: Callable[[str], None]
) -> None:
    chosen = [each for each in MUTANTS if each.gone in QUICK]
    outcomes = list(play_all(server, template, chosen, blocks=1))
    closing(rendered(outcomes))
    assert [each.mutant.gone for each in outcomes] == list(QUICK)
    assert [(each.mutant.gone, each.violated) for each in outcomes if not each.as_expected] == []
