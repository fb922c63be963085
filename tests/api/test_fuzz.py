"""Whatever fits the OpenAPI document, and much that does not, gets an answer that is not a crash of ours."""

import pytest

from db.embedded import EmbeddedServer
from tests.api.fuzz_target import serving_target
from tests.api.fuzzing import CALLERS, fuzz, operations


@pytest.mark.timeout(400)
def test_no_request_breaks_the_server(database: EmbeddedServer) -> None:
    """A small run of `make fuzz`, the same examples each time."""
    with serving_target(database.app_url) as target:
        found = operations(target)
        assert len(found) >= 20
        for operation in found:
            for caller in CALLERS:
                examples = 2 if caller == "nobody" else 4
                fuzz(operation, target, caller, examples=examples, seed=None)
