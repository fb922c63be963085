"""Differences and merges of configs, against an oracle that decides setting by setting."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from web.console.settings.difference import Change, changes, flatten, merge

names = st.sampled_from(["a", "b", "c"])
leaves = st.integers(0, 2) | st.lists(st.integers(0, 1), max_size=2)
configs = st.recursive(st.dictionaries(names, leaves, max_size=3), lambda inner: st.dictionaries(names, leaves | inner))
paths = st.tuples(names, names)
flats = st.fixed_dictionaries({(one, two): st.integers(0, 2) for one in "ab" for two in "ab"})


def test_changes_name_what_differs_and_nothing_else() -> None:
    before: dict[str, JsonValue] = {"offers": {"caps": {"chat": 10, "voice": 30}}, "skus": ["a"], "gone": 1}
    after: dict[str, JsonValue] = {"offers": {"caps": {"chat": 7, "voice": 30}}, "skus": ["a", "b"], "new": {"x": True}}
    assert changes(before, after) == [
        Change(("offers", "caps", "chat"), 10, 7),
        Change(("skus",), ["a"], ["a", "b"]),
        Change(("new", "x"), None, True),
        Change(("gone",), 1, None),
    ]


@given(config=configs)
def test_a_config_does_not_differ_from_itself(config: dict[str, object]) -> None:
    assert changes(config, config) == []  # type: ignore[arg-type]  # JSON by construction


@given(before=configs, after=configs)
def test_every_difference_is_seen_from_both_sides(before: dict[str, object], after: dict[str, object]) -> None:
    forth = {(each.path, str(each.before), str(each.after)) for each in changes(before, after)}  # type: ignore[arg-type]
    back = {(each.path, str(each.after), str(each.before)) for each in changes(after, before)}  # type: ignore[arg-type]
    assert forth == back


@given(base=flats, mine=flats, theirs=flats)
def test_a_merge_loses_nobodys_change(base, mine, theirs) -> None:  # type: ignore[no-untyped-def]
    merged = merge(base, mine, theirs)
    for path in base:
        i_changed, they_changed = mine[path] != base[path], theirs[path] != base[path]
        wanted = mine[path] if i_changed else theirs[path]
        assert merged.flat[path] == wanted
        assert (path in merged.clashes) == (i_changed and they_changed and mine[path] != theirs[path])


def test_lists_and_empty_objects_are_one_setting() -> None:
    assert flatten({"a": [1, 2], "b": {}, "c": {"d": {"e": None}}}) == {
        ("a",): [1, 2],
        ("b",): {},
        ("c", "d", "e"): None,
    }
