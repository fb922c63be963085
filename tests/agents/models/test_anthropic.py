"""The production client against servers that speak the Messages API, with every fault that the SDK leaves to us."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from llmock.pytest_plugin import LLMock

from agents.models.anthropic import AnthropicModel, connect
from graphs.model import (
    Finished,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    ModelUnavailable,
    SearchResultPart,
    TextDelta,
    TextPart,
    ToolResultPart,
    ToolSpec,
    ToolUse,
    ToolUsePart,
    UnavailableReason,
    Usage,
)
from tests.fakes import messages_api
from tests.fakes.messages_api import (
    Endless,
    Events,
    MessagesApi,
    Status,
    ended,
    error,
    started,
    text_block,
    text_delta,
    text_start,
    tool_block,
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


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def api() -> AsyncIterator[MessagesApi]:
    async with messages_api.serving() as server:
        yield server


@pytest.fixture
async def model_at(time: Time) -> AsyncIterator[Callable[..., AnthropicModel]]:
    """Make models with the given deadlines; they are closed when the test ends."""
    made: list[AnthropicModel] = []

    def make(url: str, *, first_byte: timedelta | None = None, total: timedelta | None = None) -> AnthropicModel:
        made.append(
            AnthropicModel(
                connect(api_key="test", base_url=url),
                first_byte_s=(first_byte or timedelta(seconds=5)).total_seconds(),
                total_s=(total or timedelta(seconds=6)).total_seconds(),
                clock=time.clock,
                sleep=time.sleep,
                jitter=lambda: 0.0,
            )
        )
        return made[-1]

    yield make
    for model in made:
        await model.aclose()


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


async def test_text_is_streamed(llmock: LLMock, model_at: Callable[..., AnthropicModel]) -> None:
    llmock.reply("Your cart is saved.")
    events = await events_of(model_at(llmock.base_url("anthropic")))
    assert text_of(events) == "Your cart is saved."
    assert len(events) > 2
    assert isinstance(events[-1], Finished)
    assert (events[-1].stop, events[-1].model) == ("end_turn", "claude-haiku-5-5")


async def test_a_tool_call_comes_whole_and_last(llmock: LLMock, model_at: Callable[..., AnthropicModel]) -> None:
    llmock.call_tool("get_shipping", {"country": "DE"}, text="Let me look.")
    events = await events_of(model_at(llmock.base_url("anthropic")))
    assert text_of(events) == "Let me look."
    call, end = events[-2:]
    assert isinstance(call, ToolUse)
    assert (call.name, call.input) == ("get_shipping", {"country": "DE"})
    assert isinstance(end, Finished)
    assert end.stop == "tool_use"


async def test_several_tool_calls_keep_their_order(api: MessagesApi, model_at: Callable[..., AnthropicModel]) -> None:
    api.script(
        Events(
            [
                started(),
                *tool_block("get_shipping", '{"coun', 'try": "DE"}', index=0),
                *tool_block("get_cart", index=1),
                *ended("tool_use"),
            ]
        )
    )
    events = await events_of(model_at(api.url))
    assert events[:2] == [ToolUse("toolu_0", "get_shipping", {"country": "DE"}), ToolUse("toolu_1", "get_cart", {})]


async def test_the_wire_carries_cache_strict_tools_and_search_results(
    api: MessagesApi, model_at: Callable[..., AnthropicModel]
) -> None:
    api.script(Events([started(), *text_block("ok"), *ended("end_turn")]))
    history = (
        ModelMessage("user", (SearchResultPart("faq:1@2", "Shipping", "It costs 4.90."), TextPart("shipping?"))),
        ModelMessage("assistant", (TextPart(" "), ToolUsePart("t1", "get_shipping", {"country": "DE"}))),
        ModelMessage("user", (TextPart("hm"), ToolResultPart("t1", '{"ok": false}', is_error=True))),
    )
    request = ModelRequest(
        system="Be brief.", messages=history, max_tokens=9, purpose="plan", tools=(GET_SHIPPING,), output_schema=None
    )
    await events_of(model_at(api.url), request)
    (sent,) = api.requests
    assert sent["model"] == "claude-sonnet-5-5"
    assert sent["max_tokens"] == 9
    assert sent["stream"] is True
    assert sent["thinking"] == {"type": "disabled"}
    assert sent["system"] == [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    assert sent["tools"] == [
        {
            "name": "get_shipping",
            "description": "Shipping cost for a country.",
            "strict": True,
            "cache_control": {"type": "ephemeral"},
            "input_schema": {
                "type": "object",
                "properties": {"country": {"type": "string", "description": "{maxLength: 2}"}},
                "required": ["country"],
                "additionalProperties": False,
            },
        }
    ]
    assert sent["messages"] == [
        {
            "role": "user",
            "content": [
                {
                    "type": "search_result",
                    "source": "faq:1@2",
                    "title": "Shipping",
                    "content": [{"type": "text", "text": "It costs 4.90."}],
                },
                {"type": "text", "text": "shipping?"},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t1", "name": "get_shipping", "input": {"country": "DE"}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": '{"ok": false}', "is_error": True},
                {"type": "text", "text": "hm"},
            ],
        },
    ]
    assert "temperature" not in sent
    assert "output_config" not in sent


async def test_structured_output_is_asked_for(api: MessagesApi, model_at: Callable[..., AnthropicModel]) -> None:
    api.script(Events([started(), *text_block('{"cause":', '"PRICE"}'), *ended("end_turn")]))
    schema = {"type": "object", "properties": {"cause": {"type": "string"}}, "required": ["cause"]}
    request = ModelRequest(
        system="", messages=HELLO.messages, max_tokens=50, purpose="plan", output_schema=json.loads(json.dumps(schema))
    )
    events = await events_of(model_at(api.url), request)
    assert json.loads(text_of(events)) == {"cause": "PRICE"}
    assert api.requests[0]["output_config"] == {
        "format": {"type": "json_schema", "schema": {**schema, "additionalProperties": False}}
    }
    assert "tools" not in api.requests[0]
    assert "system" not in api.requests[0]


async def test_usage_counts_cached_tokens_apart(api: MessagesApi, model_at: Callable[..., AnthropicModel]) -> None:
    begin = started(input_tokens=20, cache_read=900, cache_write=300)
    api.script(Events([begin, *text_block("ok"), *ended("end_turn", output_tokens=7)]))
    events = await events_of(model_at(api.url))
    assert events[-1] == Finished("end_turn", Usage(20, 7, 900, 300), "claude-haiku-5-5")


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop_sequence", "end_turn"),
        ("max_tokens", "max_tokens"),
        ("model_context_window_exceeded", "max_tokens"),
        ("refusal", "refusal"),
    ],
)
async def test_stop_reasons_are_told(
    reason: str, stop: str, api: MessagesApi, model_at: Callable[..., AnthropicModel]
) -> None:
    api.script(Events([started(), *text_block("So far"), *ended(reason)]))
    events = await events_of(model_at(api.url))
    assert text_of(events) == "So far"
    assert isinstance(events[-1], Finished)
    assert events[-1].stop == stop


async def test_a_tool_call_cut_by_max_tokens_is_not_run(
    api: MessagesApi, model_at: Callable[..., AnthropicModel]
) -> None:
    half = tool_block("apply_discount", '{"reason": "TOO', index=1, closed=False)
    api.script(Events([started(), *text_block("Let me see."), *half, *ended("max_tokens")]))
    events = await events_of(model_at(api.url))
    assert [type(event) for event in events] == [TextDelta, Finished]


SCRIPTED_FAULTS: dict[str, tuple[Events | Status, str, str]] = {
    "cut politely before the stop reason": (Events([started(), *text_block("Half")]), "CUT_STREAM", "Half"),
    "cut politely after a tool call that looks ready": (
        Events([started(), *tool_block("get_shipping", '{"country": "DE"}')]),
        "CUT_STREAM",
        "",
    ),
    "connection broken in mid-stream": (Events([started(), *text_block("Half")], then="break"), "CUT_STREAM", "Half"),
    "no event at all": (Events([]), "CUT_STREAM", ""),
    "arguments that are no JSON": (
        Events([started(), *tool_block("get_shipping", '{"country": '), *ended("tool_use")]),
        "BAD_RESPONSE",
        "",
    ),
    "arguments that are no object": (
        Events([started(), *tool_block("get_shipping", '["DE"]'), *ended("tool_use")]),
        "BAD_RESPONSE",
        "",
    ),
    "a tool block that was never closed": (
        Events([started(), *tool_block("get_shipping", '{"country": "DE"}', closed=False), *ended("tool_use")]),
        "BAD_RESPONSE",
        "",
    ),
    "stopped for a tool without a tool": (Events([started(), *ended("tool_use")]), "BAD_RESPONSE", ""),
    "a stop reason of server tools": (Events([started(), *text_block("x"), *ended("pause_turn")]), "BAD_RESPONSE", "x"),
    "a stop reason from the future": (Events([started(), *text_block("x"), *ended("later")]), "BAD_RESPONSE", "x"),
    "an empty answer": (Events([started(), *ended("end_turn")]), "EMPTY_ANSWER", ""),
    "overloaded, said inside the stream": (Events([started(), error("overloaded_error")]), "OVERLOADED", ""),
    "overloaded after text": (
        Events([started(), *text_block("Half"), error("overloaded_error")]),
        "OVERLOADED",
        "Half",
    ),
    "rate limit, said inside the stream": (Events([started(), error("rate_limit_error")]), "RATE_LIMITED", ""),
    "401": (Status(401), "UNAUTHORIZED", ""),
    "403": (Status(403), "UNAUTHORIZED", ""),
    "400": (Status(400), "BAD_REQUEST", ""),
    "413": (Status(413), "BAD_REQUEST", ""),
    "429": (Status(429), "RATE_LIMITED", ""),
    "500": (Status(500), "OVERLOADED", ""),
    "529": (Status(529), "OVERLOADED", ""),
}
NOT_RETRIED = {"401", "403", "400", "413"}


@pytest.mark.parametrize("name", SCRIPTED_FAULTS)
async def test_every_fault_becomes_model_unavailable(
    name: str, api: MessagesApi, model_at: Callable[..., AnthropicModel]
) -> None:
    fault, reason, said = SCRIPTED_FAULTS[name]
    api.script(fault, fault, fault)
    text, failed = await failure_of(model_at(api.url))
    assert (text, failed.reason, failed.text_emitted) == (said, UnavailableReason(reason), bool(said))
    # What was streamed cannot be taken back, and a wrong key does not become right: those are not tried again.
    assert len(api.requests) == (1 if said or name in NOT_RETRIED else 3)
    assert failed.model == "claude-haiku-5-5"


async def test_a_second_attempt_answers_as_if_nothing_had_been(
    api: MessagesApi, time: Time, model_at: Callable[..., AnthropicModel]
) -> None:
    cut = Events([started(input_tokens=30), *tool_block("get_shipping", '{"country"')])
    api.script(cut, Events([started(input_tokens=30), *text_block("Hello."), *ended("end_turn", output_tokens=4)]))
    events = await events_of(model_at(api.url))
    assert text_of(events) == "Hello."
    assert events[-1] == Finished("end_turn", Usage(60, 5, 0, 0), "claude-haiku-5-5")
    assert time.slept == [0.125]


async def test_retry_after_is_honoured_inside_the_deadline(
    llmock: LLMock, time: Time, model_at: Callable[..., AnthropicModel]
) -> None:
    llmock.rate_limit(times=1, retry_after=2).reply("Back again.")
    events = await events_of(model_at(llmock.base_url("anthropic")))
    assert text_of(events) == "Back again."
    assert time.slept == [2.0]


async def test_a_retry_after_beyond_the_deadline_is_not_waited_for(
    llmock: LLMock, time: Time, model_at: Callable[..., AnthropicModel]
) -> None:
    llmock.rate_limit(times=1, retry_after=20)
    _, failed = await failure_of(model_at(llmock.base_url("anthropic")))
    assert failed.reason is UnavailableReason.RATE_LIMITED
    assert time.slept == []
    assert len(llmock.requests) == 1


async def test_what_is_left_of_the_turn_is_the_deadline(
    llmock: LLMock, time: Time, model_at: Callable[..., AnthropicModel]
) -> None:
    llmock.rate_limit(times=1, retry_after=2)
    hurried = ModelRequest(**{**HELLO.__dict__, "timeout_s": 1.5})
    _, failed = await failure_of(model_at(llmock.base_url("anthropic")), hurried)
    assert failed.reason is UnavailableReason.RATE_LIMITED
    assert time.slept == []


async def test_retries_back_off_and_end(api: MessagesApi, time: Time, model_at: Callable[..., AnthropicModel]) -> None:
    api.script(Status(529), Status(529), Status(529))
    _, failed = await failure_of(model_at(api.url))
    assert failed.reason is UnavailableReason.OVERLOADED
    assert time.slept == [0.125, 0.25]
    assert len(api.requests) == 3


async def test_nobody_listening_is_a_connection_failure(model_at: Callable[..., AnthropicModel]) -> None:
    async with messages_api.serving() as gone:
        url = gone.url
    _, failed = await failure_of(model_at(url))
    assert failed.reason is UnavailableReason.CONNECTION


async def test_a_slow_first_token_is_given_up(api: MessagesApi, model_at: Callable[..., AnthropicModel]) -> None:
    silent = Events([started()], then="hang")
    api.script(silent, silent, silent)
    _, failed = await failure_of(model_at(api.url, first_byte=timedelta(milliseconds=80)))
    assert failed.reason is UnavailableReason.TIMEOUT
    assert len(api.requests) == 3


async def test_a_stall_in_mid_stream_ends_at_the_deadline(
    api: MessagesApi, model_at: Callable[..., AnthropicModel]
) -> None:
    api.script(Events([started(input_tokens=12), *text_block("Half a sent")], then="hang"))
    said, failed = await failure_of(model_at(api.url, total=timedelta(milliseconds=150)))
    assert (said, failed.reason, failed.text_emitted) == ("Half a sent", UnavailableReason.TIMEOUT, True)
    assert failed.usage == Usage(input_tokens=12, output_tokens=1)


async def test_an_endless_stream_ends_at_the_deadline(api: MessagesApi) -> None:
    api.script(Endless([started(), text_start()], text_delta("la ")))
    model = AnthropicModel(connect(api_key="test", base_url=api.url), total_s=0.2)
    said, failed = await failure_of(model)
    await model.aclose()
    assert said.startswith("la la la ")
    assert failed.reason is UnavailableReason.TIMEOUT


@pytest.mark.parametrize(
    ("fault", "reason"), [("truncate", "CUT_STREAM"), ("disconnect", "CUT_STREAM"), ("corrupt", "BAD_RESPONSE")]
)
async def test_llmock_breaks_the_stream(
    fault: str, reason: str, llmock: LLMock, model_at: Callable[..., AnthropicModel]
) -> None:
    llmock.reply("One two three four five six.")
    getattr(llmock, fault)(after_chunks=5)
    said, failed = await failure_of(model_at(llmock.base_url("anthropic")))
    assert failed.reason is UnavailableReason(reason)
    assert said
    assert "One two three four five six.".startswith(said.rstrip())
    assert len(llmock.requests) == 1


async def test_malformed_arguments_never_become_a_call(llmock: LLMock, model_at: Callable[..., AnthropicModel]) -> None:
    llmock.call_tool("get_shipping", {"country": "DE"}, times=3).break_tool_call("malformed_arguments", times=3)
    _, failed = await failure_of(model_at(llmock.base_url("anthropic")))
    assert failed.reason is UnavailableReason.BAD_RESPONSE


async def test_events_of_unknown_shape_are_passed_over(
    api: MessagesApi, model_at: Callable[..., AnthropicModel]
) -> None:
    strange: list[object] = [
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0},
        {"type": "content_block_start", "index": 4},
        {"type": "content_block_delta", "index": 9, "delta": {"type": "input_json_delta", "partial_json": "{"}},
        {"type": "content_block_stop", "index": 9},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
    ]
    api.script(Events([started(), *json.loads(json.dumps(strange)), *text_block("Hello."), *ended("end_turn")]))
    assert text_of(await events_of(model_at(api.url))) == "Hello."


async def test_a_reader_who_leaves_closes_the_connection(
    api: MessagesApi, model_at: Callable[..., AnthropicModel]
) -> None:
    api.script(Endless([started(), text_start()], text_delta("la ")))
    async with aclosing(model_at(api.url).stream(HELLO)) as events:
        assert isinstance(await anext(events), TextDelta)
    # The fake sends until its connection is closed: that the test ends says that it was.
