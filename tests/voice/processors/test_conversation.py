"""What ends a call, whatever happens on the line at that moment."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

import pytest
from pipecat.frames.frames import (
    InterruptionFrame,
    TranscriptionFrame,
    UserStartedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.tests.utils import SleepFrame, run_test

from db.tables.voice import EndReason, VoiceCallOutcome
from graphs.voice_call.events import CallEvent, HangUp, Say
from tests.voice.scripted import COMPLETED, DISCLOSURE, FAREWELL, OPTED_OUT, QUESTION, ScriptedCall
from voice.frames import MarkReturned, OptOutHeard
from voice.line import Line
from voice.processors.conversation import Conversation
from voice.processors.opt_out import OptOutEar

IDLE_S = 30.0  # longer than a test


async def test_who_speaks_as_we_begin_to_hang_up_does_not_hold_the_call() -> None:
    """From then on the customer is muted, so that nothing is heard of the end of what they say."""
    ends: list[HangUp] = []
    live, line = ScriptedCall(beginning=[FAREWELL, COMPLETED]), Line()
    conversation = Conversation(live, line, idle_s=IDLE_S, end=ends.append)
    passed, _ = await run_test(
        conversation,
        frames_to_send=[
            SleepFrame(),
            UserStartedSpeakingFrame(),
            InterruptionFrame(),
            SleepFrame(),
            MarkReturned(mark=1),
            SleepFrame(0.5),
        ],
    )
    await conversation.drain()
    assert (ends, live.told) == ([COMPLETED], [("played", FAREWELL.position, True)])
    # Nor does it take the farewell from the voice.
    assert not any(isinstance(frame, InterruptionFrame) for frame in passed)


@pytest.mark.parametrize("begins", ["in the farewell", "at its very end"])
async def test_who_speaks_into_the_farewell_is_heard_out(begins: str) -> None:
    """Muted as they are, what they say may be an opt-out."""
    ends: list[HangUp] = []
    live, line = ScriptedCall(beginning=[FAREWELL, COMPLETED]), Line()
    conversation = Conversation(live, line, idle_s=IDLE_S, end=ends.append)
    speech, played = VADUserStartedSpeakingFrame(), MarkReturned(mark=1)
    await run_test(
        Pipeline([OptOutEar(live, line), conversation]),
        frames_to_send=[
            SleepFrame(),
            *([speech, played] if begins == "in the farewell" else [played, SleepFrame(0.1), speech]),
            SleepFrame(0.5),
            VADUserStoppedSpeakingFrame(),
            SleepFrame(),
            TranscriptionFrame("Stop calling me.", "", ""),
            SleepFrame(),
        ],
    )
    await conversation.drain()
    assert ends == [OPTED_OUT]


@pytest.mark.parametrize("they", ["say something else", "speak on and on"])
async def test_who_speaks_into_the_farewell_does_not_hold_the_call_for_ever(they: str) -> None:
    ends: list[HangUp] = []
    on_and_on = they == "speak on and on"
    live, line = ScriptedCall(beginning=[FAREWELL, COMPLETED]), Line(hear_out_s=0.1)
    conversation = Conversation(live, line, idle_s=IDLE_S, end=ends.append, last_words_s=0.1 if on_and_on else IDLE_S)
    await run_test(
        Pipeline([OptOutEar(live, line), conversation]),
        frames_to_send=[
            SleepFrame(),
            VADUserStartedSpeakingFrame(),
            MarkReturned(mark=1),
            *([] if on_and_on else [VADUserStoppedSpeakingFrame()]),
            SleepFrame(1),
        ],
    )
    await conversation.drain()
    assert (ends, live.told) == ([COMPLETED], [("played", FAREWELL.position, True)])


@pytest.mark.parametrize("said", ["over the disclosure", "to a question"])
async def test_what_no_turn_took_up_is_kept_when_the_call_ends(said: str) -> None:
    live, line = ScriptedCall(answers=[[QUESTION]]), Line()
    conversation = Conversation(live, line, idle_s=IDLE_S, end=lambda _: None)
    await run_test(
        Pipeline([OptOutEar(live, line), conversation]),
        frames_to_send=[
            SleepFrame(),
            *([] if said == "over the disclosure" else [MarkReturned(mark=1)]),
            SleepFrame(),
            TranscriptionFrame("I was", "", ""),
            TranscriptionFrame("about to say", "", ""),
            SleepFrame(),
        ],
    )
    await conversation.drain()
    words = [told for told in live.told if told[0] == "last words"]
    # What is said over the disclosure is not heard.
    assert words == ([] if said == "over the disclosure" else [("last words", "I was about to say")])


async def test_what_a_turn_took_up_are_no_last_words() -> None:
    live, line = ScriptedCall(beginning=[QUESTION], answers=[[QUESTION]]), Line()
    conversation = Conversation(live, line, idle_s=IDLE_S, end=lambda _: None)
    await run_test(
        Pipeline([OptOutEar(live, line), conversation]),
        frames_to_send=[SleepFrame(), TranscriptionFrame("Maya.", "", ""), SleepFrame()],
    )
    conversation.customer_said("Maya.")
    await asyncio.sleep(0)
    await conversation.drain()
    assert not [told for told in live.told if told[0] == "last words"]


class SlowlyKept(ScriptedCall):
    """An opt-out whose row takes a while."""

    async def heard(self, text: str, *, at_ms: int, timings: Mapping[str, int]) -> AsyncGenerator[CallEvent]:
        await asyncio.sleep(0.3)
        yield OPTED_OUT


async def test_who_talks_on_after_an_opt_out_is_hung_up_on_all_the_same() -> None:
    ends: list[HangUp] = []
    conversation = Conversation(SlowlyKept(beginning=[QUESTION]), Line(), idle_s=IDLE_S, end=ends.append)
    await run_test(
        conversation,
        frames_to_send=[
            SleepFrame(),
            OptOutHeard("stop calling me"),
            SleepFrame(0.1),
            UserStartedSpeakingFrame(),
            InterruptionFrame(),
            SleepFrame(0.5),
        ],
    )
    await conversation.drain()
    assert ends == [OPTED_OUT]


async def test_who_speaks_before_it_is_over_is_listened_to() -> None:
    ends: list[HangUp] = []
    live, line = ScriptedCall(beginning=[QUESTION]), Line()
    conversation = Conversation(live, line, idle_s=IDLE_S, end=ends.append)
    await run_test(
        conversation, frames_to_send=[SleepFrame(), UserStartedSpeakingFrame(), InterruptionFrame(), SleepFrame()]
    )
    await conversation.drain()
    assert (ends, live.told) == ([], [("played", QUESTION.position, False)])


SHORTLY = 0.2


@pytest.mark.parametrize("position", [DISCLOSURE.position, QUESTION.position])
async def test_a_carrier_that_does_not_say_what_it_played_ends_the_call(position: int) -> None:
    """Whatever was lost, the disclosure's mark or a question's: nobody knows what was heard."""
    ends: list[HangUp] = []
    live = ScriptedCall(beginning=[Say(1, "A", interruptible=False), Say(2, "B", interruptible=True)])
    conversation = Conversation(live, Line(patience_s=SHORTLY), idle_s=IDLE_S, end=ends.append)
    returned = [MarkReturned(mark=mark) for mark in (1, 2) if mark != position]
    await run_test(conversation, frames_to_send=[SleepFrame(), *returned, SleepFrame(1)])
    await conversation.drain()
    assert ends == [HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.FAILED)]
    assert ("played", position, True) not in live.told


async def test_a_lost_mark_of_the_farewell_changes_nothing_of_how_it_ended() -> None:
    ends: list[HangUp] = []
    live = ScriptedCall(beginning=[Say(9, "Bye.", interruptible=True), COMPLETED])
    conversation = Conversation(live, Line(patience_s=SHORTLY), idle_s=IDLE_S, end=ends.append)
    await run_test(conversation, frames_to_send=[SleepFrame(1.2)])
    await conversation.drain()
    assert (ends, live.told) == ([COMPLETED], [])


async def test_marks_that_come_in_time_end_nothing() -> None:
    ends: list[HangUp] = []
    live = ScriptedCall(beginning=[Say(1, "A", interruptible=False), Say(2, "B", interruptible=True)])
    conversation = Conversation(live, Line(patience_s=SHORTLY), idle_s=IDLE_S, end=ends.append)
    await run_test(
        conversation, frames_to_send=[SleepFrame(), MarkReturned(mark=1), MarkReturned(mark=2), SleepFrame(1)]
    )
    await conversation.drain()
    assert ends == []
