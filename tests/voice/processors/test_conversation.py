"""What ends a call, whatever happens on the line at that moment."""

from pipecat.frames.frames import InterruptionFrame, UserStartedSpeakingFrame
from pipecat.tests.utils import SleepFrame, run_test

from graphs.voice_call.events import HangUp
from tests.voice.scripted import COMPLETED, FAREWELL, QUESTION, ScriptedCall
from voice.frames import MarkReturned
from voice.line import Line
from voice.processors.conversation import Conversation

IDLE_S = 30.0  # longer than a test


async def test_who_speaks_as_we_begin_to_hang_up_does_not_hold_the_call() -> None:
    """From then on the customer is muted, so that nothing is heard of the end of what they say."""
    ends: list[HangUp] = []
    live, line = ScriptedCall(beginning=[FAREWELL, COMPLETED]), Line()
    conversation = Conversation(live, line, idle_s=IDLE_S, end=ends.append)
    await run_test(
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


async def test_who_speaks_before_it_is_over_is_listened_to() -> None:
    ends: list[HangUp] = []
    live, line = ScriptedCall(beginning=[QUESTION]), Line()
    conversation = Conversation(live, line, idle_s=IDLE_S, end=ends.append)
    await run_test(
        conversation, frames_to_send=[SleepFrame(), UserStartedSpeakingFrame(), InterruptionFrame(), SleepFrame()]
    )
    await conversation.drain()
    assert (ends, live.told) == ([], [("played", QUESTION.position, False)])
