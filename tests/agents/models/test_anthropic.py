"""The production client against servers that speak the Messages API, with every fault that the SDK leaves to us."""

import json
from collections.abc import Callable
from contextlib import aclosing

import pytest
from llmock.pytest_plugin import LLMock

from agents.models.anthropic import AnthropicModel
from graphs.model import (
    Finished,
    ModelMessage,
    ModelRequest,
    SearchResultPart,
    TextDelta,
    TextPart,
    ToolResultPart,
    ToolUse,
    ToolUsePart,
    Usage,
)
from tests.agents.models.provider import GET_SHIPPING, HELLO, events_of, text_of
from tests.fakes.messages_api import (
    Endless,
    Events,
    MessagesApi,
    ended,
    started,
    text_block,
    text_delta,
    text_start,
    tool_block,
)


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
