"""What ends a call, whatever happens on the line at that moment."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

from pipecat.frames.frames import InterruptionFrame, UserStartedSpeakingFrame
from pipecat.tests.utils import SleepFrame, run_test

from graphs.voice_call.events import CallEvent, HangUp
from tests.voice.scripted import COMPLETED, FAREWELL, OPTED_OUT, QUESTION, ScriptedCall
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
