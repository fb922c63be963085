"""A call over real sockets, with a voice at either end. What is said is scripted; everything else is as it runs."""

import asyncio
from dataclasses import dataclass, replace

import pytest
from pipecat.services.tts_service import TTSService
from pydantic import SecretStr
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from db.tables.voice import EndReason, VoiceCall, VoiceCallOutcome, VoiceCallStatus
from graphs.voice_call.events import Say
from recovery.voice_script import ScriptSettings
from tests.factories import NOW
from tests.fakes import deepgram
from tests.recovery.shops import Shop
from tests.voice.lines import LIMITS, Customer, Exchange, exchange, to_the_last_word, understood, voice
from tests.voice.scripted import COMPLETED, DISCLOSURE, FAREWELL, QUESTION, ScriptedCall
from voice.pipeline import Limits
from voice.speech.deepgram import DeepgramSpeech
from voice.speech.local import LocalSpeech, LocalTextToSpeech
from voice.speech.local_models import get_local_models


async def ended(line: Exchange, customer: Customer, running: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(30):
        await line.carrier.when.wait()
        await running


async def test_a_conversation_is_heard_spoken_timed_and_ended(engine: AsyncEngine, shop: Shop) -> None:
    live = ScriptedCall(answers=[[FAREWELL, COMPLETED]])
    async with exchange(engine, shop, live) as line:
        call, token = await line.answered_call()
        customer = Customer(call, token)
        running = asyncio.create_task(customer.stream.carry(line.url))
        await customer.until_quiet()
        customer.stream.say(await voice("Yes, I am."))
        await ended(line, customer, running)
        row = await line.row(call.id)
    assert live.told == [
        ("played", 1, True),
        ("played", 2, True),
        ("heard", "Yes, I am."),
        ("played", 9, True),
        ("closed", EndReason.COMPLETED),
    ]
    assert (row.status, row.slot, row.outcome, row.end_reason) == (
        VoiceCallStatus.ENDED,
        None,
        VoiceCallOutcome.CALLBACK_REQUESTED,
        EndReason.COMPLETED,
    )
    assert line.carrier.hung_up == [call.provider_id]
    # The farewell was played to its end before the line was closed.
    said = await understood(bytes(customer.stream.agent))
    assert said.endswith("Thank you and goodbye.")
    heard, spoken = live.timings
    assert list(heard) == ["speechEndToTranscript"]
    assert list(spoken) == ["sentencePassed", "firstAudio"]


async def test_the_disclosure_is_complete_when_talked_over(engine: AsyncEngine, shop: Shop) -> None:
    live = ScriptedCall(beginning=[DISCLOSURE], answers=[[FAREWELL, COMPLETED]])
    async with exchange(engine, shop, live) as line:
        call, token = await line.answered_call()
        customer = Customer(call, token)
        running = asyncio.create_task(customer.stream.carry(line.url))
        await customer.until_heard(25)
        customer.stream.say(await voice("Hello? Who is this? I am rather busy."))
        await customer.until_quiet()
        assert live.told[0] == ("played", 1, True)
        customer.stream.say(await voice("Yes, I am."))
        await ended(line, customer, running)
    said = await understood(bytes(customer.stream.agent))
    assert said.startswith("This is an automated call from Maple Coffee. To stop these calls, press 9.")
    assert ("heard", "Yes, I am.") in live.told


async def test_a_barge_in_silences_us_and_is_answered(engine: AsyncEngine, shop: Shop) -> None:
    long = Say(3, "Well, there are very many things that I could tell you about this fine coffee. " * 3, True)
    live = ScriptedCall(beginning=[long], answers=[[FAREWELL, COMPLETED]])
    async with exchange(engine, shop, live) as line:
        call, token = await line.answered_call()
        customer = Customer(call, token)
        running = asyncio.create_task(customer.stream.carry(line.url))
        await customer.until_heard(60)
        customer.stream.say(await voice("I do not want any coffee."))
        await ended(line, customer, running)
    assert live.told[:2] == [("played", 3, False), ("heard", "I do not want any coffee.")]
    assert ("played", 9, True) in live.told
    # Of 15 seconds, 1.2 were heard before the customer spoke.
    assert len(customer.stream.agent) < 8_000 * 12


@pytest.mark.parametrize("how", ["key", "voice"])
async def test_an_opt_out_ends_the_call_at_once_even_in_the_disclosure(
    engine: AsyncEngine, shop: Shop, how: str
) -> None:
    live = ScriptedCall()
    async with exchange(engine, shop, live) as line:
        call, token = await line.answered_call()
        customer = Customer(call, token)
        running = asyncio.create_task(customer.stream.carry(line.url))
        await customer.until_heard(25)
        if how == "key":
            await customer.stream.press("5")
            await customer.stream.press("9")
        else:
            customer.stream.say(await voice("Stop calling me."))
        await ended(line, customer, running)
        row = await line.row(call.id)
    asked = ("pressed", "9") if how == "key" else ("heard", "Stop calling me.")
    assert asked in live.told
    assert ("played", 1, True) not in live.told
    assert (row.outcome, row.end_reason, row.slot) == (VoiceCallOutcome.DECLINED, EndReason.OPT_OUT, None)
    assert line.carrier.hung_up == [call.provider_id]


@pytest.mark.parametrize("during", ["the disclosure", "the conversation"])
@pytest.mark.parametrize("ear", ["of this machine", "of Deepgram"])
async def test_an_opt_out_is_heard_though_the_phone_is_down(
    engine: AsyncEngine, shop: Shop, during: str, ear: str
) -> None:
    """Its last word is on the line when the customer hangs up, and no silence after it tells that it was the last."""
    models = get_local_models()

    async def hear(pcm: bytes, _: int) -> str:
        return await models.recognise(pcm)

    async def speak(text: str, rate: int) -> bytes:
        return await models.synthesise(text, rate=rate)

    live = ScriptedCall(beginning=[DISCLOSURE if during == "the disclosure" else QUESTION])
    async with deepgram.serving(hear, speak) as fake:
        speech = LocalSpeech() if ear == "of this machine" else DeepgramSpeech(SecretStr(deepgram.KEY), fake.url)
        async with exchange(engine, shop, live, speech=speech) as line:
            row = await _says_and_puts_the_phone_down(line, "Stop calling me.")
    # With no silence behind them the recogniser may take the words twice.
    assert any(told[0] == "heard" and str(told[1]).startswith("Stop calling") for told in live.told)
    assert (row.outcome, row.end_reason, row.slot) == (VoiceCallOutcome.DECLINED, EndReason.OPT_OUT, None)


async def test_an_opt_out_is_heard_though_the_carrier_has_said_that_the_call_is_over(
    engine: AsyncEngine, shop: Shop
) -> None:
    """The next beat would let the call go at once."""
    live = ScriptedCall(beginning=[QUESTION])
    async with exchange(engine, shop, live, limits=replace(LIMITS, beat_every_s=0.02)) as line:
        row = await _says_and_puts_the_phone_down(line, "Stop calling me.", completed=True)
    assert (row.outcome, row.end_reason, row.slot) == (VoiceCallOutcome.DECLINED, EndReason.OPT_OUT, None)


async def test_what_else_was_said_before_the_phone_went_down_is_not_answered(engine: AsyncEngine, shop: Shop) -> None:
    live = ScriptedCall(beginning=[QUESTION])
    async with exchange(engine, shop, live) as line:
        row = await _says_and_puts_the_phone_down(line, "Yes, I am.")
    assert not [told for told in live.told if told[0] == "heard"]
    assert [told for told in live.told if told[0] == "last words"] == [("last words", "Yes, I am.")]
    assert live.told[-1] == ("closed", EndReason.HUNG_UP)
    assert (row.outcome, row.end_reason, row.slot) == (VoiceCallOutcome.DISCONNECTED, EndReason.HUNG_UP, None)


async def _says_and_puts_the_phone_down(line: Exchange, text: str, *, completed: bool = False) -> VoiceCall:
    call, token = await line.answered_call()
    customer = Customer(call, token)
    running = asyncio.create_task(customer.stream.carry(line.url))
    await customer.until_heard(25)
    customer.stream.say(to_the_last_word(await voice(text)))
    await customer.until_said()
    if completed:
        async with line.shop.begin() as session:
            await session.execute(update(VoiceCall).values(completed_at=NOW))
    customer.stream.hang_up()
    await ended(line, customer, running)
    return await line.row(call.id)


async def test_silence_is_noticed_after_what_was_said_was_played(engine: AsyncEngine, shop: Shop) -> None:
    live = ScriptedCall(beginning=[QUESTION])
    async with exchange(engine, shop, live) as line:
        call, token = await line.answered_call()
        customer = Customer(call, token)
        await asyncio.wait_for(customer.stream.carry(line.url), 30)
        await line.carrier.when.wait()
        row = await line.row(call.id)
    assert live.told[:3] == [("played", 2, True), ("quiet",), ("played", 9, True)]
    assert row.end_reason is EndReason.SILENCE


async def test_who_hangs_up_leaves_a_call_with_an_outcome(engine: AsyncEngine, shop: Shop) -> None:
    live = ScriptedCall()
    async with exchange(engine, shop, live) as line:
        call, token = await line.answered_call()
        customer = Customer(call, token)
        running = asyncio.create_task(customer.stream.carry(line.url))
        await customer.until_heard(10)
        customer.stream.hang_up()
        await ended(line, customer, running)
        row = await line.row(call.id)
    assert (row.outcome, row.end_reason, row.slot) == (VoiceCallOutcome.DISCONNECTED, EndReason.HUNG_UP, None)


async def test_a_call_has_a_time_limit(engine: AsyncEngine, shop: Shop) -> None:
    live = ScriptedCall(beginning=[QUESTION])
    limits = Limits(call_s=1.0, idle_s=20, beat_every_s=LIMITS.beat_every_s)
    async with exchange(engine, shop, live, limits=limits) as line:
        call, token = await line.answered_call()
        await asyncio.wait_for(Customer(call, token).stream.carry(line.url), 30)
        await line.carrier.when.wait()
        row = await line.row(call.id)
    assert (row.end_reason, row.slot) == (EndReason.TIME_LIMIT, None)


@pytest.mark.parametrize("goes_down", ["before the call", "in mid-call"])
async def test_a_call_whose_speech_is_gone_ends_and_frees_its_line(
    engine: AsyncEngine, shop: Shop, goes_down: str
) -> None:
    async def hear(_: bytes, __: int) -> str:
        return ""

    async def speak(_: str, rate: int) -> bytes:
        return bytes(4 * rate)

    async with deepgram.serving(hear, speak) as fake:
        speech = DeepgramSpeech(SecretStr(deepgram.KEY), fake.url)
        async with exchange(engine, shop, ScriptedCall(), speech=speech) as line:
            call, token = await line.answered_call()
            customer = Customer(call, token)
            if goes_down == "before the call":
                await fake.go_down()
            running = asyncio.create_task(customer.stream.carry(line.url))
            if goes_down == "in mid-call":
                await customer.until_heard(25)
                await fake.go_down()
            await ended(line, customer, running)
            row = await line.row(call.id)
    assert (row.status, row.slot, row.outcome) == (VoiceCallStatus.ENDED, None, VoiceCallOutcome.DISCONNECTED)
    # Whichever is noticed first: that nothing can be spoken, or that nobody is heard.
    assert row.end_reason in {EndReason.FAILED, EndReason.SILENCE}
    assert line.carrier.hung_up == [call.provider_id]


class Hanging(LocalTextToSpeech):
    release: asyncio.Event

    async def cleanup(self) -> None:
        await self.release.wait()
        await super().cleanup()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class HangingSpeech(LocalSpeech):
    release: asyncio.Event

    def text_to_speech(self, settings: ScriptSettings) -> TTSService:
        hanging = Hanging(get_local_models(), speed=1)
        hanging.release = self.release
        return hanging


async def test_a_pipeline_that_does_not_end_holds_no_line(engine: AsyncEngine, shop: Shop) -> None:
    release, limits = asyncio.Event(), replace(LIMITS, end_within_s=0.5)
    async with exchange(engine, shop, ScriptedCall(), limits=limits, speech=HangingSpeech(release)) as line:
        call, token = await line.answered_call()
        customer = Customer(call, token)
        running = asyncio.create_task(customer.stream.carry(line.url))
        await customer.until_heard(10)
        customer.stream.hang_up()
        await ended(line, customer, running)
        row = await line.row(call.id)
        release.set()
    assert (row.status, row.slot, row.end_reason) == (VoiceCallStatus.ENDED, None, EndReason.HUNG_UP)
