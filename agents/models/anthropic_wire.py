"""A ModelRequest as the Messages API takes it (docs.anthropic.com, Messages)."""

from collections.abc import Iterator, Mapping
from typing import assert_never

from anthropic import transform_schema
from anthropic.types import (
    CacheControlEphemeralParam,
    ContentBlockParam,
    MessageParam,
    OutputConfigParam,
    TextBlockParam,
    ToolParam,
)
from pydantic import JsonValue

from graphs.model import (
    ModelMessage,
    Part,
    SearchResultPart,
    TextPart,
    ToolResultPart,
    ToolSpec,
    ToolUsePart,
)

_CACHE: CacheControlEphemeralParam = {"type": "ephemeral"}


def system_blocks(system: str) -> list[TextBlockParam]:
    """The prompt as one cached block: tools come before it in the prefix, so the cache holds both."""
    return [{"type": "text", "text": system, "cache_control": _CACHE}] if system else []


def tool_param(tool: ToolSpec) -> ToolParam:
    """A strict tool: the provider samples only inputs that fit the schema.

    Strict schemas know fewer keywords; the others move into the descriptions, and our dispatcher checks them.
    """
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": transform_schema(dict(tool.input_schema)),
        "strict": True,
    }


def cached_to_here(tools: list[ToolParam]) -> list[ToolParam]:
    """Mark the last tool, so that the tools stay cached when the prompt behind them changes."""
    return [*tools[:-1], {**tools[-1], "cache_control": _CACHE}] if tools else []


def output_config(schema: Mapping[str, JsonValue]) -> OutputConfigParam:
    return {"format": {"type": "json_schema", "schema": transform_schema(dict(schema))}}


def message_params(messages: tuple[ModelMessage, ...]) -> list[MessageParam]:
    """The history, with tool results first in their message and without empty texts, as the API demands."""
    wire: list[MessageParam] = []
    for message in messages:
        parts = sorted(message.parts, key=lambda part: not isinstance(part, ToolResultPart))
        content = list(_blocks(parts))
        if not content:
            continue
        if message.role == "user":
            wire.append({"role": "user", "content": content})
        else:
            wire.append({"role": "assistant", "content": content})
    return wire


def _blocks(parts: list[Part]) -> Iterator[ContentBlockParam]:
    for part in parts:
        match part:
            case TextPart():
                if part.text.strip():
                    yield {"type": "text", "text": part.text}
            case ToolUsePart():
                yield {"type": "tool_use", "id": part.id, "name": part.name, "input": dict(part.input)}
            case ToolResultPart():
                yield {
                    "type": "tool_result",
                    "tool_use_id": part.tool_use_id,
                    "content": part.content,
                    "is_error": part.is_error,
                }
            case SearchResultPart():
                yield {
                    "type": "search_result",
                    "source": part.source,
                    "title": part.title,
                    "content": [{"type": "text", "text": part.text}],
                }
            case _:
                assert_never(part)
