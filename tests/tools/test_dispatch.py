"""The one place where calls are run: its outcomes, its one transaction, its time, its keys, and who stops listening."""

import asyncio
from dataclasses import replace

import pytest
from pydantic import Field, JsonValue
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.session import transaction
from db.tables.companies import TaxRate
from db.tables.conversations import ToolOutcome
from policy.errors import NotFound
from tests import factories as make
from tests.tools.calling import Talk, talk_about
from tools import dispatch as dispatching
from tools.base import Done, Effect, Refused, ToolArgs, ToolContext, tool
from tools.dispatch import FAILED_SAY


class Write(ToolArgs):
    country: str = Field("US", max_length=2)


# A row that a tool writes, to be counted; which table does not matter.
async def _row(ctx: ToolContext, country: str) -> None:
    ctx.session.add(TaxRate(company_id=ctx.company_id, country=country, rate=0, inclusive=False))
    await ctx.session.flush()


@tool(Write)
async def write(ctx: ToolContext, args: Write) -> Done | Refused:
    """Write a row."""
    await _row(ctx, args.country)
    return Done(data={"country": args.country}, say="It is written.")


@tool(Write)
async def refuse(ctx: ToolContext, args: Write) -> Done | Refused:
    """Refuse, having changed nothing."""
    return Refused("NOT_TODAY", "Not today.")


@tool(Write)
async def complain(ctx: ToolContext, args: Write) -> Done | Refused:
    """Write a row, then find that something is missing."""
    await _row(ctx, args.country)
    raise NotFound("There is no such thing.")


@tool(Write)
async def crash(ctx: ToolContext, args: Write) -> Done | Refused:
    """Write a row, then break."""
    await _row(ctx, args.country)
    raise RuntimeError("words that somebody wrote")


@tool(Write)
async def hang(ctx: ToolContext, args: Write) -> Done | Refused:
    """Write a row, then never end."""
    await _row(ctx, args.country)
    await asyncio.Event().wait()
    return Done()


@tool(Write, effect=Effect.WRITE)
async def wait(ctx: ToolContext, args: Write) -> Done | Refused:
    """Write a row when it is let."""
    STARTED.set()
    await GO.wait()
    await _row(ctx, args.country)
    return Done()


STARTED, GO = asyncio.Event(), asyncio.Event()
TOOLBOX = {each.name: each for each in (write, refuse, complain, crash, hang, wait)}


@pytest.fixture
async def talk(engine: AsyncEngine) -> Talk:
    STARTED.clear()
    GO.clear()
    company = await make.make_company(engine)
    async with transaction(engine, company_id=company.id) as session:
        cart = await make.make_cart(session, company_id=company.id)
    return await talk_about(engine, cart.id, company_id=company.id, toolbox=TOOLBOX)


async def written(talk: Talk) -> int:
    (count,) = await talk.rows(select(func.count()).select_from(TaxRate))
    return int(count)


async def test_a_result_is_kept_with_what_it_wrote(talk: Talk) -> None:
    reply = await talk.call("write", {"country": "CA"})
    assert (reply.outcome, reply.reason) == (ToolOutcome.OK, None)
    assert reply.result == {"ok": True, "country": "CA", "say": "It is written.", "facts": []}
    assert '"facts"' not in reply.content
    (row,) = await talk.kept()
    assert (row.name, row.input, row.outcome, row.result) == ("write", {"country": "CA"}, "OK", reply.result)
    assert (row.session_id, row.latency_ms >= 0) == (talk.conversation.id, True)
    assert await written(talk) == 1


