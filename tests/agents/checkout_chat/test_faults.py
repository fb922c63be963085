"""A chat whose provider fails, over HTTP: an answer all the same, nothing half done, and every token accounted."""

import asyncio
from decimal import Decimal

import pytest

from agents.models.anthropic import TOTAL_S
from db.tables.conversations import ToolCall, TurnStatus
from db.tables.policy import Grant
from graphs.checkout_chat.state import Limits
from tests.agents.checkout_chat.conftest import Talks
from tests.agents.faults import FAULTS, KEPT, begun
from tests.agents.provided import COOL_DOWN_S, Provider, haiku_micro_usd
from tests.fakes.messages_api import Events, Status, ended, text_block, tool_block

OFFLINE = "Hello! What would you like to know?"
HEALTHY = Events(begun(text_block("Good to see you."), ended("end_turn", output_tokens=6)))
# What hangs is ended by a deadline alone.
ENDLESS = Limits(characters=10**9)


def test_the_deadlines_leave_an_answer_within_ten_seconds() -> None:
    limits = Limits()
    assert limits.seconds >= TOTAL_S
    assert limits.seconds + limits.grace_s < 10


@pytest.mark.parametrize("name", ["slow first token", "stalled in mid-stream", "endless stream", "429", "529"])
async def test_a_shopper_is_answered_within_ten_seconds_by_the_clock(
    name: str, talks: Talks, provider: Provider
) -> None:
    provider.api.script(*FAULTS[name].answers)
    async with talks.line(provider.as_shipped()) as line, asyncio.timeout(10):
        heard = await line.ask("hello!")
    assert (heard.status, bool(heard.answer["response"])) == (200, True)


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_answered_offline_and_nothing_half_made_is_run(
    name: str, talks: Talks, provider: Provider
) -> None:
    fault = FAULTS[name]
    provider.api.script(*fault.answers, *fault.answers)
    async with talks.line(provider.model(hangs=fault.hangs), ENDLESS) as line:
        expected = f"{fault.kept} {OFFLINE}".strip()
        for stream in (False, True):
            # Each way meets a provider that nothing is known of.
            provider.time.seconds += COOL_DOWN_S + 30
            heard = await line.ask("hello!", stream=stream)
            assert (heard.status, heard.answer["response"]) == (200, expected)
            turn = await line.turn()
            assert (turn.status, turn.model, turn.fallback_reason) == (TurnStatus.DONE, "offline", fault.reason)
            assert (turn.input_tokens, turn.output_tokens) == fault.tokens
            assert turn.cost_micro_usd == haiku_micro_usd(*fault.tokens)
        assert "".join(heard.sentences).strip() == expected
        assert heard.tools == []
        assert await line.rows(ToolCall) == []
        assert await line.rows(Grant) == []
        assert len(provider.api.requests) == 2 * len(fault.answers)


async def test_the_token_limit_leaves_out_what_it_broke_off(talks: Talks, provider: Provider) -> None:
    provider.api.script(Events(begun(text_block("Happy to help. Half a sent"), ended("max_tokens", output_tokens=700))))
    async with talks.line(provider.model()) as line:
        assert (await line.ask("hello!")).answer["response"] == KEPT
        turn = await line.turn()
        assert (turn.model, turn.fallback_reason) == ("claude-haiku-5-5", None)
        assert (turn.input_tokens, turn.output_tokens, turn.cost_micro_usd) == (40, 700, 354)


async def test_a_retry_after_that_fits_is_waited_for_and_leaves_no_trace(talks: Talks, provider: Provider) -> None:
    provider.api.script(Status(429, headers=[("retry-after", "2")]), HEALTHY)
    async with talks.line(provider.model()) as line:
        assert (await line.ask("hello!")).answer["response"] == "Good to see you."
        turn = await line.turn()
        assert (turn.model, turn.fallback_reason) == ("claude-haiku-5-5", None)
        assert (turn.input_tokens, turn.output_tokens, turn.cost_micro_usd) == (40, 6, 7)
    assert provider.time.slept == [2.0]


async def test_a_talker_without_end_is_cut_off_and_the_shopper_is_answered(talks: Talks, provider: Provider) -> None:
    fault = FAULTS["endless stream"]
    provider.api.script(*fault.answers)
    async with talks.line(provider.model(), Limits(characters=300)) as line:
        heard = await line.ask("hello!", stream=True)
        assert (heard.status, (await line.turn()).status) == (200, TurnStatus.DONE)
        assert heard.answer["response"].startswith("I'm not sure about that")
        assert (await line.turn()).fallback_reason == "CUT_STREAM"


async def test_the_breaker_opens_asks_nobody_and_closes_after_a_probe(talks: Talks, provider: Provider) -> None:
    provider.api.script(*FAULTS["529"].answers, *FAULTS["529"].answers, HEALTHY, HEALTHY)
    async with talks.line(provider.model()) as line:
        reasons = []
        for _ in range(3):
            assert (await line.ask("hello!")).answer["response"] == OFFLINE
            reasons.append((await line.turn()).fallback_reason)
        assert reasons == ["OVERLOADED", "OVERLOADED", "CIRCUIT_OPEN"]
        assert len(provider.api.requests) == 6
        provider.time.seconds += COOL_DOWN_S
        for _ in range(2):
            assert (await line.ask("hello!")).answer["response"] == "Good to see you."
            assert (await line.turn()).fallback_reason is None
    assert provider.breaker.state == "closed"
    assert provider.api.answers == []


async def test_a_wrong_key_is_tried_once(talks: Talks, provider: Provider) -> None:
    provider.api.script(Status(401))
    async with talks.line(provider.model()) as line:
        for reason in ("UNAUTHORIZED", "CIRCUIT_OPEN"):
            assert (await line.ask("hello!")).answer["response"] == OFFLINE
            assert (await line.turn()).fallback_reason == reason
    assert len(provider.api.requests) == 1


async def test_a_tool_that_ran_before_the_fault_ran_once_and_is_told(talks: Talks, provider: Provider) -> None:
    asks = Events(
        begun(tool_block("apply_discount", '{"reason": "TOO_EXPENSIVE"}'), ended("tool_use", output_tokens=20))
    )
    again = Events(begun(tool_block("apply_discount", '{"reason": "TOO_EXPENSIVE"}')))
    provider.api.script(asks, again, again, again)
    async with talks.line(provider.model()) as line:
        heard = await line.ask("that is too expensive", stream=True)
        assert heard.tools == [("apply_discount", "OK")]
        assert heard.answer["response"].count("10% off is applied to your cart") == 1
        assert heard.answer["autoAppliedDiscount"]["percent"] == 10
        (call,), (given,) = await line.rows(ToolCall), await line.rows(Grant)
        assert (call.outcome, given.percent, given.status) == ("OK", Decimal(10), "COMMITTED")
        turn = await line.turn()
        assert (turn.fallback_reason, turn.input_tokens, turn.output_tokens) == ("CUT_STREAM", 160, 23)
        # The two calls are billed one by one: 14 and 13.5, rounded up.
        assert turn.cost_micro_usd == haiku_micro_usd(40, 20) + haiku_micro_usd(120, 3)
