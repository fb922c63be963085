"""What differs between two configs, and how two people's changes of one config go together: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

Path: TypeAlias = tuple[str, ...]
Flat: TypeAlias = dict[Path, JsonValue]


@dataclass(frozen=True)
class Change:
    """One setting, before and after; None where it was not set."""

    path: Path
    before: JsonValue
    after: JsonValue


def flatten(config: Mapping[str, JsonValue], *, at: Path = ()) -> Flat:
    """Each setting by its path. Lists are one setting; an object that is empty is one too."""
    flat: Flat = {}
    for name, value in config.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, at=(*at, name))
        else:
            flat[*at, name] = value
    return flat


def changes(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> list[Change]:
    """What differs, in the order of the later config."""
    old, new = flatten(before), flatten(after)
    paths = [*new, *(path for path in old if path not in new)]
    return [Change(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)]


@dataclass(frozen=True)
class Merged:
    """`flat` has both sides' changes; where both changed one setting differently, mine, and it is in `clashes`."""

    flat: Flat
    clashes: frozenset[Path]


def merge(base: Flat, mine: Flat, theirs: Flat) -> Merged:
    """Put the changes from `base` to `mine` on top of `theirs`."""
    changed = {path: value for path, value in mine.items() if base.get(path) != value}
    clashes = frozenset(
        path for path, value in changed.items() if theirs.get(path) != base.get(path) and theirs.get(path) != value
    )
    return Merged(theirs | changed, clashes)
