"""The switch from a failing provider to the offline responder."""

import json
from contextlib import aclosing

import pytest

from agents.models.breaker import CircuitBreaker
from agents.models.fallback import FallbackModel
from agents.models.offline import OfflineModel
from agents.models.offline_intents import IntentClassifier
from graphs.model import (
    Finished,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    ModelUnavailable,
    SearchResultPart,
    SwitchedModel,
    TextDelta,
    TextPart,
    ToolResultPart,
    ToolUse,
    ToolUsePart,
    UnavailableReason,
    Usage,
)
from tests.agents.models.tools import TOOLS
from tests.fakes.models import Scripted, ScriptedModel

DONE = Finished("end_turn", Usage(10, 5), "claude-haiku-5-5")
SHIPPING = SearchResultPart("faq:1@1", "Shipping", "Shipping\nWe ship on weekdays. Parcels are tracked.")


def down(reason: str = "OVERLOADED", *, said: bool = False, usage: Usage | None = None) -> ModelUnavailable:
    return ModelUnavailable(
        UnavailableReason(reason), model="claude-haiku-5-5", text_emitted=said, usage=usage or Usage(7, 1)
    )


def asking(text: str, *parts: SearchResultPart, schema: bool = False) -> ModelRequest:
    return ModelRequest(
        system="",
        messages=(ModelMessage("user", (*parts, TextPart(text))),),
        max_tokens=100,
        purpose="chat",
        tools=TOOLS,
        output_schema={"type": "object"} if schema else None,
    )


class Turned:
    """A fallback over a scripted primary, with a clock that the test moves."""

    def __init__(self, classifier: IntentClassifier, *scripts: list[Scripted]) -> None:
        self.seconds = 0.0
        self.primary = ScriptedModel(*scripts)
        self.breaker = CircuitBreaker(failures=2, window_s=30, cool_down_s=20, clock=lambda: self.seconds)
        self.model = FallbackModel(self.primary, OfflineModel(classifier), breaker=self.breaker)

    async def __call__(self, request: ModelRequest) -> list[ModelEvent]:
        async with aclosing(self.model.stream(request)) as events:
            return [event async for event in events]


def switched(reason: str, usage: Usage | None = None) -> SwitchedModel:
    return SwitchedModel("offline", UnavailableReason(reason), "claude-haiku-5-5", usage or Usage(7, 1))


async def test_a_healthy_primary_is_passed_on_unchanged(classifier: IntentClassifier) -> None:
    script: list[Scripted] = [
        TextDelta("Hi"),
        ToolUse("t1", "get_cart", {}),
        Finished("tool_use", Usage(1, 2), "claude-haiku-5-5"),
    ]
    turn = Turned(classifier, script)
    assert await turn(asking("what is in my cart?")) == script


async def test_a_failure_before_any_text_is_answered_offline(classifier: IntentClassifier) -> None:
    events = await Turned(classifier, [down()])(asking("hello!"))
    assert events == [
        switched("OVERLOADED"),
        TextDelta("Hello! "),
        TextDelta("What would you like to know? "),
        Finished("end_turn", Usage(), "offline"),
    ]


async def test_a_drop_in_mid_stream_keeps_what_was_said_and_does_not_say_it_twice(
    classifier: IntentClassifier,
) -> None:
    said: list[Scripted] = [TextDelta("We ship on weekdays. "), TextDelta("Parcels ar"), down("CUT_STREAM", said=True)]
    events = await Turned(classifier, said)(asking("when does my parcel arrive?", SHIPPING))
    assert events == [
        TextDelta("We ship on weekdays. "),
        TextDelta("Parcels ar"),
        switched("CUT_STREAM"),
        TextDelta("Parcels are tracked. "),
        Finished("end_turn", Usage(), "offline"),
    ]


async def test_a_refusal_is_answered_offline_and_its_cost_is_told(classifier: IntentClassifier) -> None:
    refused = Finished("refusal", Usage(30, 3), "claude-haiku-5-5")
    turn = Turned(classifier, [refused])
    events = await turn(asking("thanks"))
    assert events == [switched("REFUSED", Usage(30, 3)), TextDelta("You're welcome! "), events[-1]]
    assert turn.breaker.state == "closed"


async def test_the_breaker_opens_and_a_probe_closes_it(classifier: IntentClassifier) -> None:
    turn = Turned(classifier, [down()], [down("TIMEOUT")], [TextDelta("Back."), DONE])
    hello = asking("hello!")
    await turn(hello)
    await turn(hello)
    events = await turn(hello)
    assert events[0] == SwitchedModel("offline", UnavailableReason.CIRCUIT_OPEN, "scripted")
    assert len(turn.primary.requests) == 2
    turn.seconds = 20
    assert await turn(hello) == [TextDelta("Back."), DONE]
    assert turn.breaker.state == "closed"


async def test_wrong_credentials_open_the_breaker_at_once(classifier: IntentClassifier) -> None:
    turn = Turned(classifier, [down("UNAUTHORIZED")])
    await turn(asking("hello!"))
    assert turn.breaker.state == "open"


async def test_a_bad_request_says_nothing_about_the_provider(classifier: IntentClassifier) -> None:
    turn = Turned(classifier, [down("BAD_REQUEST")], [down("BAD_REQUEST")], [DONE])
    for _ in range(2):
        events = await turn(asking("hello!"))
        assert events[0] == switched("BAD_REQUEST")
    assert turn.breaker.state == "closed"


async def test_a_reader_who_leaves_gives_the_probe_back(classifier: IntentClassifier) -> None:
    turn = Turned(classifier, [down()], [down()], [TextDelta("Bac"), TextDelta("k."), DONE], [DONE])
    await turn(asking("hello!"))
    await turn(asking("hello!"))
    turn.seconds = 20
    async with aclosing(turn.model.stream(asking("hello!"))) as events:
        assert await anext(events) == TextDelta("Bac")
    assert turn.breaker.state == "half_open"
    assert await turn(asking("hello!")) == [DONE]


async def test_structured_output_has_no_offline_form(classifier: IntentClassifier) -> None:
    turn = Turned(classifier, [down()], [down()])
    for reason in ("OVERLOADED", "OVERLOADED", "CIRCUIT_OPEN"):
        with pytest.raises(ModelUnavailable) as failed:
            await turn(asking("plan", schema=True))
        assert failed.value.reason == reason
    assert len(turn.primary.requests) == 2


async def test_calls_made_offline_are_finished_offline(classifier: IntentClassifier) -> None:
    turn = Turned(classifier, [down()])
    first = asking("what is in my cart?")
    _, call, _ = await turn(first)
    assert isinstance(call, ToolUse)
    result = json.dumps({"ok": True, "say": "Your cart has a mug."})
    second = ModelRequest(
        **{
            **first.__dict__,
            "messages": (
                *first.messages,
                ModelMessage("assistant", (ToolUsePart(call.id, call.name, call.input),)),
                ModelMessage("user", (ToolResultPart(call.id, result),)),
            ),
        }
    )
    assert await turn(second) == [TextDelta("Your cart has a mug. "), Finished("end_turn", Usage(), "offline")]
    assert len(turn.primary.requests) == 1
