"""Reads one streamed answer of the Messages API and decides at its end whether it is whole.

The SDK raises nothing for a stream that ends politely too early, and hands out tool inputs that are partial.
So nothing of a tool call is believed before the stop reason has arrived.
"""

import json
from dataclasses import dataclass, field

from anthropic.types import (
    InputJSONDelta,
    Message,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStreamEvent,
    StopReason,
    ToolUseBlock,
)
from anthropic.types import TextDelta as TextDeltaBlock
from anthropic.types.raw_message_delta_event import Delta
from pydantic import JsonValue, TypeAdapter, ValidationError

from graphs.model import Stop, ToolUse, UnavailableReason, Usage

_JSON_OBJECT = TypeAdapter(dict[str, JsonValue])


class BrokenAnswer(Exception):
    """The stream has ended and its answer cannot be used."""

    def __init__(self, reason: UnavailableReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class _ToolBlock:
    id: str
    name: str
    json: str = ""
    closed: bool = False


@dataclass
class StreamedAnswer:
    """What has arrived of one answer. Events of an unknown or wrong shape are passed over."""

    started: bool = False
    text_emitted: bool = False
    stop_reason: StopReason | None = None
    usage: Usage = field(default_factory=Usage)
    _tools: dict[int, _ToolBlock] = field(default_factory=dict)

    def feed(self, event: RawMessageStreamEvent) -> str:
        """Take in one event; the text that it adds, or an empty string."""
        match event:
            case RawMessageStartEvent(message=Message() as message):
                self._count(message.usage)
            case RawContentBlockStartEvent(
                index=int(index), content_block=ToolUseBlock(id=str(call_id), name=str(name))
            ):
                self.started = True
                self._tools[index] = _ToolBlock(id=call_id, name=name)
            case RawContentBlockDeltaEvent(delta=TextDeltaBlock(text=str(text))):
                self.started = True
                self.text_emitted = self.text_emitted or bool(text)
                return text
            case RawContentBlockDeltaEvent(index=int(index), delta=InputJSONDelta(partial_json=str(piece))):
                if index in self._tools:
                    self._tools[index].json += piece
            case RawContentBlockStopEvent(index=int(index)):
                if index in self._tools:
                    self._tools[index].closed = True
            case RawMessageDeltaEvent(delta=Delta(stop_reason=reason)):
                self.stop_reason = reason
                self._count(getattr(event, "usage", None))
            case _:
                pass
        return ""

    def finish(self) -> tuple[Stop, tuple[ToolUse, ...]]:
        """The stop reason and the tool calls of a whole answer; raises BrokenAnswer for any other."""
        stop = _stop(self.stop_reason)
        tools = tuple(_tool_use(block) for block in self._tools.values()) if stop == "tool_use" else ()
        if stop == "tool_use" and not tools:
            raise BrokenAnswer(UnavailableReason.BAD_RESPONSE)
        if stop in ("end_turn", "max_tokens") and not self.text_emitted:
            raise BrokenAnswer(UnavailableReason.EMPTY_ANSWER)
        return stop, tools

    def _count(self, usage: object) -> None:
        """Counts in the stream are cumulative; the last event may leave out those of the input."""

        def latest(name: str, before: int) -> int:
            value = getattr(usage, name, None)
            return value if isinstance(value, int) else before

        self.usage = Usage(
            input_tokens=latest("input_tokens", self.usage.input_tokens),
            output_tokens=latest("output_tokens", self.usage.output_tokens),
            cache_read_tokens=latest("cache_read_input_tokens", self.usage.cache_read_tokens),
            cache_write_tokens=latest("cache_creation_input_tokens", self.usage.cache_write_tokens),
        )


def _stop(reason: StopReason | None) -> Stop:
    match reason:
        case None:
            raise BrokenAnswer(UnavailableReason.CUT_STREAM)
        case "end_turn" | "stop_sequence":
            return "end_turn"
        case "tool_use":
            return "tool_use"
        case "max_tokens" | "model_context_window_exceeded":
            return "max_tokens"
        case "refusal":
            return "refusal"
        case _:  # "pause_turn" is for server tools; the SDK lets unknown reasons through
            raise BrokenAnswer(UnavailableReason.BAD_RESPONSE)


def _tool_use(block: _ToolBlock) -> ToolUse:
    if not block.closed:
        raise BrokenAnswer(UnavailableReason.BAD_RESPONSE)
    try:
        arguments = _JSON_OBJECT.validate_python(json.loads(block.json or "{}"))
    except (json.JSONDecodeError, ValidationError) as error:
        raise BrokenAnswer(UnavailableReason.BAD_RESPONSE) from error
    return ToolUse(id=block.id, name=block.name, input=arguments)
