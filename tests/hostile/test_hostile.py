"""A thousand episodes of a hostile model: nothing gives, and every kind of attack was among them."""

from collections.abc import Callable
from time import perf_counter

import pytest

from db.embedded import EmbeddedServer
from tests.hostile.arguments import Trick
from tests.hostile.episodes import BLOCK
from tests.hostile.run import play_again, play_all
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
    play_again(server, template, tally, seed=SEED)
    told = report(tally, seed=SEED, seconds=perf_counter() - started)
    closing(told)
    assert tally.violations == {}, told
    # A zero that was never tried proves nothing.
    assert tally.counts["episodes"] == EPISODES
    # One person who is granted something on two carts comes up two or three times in a thousand episodes.
    assert {each for each in Invariant if not tally.checks.get(each)} <= {Invariant.COOLDOWN}
    assert {trick for trick in Trick if not tally.tried[trick]} == set()
