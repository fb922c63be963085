"""All benchmarks are imported; the one without other processes runs at its smallest. No time is asserted."""

from importlib import import_module
from pkgutil import walk_packages

import pytest

import benchmarks
from benchmarks import search
from benchmarks.__main__ import TITLES

MODULES = [
    each.name for each in walk_packages(benchmarks.__path__, "benchmarks.") if not each.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_what_it_calls_is_there(name: str) -> None:
    import_module(name)


@pytest.mark.parametrize("name", TITLES)
def test_it_can_be_started(name: str) -> None:
    assert callable(import_module(f"benchmarks.{name}").run)


def test_search_finds_what_is_nearest() -> None:
    found = search.run(full=False, tiny=True)
    assert [figure.ours for figure in found if figure.what.startswith("recall@5")] == [1.0]