@pytest.mark.parametrize(
    ("name", "reason", "say"),
    [("refuse", "NOT_TODAY", "Not today."), ("complain", "NOT_FOUND", "There is no such thing.")],
)
async def test_a_refusal_has_its_code_and_leaves_no_row_but_its_own(
    talk: Talk, name: str, reason: str, say: str
) -> None:
    reply = await talk.call(name)
    assert (reply.outcome, reply.reason) == (ToolOutcome.REFUSED, reason)
    assert reply.result == {"ok": False, "code": reason, "say": say}
    assert [(row.outcome, row.reason) for row in await talk.kept()] == [("REFUSED", reason)]
    assert await written(talk) == 0


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("no_such_tool", {}, "UNKNOWN_TOOL"),
        ("write", {"country": "USA"}, "BAD_ARGUMENTS"),
        ("write", {"country": 5}, "BAD_ARGUMENTS"),
        ("write", {"cart_id": "x"}, "BAD_ARGUMENTS"),
        ("write", {"country": "\0"}, "BAD_ARGUMENTS"),
        ("write", {"country": float("nan")}, "BAD_ARGUMENTS"),
        ("write", {"country": ["U" * 30_000]}, "BAD_ARGUMENTS"),
    ],
)
async def test_what_a_model_got_wrong_is_told_and_not_done(
    talk: Talk, name: str, arguments: dict[str, JsonValue], reason: str
) -> None:
    reply = await talk.call(name, arguments)
    assert (reply.outcome, reply.reason, reply.result["ok"]) == (ToolOutcome.INVALID, reason, False)
    assert reply.result["problem"]
    assert [(row.outcome, row.reason) for row in await talk.kept()] == [("INVALID", reason)]
    assert await written(talk) == 0


async def test_a_crash_is_kept_and_told_kindly(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    reply = await talk.call("crash")
    assert (reply.outcome, reply.reason) == (ToolOutcome.FAILED, "RuntimeError")
    assert reply.result == {"ok": False, "code": "FAILED", "say": FAILED_SAY}
    (row,) = await talk.kept()
    assert (row.outcome, row.reason, "words" in str(row.result)) == ("FAILED", "RuntimeError", False)
    assert await written(talk) == 0
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["tool_failed"]


async def test_a_call_that_does_not_end_is_ended(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatching, "TIME_LIMIT_S", 0.2)
    reply = await talk.call("hang")
    assert (reply.outcome, reply.reason) == (ToolOutcome.FAILED, "TimeoutError")
    assert [row.outcome for row in await talk.kept()] == ["FAILED"]
    assert await written(talk) == 0


async def test_a_key_is_answered_once_whatever_comes_with_it(talk: Talk) -> None:
    first = await talk.call("write", {"country": "CA"}, key="one")
    again = await talk.call("write", {"country": "GB"}, key="one")
    assert again == first
    assert await written(talk) == 1
    refused = await talk.call("refuse", key="two")
    assert await talk.call("write", key="two") == replace(refused, name="write")
    assert (await written(talk), len(await talk.kept())) == (1, 2)


async def test_the_same_call_twice_at_once_is_run_once(talk: Talk) -> None:
    """The race of two sessions for one key: the second waits, and finds what came of the first."""
    replies = await asyncio.gather(*(talk.call("write", {"country": "CA"}, key="one") for _ in range(4)))
    assert {reply.outcome for reply in replies} == {ToolOutcome.OK}
    assert (await written(talk), len(await talk.kept())) == (1, 1)


async def test_who_stops_listening_does_not_stop_a_write(talk: Talk) -> None:
    calling = asyncio.create_task(talk.call("wait", key="one"))
    await STARTED.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    GO.set()
    await asyncio.gather(*dispatching._running)
    assert await written(talk) == 1
    assert [row.outcome for row in await talk.kept()] == ["OK"]
    # The result was kept: whoever asks again with the key gets it.
    assert (await talk.call("wait", key="one")).outcome is ToolOutcome.OK
    assert await written(talk) == 1


async def test_card_numbers_are_not_kept(talk: Talk) -> None:
    await talk.call("write", {"country": "4111 1111 1111 1111"})
    await talk.call("write", {"4111111111111111": 4111111111111111})
    for row in await talk.kept():
        assert "1111" not in str(row.input) + str(row.result)
