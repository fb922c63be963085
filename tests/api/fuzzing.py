"""`make fuzz`: whatever the OpenAPI document allows, much that it does not, and its examples, as every kind of caller.

Three seeds, 100 examples an operation and caller. Three of four ids are real, of shoppers who are new for each
operation. A server error fails the run; so does an operation that nobody got through. A small run is
`tests/api/test_fuzz.py`.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import track
from rich.table import Table
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from db.embedded import running
from db.upgrade import upgrade
from tests.api.fuzz_target import Target, Visit, serving_target

CALLERS = ("merchant", "widget", "shopper", "nobody")
CLASSES = ("2xx", "4xx", "5xx")
VISITS = 6
REAL = st.sampled_from((True, True, True, False))
console = Console()

Operation = APIOperation[Any, Any, Any, Any]


class Tally:
    """How often each operation was answered with each class of status."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}

    def begin(self, operation: Operation) -> Counter[str]:
        return self.counts.setdefault(operation.label, Counter())

    def unreached(self) -> list[str]:
        """Operations that never did what they are for."""
        return [operation for operation, counted in self.counts.items() if not counted["2xx"]]

    def table(self) -> Table:
        table = Table("Operation", *CLASSES)
        for operation, counted in self.counts.items():
            table.add_row(operation, *(str(counted[name]) for name in CLASSES))
        return table


def operations(target: Target) -> list[Operation]:
    schema = schemathesis.openapi.from_url(f"{target.base_url}/api/momentum/openapi.json", timeout=120)
    found = []
    for each in schema.get_all_operations():
        assert isinstance(each, Ok), each
        found.append(each.ok())
    return found


def fuzz(
    operation: Operation,
    target: Target,
    caller: str,
    *,
    visits: list[Visit],
    examples: int,
    seed: int | None,
    tally: Tally,
) -> None:
    """Send the examples. Raises AssertionError for a server error."""
    counted = tally.begin(operation)

    @given(case=_cases(operation), visit=st.sampled_from(visits), real=st.tuples(REAL, REAL))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=seed is None,
        suppress_health_check=list(HealthCheck),
    )
    def send(case: "Case[Any]", visit: Visit, real: tuple[bool, bool]) -> None:
        _name(case, visit, real)
        response = case.call(headers=target.headers(caller, visit), timeout=120)
        counted[f"{response.status_code // 100}xx"] += 1
        assert response.status_code < 500, f"{case.method} {case.path} as {caller}: {response.text}"
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"], f"{case.method} {case.path}"

    (send if seed is None else hypothesis.seed(seed)(send))()


def _cases(operation: Operation) -> "st.SearchStrategy[Case[Any]]":
    """The document's examples first: hypothesis begins with the simplest, so with one of them and real ids."""
    return st.one_of(
        *operation.get_strategies_from_examples(),
        operation.as_strategy(),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )


def _name(case: "Case[Any]", visit: Visit, real: tuple[bool, bool]) -> None:
    """Put the visit's ids in, each where its `real` says so: an operation has one or two. The others stay random."""
    body = case.body if isinstance(case.body, dict) else {}
    context = body.get("context")
    places = [(case.path_parameters, name, name) for name in case.path_parameters]
    places += [(each, "cartId", "cart_id") for each in (case.query, body, context) if isinstance(each, dict)]
    named = [place for place in places if place[1] in place[0]]
    for (where, name, id_name), put in zip(named, real, strict=False):
        if put:
            where[name] = visit.ids[id_name]


def run(target: Target, *, seeds: list[int], examples: int) -> int:
    """The number of operations that broke or that nobody got through, each shown."""
    tally, broken = Tally(), 0
    planned = [(seed, each) for seed in seeds for each in operations(target)]
    for seed, operation in track(planned, "Fuzzing", console=console):
        visits = target.visits(VISITS)
        for caller in CALLERS:
            try:
                fuzz(operation, target, caller, visits=visits, examples=examples, seed=seed, tally=tally)
            except AssertionError as error:
                broken += 1
                console.print(f"[red]seed {seed}[/] {str(error)[:500]}", highlight=False)
    for operation_name in tally.unreached():
        console.print(f"[red]{operation_name}[/]: no request got through", highlight=False)
    console.print(tally.table())
    requests = sum(counted.total() for counted in tally.counts.values())
    console.print(
        f"{requests} requests, {len(tally.counts)} operations, {len(CALLERS)} callers, seeds {seeds}: "
        f"{broken} broke, {len(tally.unreached())} not reached",
        highlight=False,
    )
    return broken + len(tally.unreached())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--examples", type=int, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "data", durable=False) as server:
        upgrade(server.owner_url)
        with serving_target(server.app_url) as target:
            sys.exit(1 if run(target, seeds=arguments.seeds, examples=arguments.examples) else 0)


if __name__ == "__main__":
    main()
