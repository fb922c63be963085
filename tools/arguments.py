"""What a model sends as arguments may be anything that JSON can say: what of it is read, and what of it is kept."""

import math
from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from policy.redaction.rules import redact

MOST_CHARACTERS: Final = 20_000
MOST_VALUES: Final = 500
DEEPEST: Final = 8
LARGEST_INTEGER: Final = 10**18
KEPT_OF_UNUSABLE: Final = 500


def unusable(arguments: Mapping[str, JsonValue]) -> str | None:
    """Why nothing is done with these arguments; None where they can be read and stored."""
    characters, values = 0, 0
    waiting: list[tuple[JsonValue, int]] = [(dict(arguments), 0)]
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if depth > DEEPEST or values > MOST_VALUES or characters > MOST_CHARACTERS:
            return "too large or too deep"
        match value:
            case str():
                characters += len(value)
                if plain_text(value) != value:
                    return "text with NUL or unpaired surrogates"
            case float() if not math.isfinite(value):
                return "a number that is none"
            case int() if abs(value) > LARGEST_INTEGER:
                return "a number beyond all amounts"
            case list():
                waiting += [(each, depth + 1) for each in value]
            case dict():
                waiting += [(key, depth + 1) for key in value]
                waiting += [(each, depth + 1) for each in value.values()]
    return "too large or too deep" if characters > MOST_CHARACTERS else None


def storable(arguments: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The arguments without card numbers; of what cannot be stored as it is, the beginning as text."""
    if (problem := unusable(arguments)) is None:
        return {redact(key).text: _redacted(value) for key, value in arguments.items()}
    shown = redact(plain_text(_beginning(arguments))).text
    return {"unusable": problem, "beginning": shown}


def plain_text(text: str) -> str:
    """What a database can hold as text."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _redacted(value: JsonValue) -> JsonValue:
    match value:
        case str():
            return redact(value).text
        case int() if not isinstance(value, bool):
            return redact(str(value)).text if redact(str(value)).found else value
        case list():
            return [_redacted(each) for each in value]
        case dict():
            return {redact(key).text: _redacted(each) for key, each in value.items()}
        case _:
            return value


def _beginning(arguments: Mapping[str, JsonValue]) -> str:
    """The texts at the top, as far as they fit; numbers and what is nested say nothing here."""
    texts = [f"{key}: {value}" for key, value in arguments.items() if isinstance(value, str)]
    return "; ".join(text[:KEPT_OF_UNUSABLE] for text in texts)[:KEPT_OF_UNUSABLE]
