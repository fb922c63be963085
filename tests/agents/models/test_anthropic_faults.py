"""The production client against a provider that fails in every way that the SDK leaves to us."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from llmock.pytest_plugin import LLMock

from agents.models.anthropic import AnthropicModel, connect
from graphs.model import (
    Finished,
    ModelRequest,
    UnavailableReason,
    Usage,
)
from tests.agents.models.provider import HELLO, Time, events_of, failure_of, text_of
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
