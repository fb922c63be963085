"""The customer talks into the agent, presses a key, or the process dies: what was begun is kept, no more is said."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.toolbox import VOICE_CALL
from db.session import transaction
from db.tables.conversations import MessageRole, TurnStatus
from db.tables.customers import Suppression
from db.tables.policy import Grant
from db.tables.voice import EndReason, VoiceCallOutcome
from graphs.conversations import service as conversations
from graphs.model import NO_USAGE, Finished, ModelEvent, ModelRequest, TextDelta
from graphs.voice_call import calls
from graphs.voice_call.calls import Spoken
from graphs.voice_call.events import HangUp, Say
from policy.redaction.rules import CARD_MARK
from tests.agents.voice_call.talk import Phone, agent, ring
from tests.agents.voice_call.test_conversations import DISCLOSURE, GREETING, MOMENT, OFFER, SENT
from tests.recovery.shops import Shop
from tools.base import Done, Refused, Tool, ToolContext

STOPPED = HangUp(VoiceCallOutcome.DECLINED, EndReason.OPT_OUT, at_once=True)


class _Held:
    """A tool that has begun, and goes on when it is let."""

    def __init__(self, tool: Tool[Any]) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self._run, self.tool = tool.run, replace(tool, run=self._hold)

    async def _hold(self, context: ToolContext, arguments: Any) -> Done | Refused:
        self.begun.set()
        await self.go_on.wait()
        return await self._run(context, arguments)


class HeldModel:
    """Says a sentence, and goes on when it is let."""

    name = "held"

    def __init__(self) -> None:
        self.said = asyncio.Event()
        self.closed = False

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        try:
            yield TextDelta("I understand that. And then ")
            self.said.set()
            await asyncio.Event().wait()
            yield Finished("end_turn", NO_USAGE, "held")
        finally:
            self.closed = True


async def talked_into(shop: Shop, then: Callable[[Phone], AsyncGenerator[object]]) -> tuple[Phone, list[object]]:
    """A model is in the middle of its answer to a price objection when something else is heard."""
    model = HeldModel()
    phone = await ring(shop, model)
    await phone.identified()
    first: list[object] = []

    async def listen() -> None:
        async for event in phone.line.heard("Too expensive.", at_ms=5_000, timings={}):
            first.append(event)

    listening = asyncio.create_task(listen())
    await model.said.wait()
    second = [event async for event in then(phone)]
    await listening
    assert [event.text for event in first if isinstance(event, Say)] == ["I understand that."]
    assert model.closed
    return phone, second


async def test_a_key_in_the_middle_of_a_sentence_cuts_the_line(shop: Shop) -> None:
    phone, second = await talked_into(shop, lambda phone: phone.line.pressed("9"))
    assert second == [STOPPED]
    assert len(await phone.rows(Suppression)) >= 1
    assert [turn.status for turn in await phone.turns()][-2:] == [TurnStatus.BROKEN, TurnStatus.DONE]


async def test_what_a_turn_changed_before_it_was_talked_over_is_told_by_the_next(shop: Shop) -> None:
    phone, second = await talked_into(shop, lambda phone: phone.line.quiet())
    assert [each.percent for each in await phone.rows(Grant)] == [20]
    texts = [event.text for event in second if isinstance(event, Say)]
    assert texts[0] == "Are you still there?"
    assert texts[1].startswith("20 percent off is applied to your cart until ")
    assert texts[2:] == [OFFER]


async def test_a_yes_to_a_question_that_was_not_reached_accepts_nothing(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    await phone.hear(phone.line.heard("Too expensive.", at_ms=5_000, timings={}), plays=1)
    texts = await phone.say("Yes.")
    assert texts[-1] == OFFER
    assert await phone.tools() == ["record_diagnosis", "apply_discount"]
    assert (await phone.say("Yes."))[1] == SENT


async def test_a_yes_into_the_question_itself_is_a_yes(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    await phone.hear(phone.line.heard("Too expensive.", at_ms=5_000, timings={}), plays=2)
    assert (await phone.say("Yes."))[1] == SENT


async def test_who_stops_listening_stops_the_turn_and_not_the_write(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    events = phone.line.heard("Too expensive.", at_ms=5_000, timings={})
    await anext(events)
    await events.aclose()
    assert [each.percent for each in await phone.rows(Grant)] == [20]
    assert (await phone.say("Sorry, go on."))[-1] == OFFER


async def test_what_was_accepted_is_kept_whatever_is_heard_while_it_is_written(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    await phone.say("Too expensive.")
    link = _Held(VOICE_CALL["send_resume_link"])
    phone.line.parts = replace(phone.line.parts, toolbox={**VOICE_CALL, "send_resume_link": link.tool})

    yes = asyncio.create_task(_all(phone.line.heard("Yes.", at_ms=9_000, timings={})))
    await link.begun.wait()
    yes.cancel()  # the customer talks into it
    await asyncio.wait([yes], timeout=0.05)
    more = asyncio.create_task(_all(phone.line.heard("Hello?", at_ms=9_500, timings={})))
    await asyncio.wait([more], timeout=0.05)
    link.go_on.set()
    await asyncio.wait([yes, more])

    assert (await phone.line.closed(EndReason.HUNG_UP)).outcome is VoiceCallOutcome.DISCOUNT_ACCEPTED
    assert "send_resume_link" in await phone.tools()


async def test_nothing_ends_an_opt_out(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    stop, hello = phone.line.pressed("9"), phone.line.heard("Hello?", at_ms=9_000, timings={})
    first, second = await asyncio.gather(_all(stop), _all(hello))
    assert STOPPED in first
    assert second in ([STOPPED], [])
    assert len(await phone.rows(Suppression)) >= 1


async def test_an_opt_out_that_nobody_waited_for_is_kept_when_the_line_closes(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    await phone.line.pressed("9").aclose()
    assert await phone.line.closed(EndReason.HUNG_UP) == STOPPED
    assert len(await phone.rows(Suppression)) >= 1


async def test_an_opt_out_after_the_end_is_kept(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.opening()
    await phone.say("Wrong number.")
    phone.stay_on()
    assert await phone.say("And stop calling me!") == []
    assert phone.ended == STOPPED
    assert len(await phone.rows(Suppression)) >= 1


async def test_another_process_goes_on_from_the_rows(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    await phone.say("Too expensive.")
    phone.line = await agent(shop.engine).answer(phone.call.id, company_id=shop.id)
    assert (await phone.say("Yes."))[1] == SENT
    assert (await phone.line.closed(EndReason.HUNG_UP)).outcome is VoiceCallOutcome.DISCOUNT_ACCEPTED


async def test_a_turn_whose_process_died_is_closed_and_the_call_goes_on(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    async with transaction(shop.engine, company_id=shop.id) as session:
        await conversations.begin_spoken_turn(
            session,
            phone.line.session_id,
            "Sure.",
            company_id=shop.id,
            bindings={"atMs": 1},
            now=phone.call.initiated_at,
        )
    phone.line = await agent(shop.engine).answer(phone.call.id, company_id=shop.id)
    assert await phone.opening() == [DISCLOSURE, MOMENT]
    assert [turn.status for turn in await phone.turns()][-2:] == [TurnStatus.BROKEN, TurnStatus.DONE]


async def test_the_transcript_has_what_was_heard_and_when(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.opening()
    await phone.hear(phone.line.heard("Maya here.", at_ms=4_000, timings={"speechEndToTranscript": 12}), plays=1)
    await phone.line.timed(4, {"firstAudio": 77})
    async with transaction(shop.engine, company_id=shop.id) as session:
        lines = await calls.spoken(session, phone.line.session_id, company_id=shop.id)
    assert lines == [
        Spoken("AGENT", DISCLOSURE, 500),
        Spoken("AGENT", GREETING, 1_000),
        Spoken("AGENT", "Thank you. I'm calling about the cart that you left in our shop.", 1_500),
        Spoken("AGENT", MOMENT, 2_000),
        Spoken("CUSTOMER", "Maya here.", 4_000),
    ]
    timings = (await phone.turns())[-1].timings
    assert (timings["speechEndToTranscript"], timings["firstAudio"]) == (12, 77)
    assert {"sentencePassed", "total"} <= set(timings)


async def test_last_words_are_kept_as_they_were_said_and_answered_by_nobody(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    turns = await phone.turns()
    await phone.line.last_words("My card is 4111 1111 1111 1111, by the way.", at_ms=9_000)
    await phone.line.closed(EndReason.HUNG_UP)
    async with transaction(shop.engine, company_id=shop.id) as session:
        lines = await calls.spoken(session, phone.line.session_id, company_id=shop.id)
    assert lines[-1] == Spoken("CUSTOMER", f"My card is {CARD_MARK}, by the way.", 9_000)
    assert [each.id for each in await phone.turns()] == [each.id for each in turns]
    assert await phone.rows(Suppression) == []


@pytest.mark.parametrize("words", ["Sure.", "Please stop calling me."])
async def test_last_words_come_after_all_that_a_turn_still_writes(shop: Shop, words: str) -> None:
    phone = await ring(shop)
    await phone.identified()
    answer = asyncio.create_task(_all(phone.line.heard(words, at_ms=8_000, timings={})))
    await asyncio.sleep(0)
    await phone.line.last_words("But do not dare to write.", at_ms=9_000)
    answered = await answer
    assert (STOPPED in answered) == (words != "Sure.")
    assert TurnStatus.RUNNING not in {each.status for each in await phone.turns()}
    said = [each.content for each in await phone.utterances() if each.role is MessageRole.USER]
    assert said[-2:] == [words, "But do not dare to write."]
    assert (await phone.utterances())[-1].content == said[-1]


async def test_an_opt_out_that_came_in_pieces_as_the_line_went_down_is_kept(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    await phone.line.last_words("Please stop calling me.", at_ms=9_000)
    assert await phone.line.closed(EndReason.HUNG_UP) == STOPPED
    assert len(await phone.rows(Suppression)) >= 1


async def _all(events: AsyncGenerator[object]) -> list[object]:
    return [event async for event in events]


async def test_a_turn_that_breaks_ends_the_call_with_an_outcome(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    phone = await ring(shop)
    await phone.identified()
    monkeypatch.setattr("graphs.voice_call.texts.question", _breaks)
    assert await phone.say("Sure.") == []
    assert phone.ended == HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.FAILED)
    assert [turn.status for turn in await phone.turns()][-1] is TurnStatus.BROKEN
    assert [record.message for record in caplog.records] == ["call_turn_crashed"]


def _breaks(*_: object) -> str:
    raise ZeroDivisionError


@pytest.mark.parametrize("steps", [0, 1, 6])
async def test_what_was_heard_is_kept_though_speech_goes_on_before_it_is_stored(shop: Shop, steps: int) -> None:
    phone = await ring(shop)
    await phone.identified()

    listening = asyncio.create_task(phone.hear(phone.line.heard("I'm not interested.", at_ms=9_000, timings={})))
    for _ in range(steps):
        await asyncio.sleep(0)
    listening.cancel()
    await asyncio.wait([listening])
    await phone.say("Hello?")

    assert [row.content for row in await phone.utterances() if row.content == "I'm not interested."]
