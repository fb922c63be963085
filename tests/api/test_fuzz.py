"""Whatever fits the OpenAPI document, and much that does not, gets an answer that is not a crash of ours."""

import pytest

from db.embedded import EmbeddedServer
from tests.api.fuzz_target import serving_target
from tests.api.fuzzing import CALLERS, Tally, fuzz, operations


@pytest.mark.timeout(400)
def test_no_request_breaks_the_server(database: EmbeddedServer) -> None:
    """A small run of `make fuzz`, the same examples each time. It gets through to every operation too."""
    tally = Tally()
    with serving_target(database.app_url) as target:
        found = operations(target)
        assert len(found) >= 20
        for operation, visit in zip(found, target.visits(len(found)), strict=True):
            for caller in CALLERS:
                examples = 2 if caller == "nobody" else 4
                fuzz(operation, target, caller, visits=[visit], examples=examples, seed=None, tally=tally)
    assert tally.unreached() == []
