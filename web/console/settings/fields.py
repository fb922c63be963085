"""What there is to set, read from a config's model: each setting with its kind and bounds."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from web.console.settings.difference import Path


class Kind(StrEnum):
    SWITCH = "SWITCH"
    WHOLE = "WHOLE"
    DECIMAL = "DECIMAL"
    TEXT = "TEXT"
    CHOICE = "CHOICE"
    # Some of a few.
    CHOICES = "CHOICES"
    # Any number of lines of text.
    LINES = "LINES"
    # An amount in the shop's currency, or no limit.
    BUDGET = "BUDGET"
    # An amount for each of any number of currencies.
    AMOUNTS = "AMOUNTS"
    # Any number of objects of one model.
    ITEMS = "ITEMS"


@dataclass(frozen=True)
class Setting:
    """`path` is by alias, as in JSON. `inner` are the settings of an item of ITEMS."""

    path: Path
    kind: Kind
    optional: bool = False
    least: float | None = None
    most: float | None = None
    longest: int | None = None
    choices: tuple[str, ...] = ()
    inner: tuple["Setting", ...] = ()
    # What an empty text stands for.
    empty: str | None = ""


def settings_of(model: type[BaseModel], *, at: Path = ()) -> Iterator[Setting]:
    """Every setting that can be set; one that its type fixes to a single value cannot."""
    for name, info in model.model_fields.items():
        path = (*at, info.alias or name)
        annotation = info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from settings_of(annotation, at=path)
        elif (setting := _setting(path, annotation, list(info.metadata))) is not None:
            yield setting


def _setting(path: Path, annotation: object, metadata: list[object]) -> Setting | None:
    nothing = type(None) in get_args(annotation)
    annotation, metadata, optional = _unwrapped(annotation, metadata)
    origin, arguments = get_origin(annotation), get_args(annotation)
    numbers = _bounds(metadata)
    if annotation is bool:
        return Setting(path, Kind.SWITCH)
    if annotation is int:
        return Setting(path, Kind.WHOLE, optional, *numbers)
    if annotation in (Decimal, float):
        return Setting(path, Kind.DECIMAL, optional, *numbers)
    if annotation is str:
        longest = next((each.max_length for each in metadata if isinstance(each, MaxLen)), None)
        return Setting(path, Kind.TEXT, optional, longest=longest, empty=None if nothing else "")
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return Setting(path, Kind.CHOICE, optional, choices=tuple(each.value for each in annotation))
    if origin is Literal:
        return None if len(arguments) == 1 else Setting(path, Kind.CHOICE, optional, choices=tuple(map(str, arguments)))
    if origin is dict:
        return Setting(path, Kind.BUDGET if optional else Kind.AMOUNTS, optional)
    if origin in (tuple, frozenset):
        return _several(path, arguments[0])
    raise TypeError(f"no control for {'.'.join(path)}: {annotation}")


def _several(path: Path, item: object) -> Setting:
    item, _, _ = _unwrapped(item, [])
    if isinstance(item, type) and issubclass(item, BaseModel):
        return Setting(path, Kind.ITEMS, inner=tuple(settings_of(item)))
    if get_origin(item) is Literal:
        return Setting(path, Kind.CHOICES, choices=tuple(str(each) for each in get_args(item)))
    return Setting(path, Kind.LINES)


def _unwrapped(annotation: object, metadata: list[object]) -> tuple[object, list[object], bool]:
    """Without Annotated, and without None or an empty text as the other choice."""
    optional = False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            for each in more:
                metadata += each.metadata if isinstance(each, FieldInfo) else [each]
        elif get_origin(annotation) in (Union, UnionType):
            kept = [each for each in get_args(annotation) if each is not type(None) and each != Literal[""]]
            annotation, optional = kept[0], True
        else:
            return annotation, metadata, optional


def _bounds(metadata: list[object]) -> tuple[float | None, float | None]:
    least = most = None
    for each in metadata:
        match each:
            case Ge(ge=bound) | Gt(gt=bound):
                least = float(str(bound))
            case Le(le=bound) | Lt(lt=bound):
                most = float(str(bound))
    return least, most
