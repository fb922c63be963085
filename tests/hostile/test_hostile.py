"""A thousand episodes of a hostile model: nothing gives, and every kind of attack was among them."""

from collections.abc import Callable
from time import perf_counter

import pytest

from db.embedded import EmbeddedServer
from tests.hostile.arguments import Trick
from tests.hostile.episodes import BLOCK
from tests.hostile.run import play_all
from tests.hostile.tally import Invariant, Tally, report

EPISODES = 1000
SEED = 2026


@pytest.mark.timeout(900)
def test_nothing_gives_way_to_a_hostile_model(
    server: EmbeddedServer, template: str, closing: Callable[[str], None]
) -> None:
    started, tally = perf_counter(), Tally()
    for done in play_all(server, template, seed=SEED, blocks=range(EPISODES // BLOCK)):
        tally.add(done)
    told = report(tally, seed=SEED, seconds=perf_counter() - started)
    closing(told)
    if suspects := {each.episode // BLOCK for each in tally.violations.pop(Invariant.GROUNDED, ())}:
        # What was true of a cart is read beside the turns, so a fact that held for an instant between two readings
        # looks like none. A sentence that no fact backs is shown again when its block is played again.
        again = Tally()
        for done in play_all(server, template, seed=SEED, blocks=sorted(suspects)):
            again.add(done)
        tally.violations.update(again.violations)
    assert tally.violations == {}, told
    # A zero that was never tried proves nothing.
    assert tally.counts["episodes"] == EPISODES
    # One person who is granted something on two carts comes up two or three times in a thousand episodes.
    assert {each for each in Invariant if not tally.checks.get(each)} <= {Invariant.COOLDOWN}
    assert {trick for trick in Trick if not tally.tried[trick]} == set()
