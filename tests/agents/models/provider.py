"""What the tests of the production client share: a request, a clock that moves by sleeping, what a stream came to."""

from contextlib import aclosing
from dataclasses import dataclass, field

from agents.models.anthropic import AnthropicModel
from graphs.model import (
    ModelEvent,
    ModelMessage,
    ModelRequest,
    ModelUnavailable,
    TextDelta,
    TextPart,
    ToolSpec,
)

GET_SHIPPING = ToolSpec(
    "get_shipping",
    "Shipping cost for a country.",
    {
        "type": "object",
        "properties": {"country": {"type": "string", "maxLength": 2}},
        "required": ["country"],
        "additionalProperties": False,
    },
)
HELLO = ModelRequest(
    system="You help in a shop.",
    messages=(ModelMessage("user", (TextPart("hi"),)),),
    max_tokens=200,
    purpose="chat",
    tools=(GET_SHIPPING,),
)


@dataclass
class Time:
    """A clock that moves only when somebody sleeps."""

    seconds: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


async def events_of(model: AnthropicModel, request: ModelRequest = HELLO) -> list[ModelEvent]:
    async with aclosing(model.stream(request)) as events:
        return [event async for event in events]


async def failure_of(model: AnthropicModel, request: ModelRequest = HELLO) -> tuple[str, ModelUnavailable]:
    """What was said before the model failed, and how it failed; no tool call ever comes with a failure."""
    said = ""
    try:
        async with aclosing(model.stream(request)) as events:
            async for event in events:
                assert isinstance(event, TextDelta)
                said += event.text
    except ModelUnavailable as failed:
        return said, failed
    raise AssertionError("the model answered")


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
