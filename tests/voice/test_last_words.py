"""Who speaks as the call ends is heard out: an opt-out among their last words counts (rules C-06, C-12)."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from agents.voice_call.line import Line
from db.tables.conversations import MessageRole
from db.tables.customers import Suppression
from db.tables.voice import EndReason, VoiceCall, VoiceCallOutcome, VoiceCallStatus
from graphs.voice_call.events import CallEvent
from tests.agents.voice_call.talk import Phone, ring
from tests.recovery.shops import Shop
from tests.voice.lines import LIMITS, Customer, Exchange, exchange, to_the_last_word, voice
from tests.voice.scripted import QUESTION, ScriptedCall

# Longer than a call may be here, and said in one breath.
ON_AND_ON = "I have told you people so many times that I do not want any of your coffee so please stop calling me."
AT_FIRST = (
    "Please stop calling me because I have told you people so many times that I do not want any of your coffee or your "
    "tea or whatever else it is that you may have on the shelves of that shop of yours."
)


async def hangs_up(line: Exchange, running: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(30):
        await line.carrier.when.wait()
        await running


class AtItsEnd(Line):
    """The agent's own line, whose next sentence is its last."""

    def opening(self) -> AsyncGenerator[CallEvent]:
        return self.heard("You have the wrong number.", at_ms=1, timings={})


async def said_into_the_farewell(engine: AsyncEngine, shop: Shop, text: str) -> tuple[Phone, VoiceCall]:
    """A whole call whose customer begins to speak as we say goodbye; its row in the end."""
    await shop.consent()
    phone = await ring(shop, status=VoiceCallStatus.ANSWERED)
    await phone.opening()
    taken_up = phone.line
    live = AtItsEnd(taken_up.parts, taken_up.call_id, taken_up.session_id, taken_up.company_id, taken_up.settings)
    async with exchange(engine, shop, live) as line:
        customer = Customer(phone.call, await line.token_for(phone.call))
        running = asyncio.create_task(customer.stream.carry(line.url))
        await customer.until_heard(25)
        customer.stream.say(to_the_last_word(await voice(text)))
        await hangs_up(line, running)
        row = await line.row(phone.call.id)
    return phone, row


async def test_an_opt_out_begun_in_the_farewell_is_kept(engine: AsyncEngine, shop: Shop) -> None:
    """Its last word comes long after ours."""
    phone, row = await said_into_the_farewell(engine, shop, ON_AND_ON)
    assert (row.outcome, row.end_reason, row.slot) == (VoiceCallOutcome.DECLINED, EndReason.OPT_OUT, None)
    assert await phone.rows(Suppression)
    heard = [each.content for each in await phone.utterances() if each.role is MessageRole.USER]
    assert "stop calling me" in heard[-1]


async def test_what_else_is_said_into_the_farewell_is_kept_and_not_answered(engine: AsyncEngine, shop: Shop) -> None:
    phone, row = await said_into_the_farewell(engine, shop, "There was no coffee in the box.")
    assert (row.outcome, row.end_reason) == (VoiceCallOutcome.DISCONNECTED, EndReason.WRONG_PERSON)
    assert row.transcript is not None
    said = [each["text"] for each in row.transcript if each["speaker"] == "CUSTOMER"]
    assert said == ["You have the wrong number.", "There was no coffee in the box."]
    # The opening, and the turn that was its last.
    assert len(await phone.turns()) == 2


@pytest.mark.parametrize("the_line", ["stays open", "goes down"])
async def test_an_opt_out_begun_at_the_time_limit_is_kept(engine: AsyncEngine, shop: Shop, the_line: str) -> None:
    live = ScriptedCall(beginning=[QUESTION])
    limits = replace(LIMITS, call_s=4, idle_s=20)
    async with exchange(engine, shop, live, limits=limits) as line:
        call, token = await line.answered_call()
        customer = Customer(call, token)
        customer.stream.say(to_the_last_word(await voice(ON_AND_ON)))
        running = asyncio.create_task(customer.stream.carry(line.url))
        if the_line == "goes down":
            await customer.until_said()
            customer.stream.hang_up()
        await hangs_up(line, running)
        row = await line.row(call.id)
    assert (row.outcome, row.end_reason, row.slot) == (VoiceCallOutcome.DECLINED, EndReason.OPT_OUT, None)


async def test_who_speaks_on_and_on_is_understood_as_far_as_they_came(engine: AsyncEngine, shop: Shop) -> None:
    live = ScriptedCall(beginning=[QUESTION])
    limits = replace(LIMITS, call_s=4, idle_s=20, last_words_s=0.5)
    async with exchange(engine, shop, live, limits=limits) as line:
        call, token = await line.answered_call()
        customer = Customer(call, token)
        customer.stream.say(to_the_last_word(await voice(AT_FIRST)))
        await asyncio.wait_for(customer.stream.carry(line.url), 30)
        await line.carrier.when.wait()
        row = await line.row(call.id)
    assert customer.stream.saying
    assert (row.outcome, row.end_reason) == (VoiceCallOutcome.DECLINED, EndReason.OPT_OUT)


async def test_what_else_is_said_at_the_time_limit_is_not_answered(engine: AsyncEngine, shop: Shop) -> None:
    live = ScriptedCall(beginning=[QUESTION])
    async with exchange(engine, shop, live, limits=replace(LIMITS, call_s=4, idle_s=20)) as line:
        call, token = await line.answered_call()
        customer = Customer(call, token)
        customer.stream.say(to_the_last_word(await voice(ON_AND_ON.replace("stop calling", "be patient with"))))
        await asyncio.wait_for(customer.stream.carry(line.url), 30)
        await line.carrier.when.wait()
        row = await line.row(call.id)
    assert not [told for told in live.told if told[0] == "heard"]
    ((_, words),) = [told for told in live.told if told[0] == "last words"]
    assert "be patient with me" in str(words)
    assert live.ended is None
    assert (row.outcome, row.end_reason) == (VoiceCallOutcome.DISCONNECTED, EndReason.TIME_LIMIT)
