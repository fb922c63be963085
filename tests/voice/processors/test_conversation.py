"""What ends a call, whatever happens on the line at that moment."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

import pytest
from pipecat.frames.frames import InterruptionFrame, UserStartedSpeakingFrame
from pipecat.tests.utils import SleepFrame, run_test

from db.tables.voice import EndReason, VoiceCallOutcome
from graphs.voice_call.events import CallEvent, HangUp, Say
from tests.voice.scripted import COMPLETED, DISCLOSURE, FAREWELL, OPTED_OUT, QUESTION, ScriptedCall
from voice.frames import MarkReturned, OptOutHeard
from voice.line import Line
from voice.processors.conversation import Conversation

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
            SleepFrame(),
        ],
    )
    await conversation.drain()
    assert (ends, live.told) == ([COMPLETED], [("played", FAREWELL.position, True)])
    # Nor does it take the farewell from the voice.
    assert not any(isinstance(frame, InterruptionFrame) for frame in passed)


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
