"""What a graph needs of a language model. Implementations live in `agents/models/` and are passed in."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

from pydantic import JsonValue

Purpose: TypeAlias = Literal["chat", "plan", "voice"]
Stop: TypeAlias = Literal["end_turn", "tool_use", "max_tokens", "refusal"]


@dataclass(frozen=True)
class ToolSpec:
    """A tool that is offered in this request; `description` is prompt text, `input_schema` is JSON Schema."""

    name: str
    description: str
    input_schema: Mapping[str, JsonValue]


@dataclass(frozen=True)
class TextPart:
    text: str


@dataclass(frozen=True)
class ToolUsePart:
    id: str
    name: str
    input: Mapping[str, JsonValue]


@dataclass(frozen=True)
class ToolResultPart:
    """What a tool answered: JSON text, {"ok": true, …} or {"ok": false, "code": …, "say": …}."""

    tool_use_id: str
    content: str
    is_error: bool = False


@dataclass(frozen=True)
class SearchResultPart:
    """A passage that was retrieved for this turn; it stands in the last user message."""

    source: str
    title: str
    text: str


Part: TypeAlias = TextPart | ToolUsePart | ToolResultPart | SearchResultPart


@dataclass(frozen=True)
class ModelMessage:
    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class ModelRequest:
    """One model call.

    `output_schema` asks for a single JSON object as text (structured output). `timeout_s` is what is left
    of the turn; without it the model's own deadline holds alone.
    """

    system: str
    messages: tuple[ModelMessage, ...]
    max_tokens: int
    purpose: Purpose
    tools: tuple[ToolSpec, ...] = ()
    output_schema: Mapping[str, JsonValue] | None = None
    timeout_s: float | None = None


@dataclass(frozen=True)
class Usage:
    """Tokens, as the provider bills them: the four kinds do not overlap."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
        )


NO_USAGE = Usage()


@dataclass(frozen=True)
class TextDelta:
    text: str


@dataclass(frozen=True)
class ToolUse:
    """A finished tool call: emitted only after the whole answer arrived with stop reason "tool_use"."""

    id: str
    name: str
    input: Mapping[str, JsonValue]


@dataclass(frozen=True)
class Finished:
    """The last event of every stream that did not raise; `model` is the name to bill and to show."""

    stop: Stop
    usage: Usage
    model: str


class UnavailableReason(StrEnum):
    TIMEOUT = "TIMEOUT"
    RATE_LIMITED = "RATE_LIMITED"
    OVERLOADED = "OVERLOADED"
    UNAUTHORIZED = "UNAUTHORIZED"
    BAD_REQUEST = "BAD_REQUEST"
    CONNECTION = "CONNECTION"
    CUT_STREAM = "CUT_STREAM"
    BAD_RESPONSE = "BAD_RESPONSE"
    EMPTY_ANSWER = "EMPTY_ANSWER"
    REFUSED = "REFUSED"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    UNSUPPORTED = "UNSUPPORTED"


@dataclass(frozen=True)
class SwitchedModel:
    """From here on another model speaks.

    Drop the sentence that was not finished; keep those that were. `usage` is what the failed model is
    known to have used, billed under `failed_model`.
    """

    name: str
    reason: UnavailableReason
    failed_model: str
    usage: Usage = NO_USAGE


ModelEvent: TypeAlias = TextDelta | ToolUse | SwitchedModel | Finished


class ModelUnavailable(Exception):
    """The model gave no complete answer. `text_emitted` says whether some of it has already been streamed."""

    def __init__(
        self, reason: UnavailableReason, *, model: str, text_emitted: bool = False, usage: Usage = NO_USAGE
    ) -> None:
        super().__init__(f"{model}: {reason}")
        self.reason = reason
        self.model = model
        self.text_emitted = text_emitted
        self.usage = usage


class Model(Protocol):
    """A stream is text deltas, then tool calls, then exactly one `Finished`, or it raises ModelUnavailable.

    Read it inside `contextlib.aclosing`, so that a turn that is cancelled also ends the provider's stream.
    """

    @property
    def name(self) -> str: ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]: ...
