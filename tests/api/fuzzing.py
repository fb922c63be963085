"""`make fuzz`: whatever the OpenAPI document allows, and much that it does not, as every kind of caller.

Three seeds, 100 examples an operation and caller. A small run is `tests/api/test_fuzz.py`.
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
from rich.console import Console
from rich.progress import track
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from db.embedded import running
from db.upgrade import upgrade
from tests.api.fuzz_target import Target, serving_target

CALLERS = ("merchant", "widget", "shopper", "nobody")
console = Console()


def operations(target: Target) -> list["APIOperation[Any, Any, Any, Any]"]:
    schema = schemathesis.openapi.from_url(f"{target.base_url}/api/momentum/openapi.json", timeout=120)
    found = []
    for each in schema.get_all_operations():
        assert isinstance(each, Ok), each
        found.append(each.ok())
    return found


def fuzz(
    operation: "APIOperation[Any, Any, Any, Any]", target: Target, caller: str, *, examples: int, seed: int | None
) -> Counter[int]:
    """Send the examples; how often each status came. Raises AssertionError for a server error."""
    statuses: Counter[int] = Counter()
    headers = target.headers(caller)

    @given(case=operation.as_strategy())
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=seed is None,
        suppress_health_check=list(HealthCheck),
    )
    def send(case: "Case[Any]") -> None:
        if "cart_id" in case.path_parameters:
            case.path_parameters["cart_id"] = str(target.cart_id)
        if "session_id" in case.path_parameters:
            case.path_parameters["session_id"] = str(target.session_id)
        response = case.call(headers=headers, timeout=120)
        statuses[response.status_code] += 1
        assert response.status_code < 500, f"{case.method} {case.path} as {caller}: {response.text}"
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"], f"{case.method} {case.path}"

    (send if seed is None else hypothesis.seed(seed)(send))()
    return statuses


def run(target: Target, *, seeds: list[int], examples: int) -> int:
    """The number of server errors, each shown."""
    broken, total = 0, Counter[int]()
    planned = [(seed, each, caller) for seed in seeds for each in operations(target) for caller in CALLERS]
    for seed, operation, caller in track(planned, "Fuzzing", console=console):
        try:
            total += fuzz(operation, target, caller, examples=examples, seed=seed)
        except AssertionError as error:
            broken += 1
            console.print(f"[red]seed {seed}[/] {str(error)[:500]}", highlight=False)
    by_class = Counter({f"{status // 100}xx": 0 for status in total})
    for status, count in total.items():
        by_class[f"{status // 100}xx"] += count
    counts = ", ".join(f"{name}: {count}" for name, count in sorted(by_class.items()))
    console.print(
        f"{sum(total.values())} requests, {len(planned) // len(seeds) // len(CALLERS)} operations, "
        f"{len(CALLERS)} callers, seeds {seeds}: {counts}; {broken} operations broke",
        highlight=False,
    )
    return broken


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
