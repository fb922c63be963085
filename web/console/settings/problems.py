"""What the config's own model says is wrong, as sentences beside the settings that it is about: pure."""

from collections.abc import Iterable, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from web.console.settings.difference import Path


def problems_of(error: ValidationError, paths: Iterable[Path]) -> dict[Path, str]:
    """One sentence for each place that is wrong: a setting of `paths`, or a part of the config above several."""
    known = set(paths)
    found: dict[Path, str] = {}
    for each in error.errors():
        place = tuple(part for part in each["loc"] if isinstance(part, str))
        while place and place not in known and not any(path[: len(place)] == place for path in known):
            place = place[:-1]
        found.setdefault(place, _numbered(each))
    return found


def _numbered(error: ErrorDetails) -> str:
    """Of a list, which entry is meant."""
    number = next((part for part in error["loc"] if isinstance(part, int)), None)
    sentence = sentence_of(error)
    if "[key]" in error["loc"]:
        return "A currency and an amount on each line, such as EUR 120."
    return sentence if number is None else f"Entry {number + 1}: {sentence}"


_NOT_A_NUMBER = {"decimal_type", "int_type", "float_type", "decimal_parsing", "int_parsing", "float_parsing"}


def sentence_of(error: ErrorDetails) -> str:
    bound: Mapping[str, object] = error.get("ctx", {})
    match error["type"]:
        case "less_than_equal":
            return f"At most {bound['le']}."
        case "less_than":
            return f"Less than {bound['lt']}."
        case "greater_than_equal":
            return f"At least {bound['ge']}."
        case "int_from_float":
            return "A whole number."
        case "decimal_max_places":
            return f"At most {bound['decimal_places']} places after the point."
        case "string_too_short":
            return "This may not be empty."
        case "string_too_long":
            return f"At most {bound['max_length']} characters."
        case "string_pattern_mismatch":
            return "A number with its country, such as +15035550100."
        case kind if kind in _NOT_A_NUMBER:
            return "Enter a number."
        case "value_error":
            sentence = error["msg"].removeprefix("Value error, ")
            return sentence[:1].upper() + sentence[1:].rstrip(".") + "."
    return error["msg"].rstrip(".") + "."
