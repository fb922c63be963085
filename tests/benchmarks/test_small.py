"""All benchmarks are imported; those that are quick run at their smallest. No time is asserted."""

from importlib import import_module
from pkgutil import walk_packages

import pytest

import benchmarks
from benchmarks import chat, http, load, search
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


def test_a_turn_is_answered_whole_by_each_contestant() -> None:
    assert all(figure.ours > 0 for figure in chat.run(full=False, tiny=True))


def test_reads_and_writes_over_http_are_counted() -> None:
    assert all(figure.ours > 0 for figure in http.run(full=False, tiny=True))


def test_fifty_shoppers_are_answered() -> None:
    found = {figure.what: figure for figure in load.run(full=False, tiny=True)}
    assert found["errors"].ours == 0
    assert all(figure.ours > 0 for what, figure in found.items() if what != "errors")
