"""Whose turn it is, as a list of small policies for Pipecat's user aggregator."""

from enum import StrEnum

from pipecat.audio.turn.smart_turn.base_smart_turn import SmartTurnParams
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import Frame
from pipecat.processors.aggregators.llm_response_universal import LLMUserAggregatorParams
from pipecat.turns.user_mute import BaseUserMuteStrategy
from pipecat.turns.user_start import TranscriptionUserTurnStartStrategy, VADUserTurnStartStrategy
from pipecat.turns.user_stop import (
    BaseUserTurnStopStrategy,
    SpeechTimeoutUserTurnStopStrategy,
    TurnAnalyzerUserTurnStopStrategy,
)
from pipecat.turns.user_turn_strategies import UserTurnStrategies

from voice.line import Line

VOICE_DETECTION = VADParams(start_secs=0.2, stop_secs=0.2)
# Where the model says "not finished" and nothing more comes, the turn ends after this.
UNFINISHED_S = 1.5
SPEECH_TIMEOUT_S = 0.6
# A turn of which nothing could be understood (a cough, a door) ends after this.
NOTHING_UNDERSTOOD_S = 2.5


class TurnStop(StrEnum):
    """How the end of the customer's turn is known: a model that listens to the intonation, or a pause."""

    SMART_TURN = "smart-turn"
    TIMEOUT = "timeout"


class MustBeHeard(BaseUserMuteStrategy):
    """Disclosure and farewell are spoken to their end, whoever talks over them (rules C-11).

    It mutes until the carrier's mark came back, not until our audio was sent: the customer is seconds behind that.
    Opt-outs are heard before this policy is asked.
    """

    def __init__(self, line: Line) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._line = line

    async def process_frame(self, frame: Frame) -> bool:
        await super().process_frame(frame)
        return self._line.must_be_heard


def turn_policies(line: Line, stop: TurnStop) -> LLMUserAggregatorParams:
    """Start by voice or by transcript, stop by model or pause; barge-in everywhere but where it must be heard."""
    return LLMUserAggregatorParams(
        user_turn_strategies=UserTurnStrategies(
            start=[VADUserTurnStartStrategy(), TranscriptionUserTurnStartStrategy()], stop=[_stop(stop)]
        ),
        user_mute_strategies=[MustBeHeard(line)],
        user_turn_stop_timeout=NOTHING_UNDERSTOOD_S,
        # What to say after a turn that could not be understood is the conversation's to know (processors.conversation).
        empty_user_turn=None,
        # Idle time is counted from what was played, not from what was sent (processors.conversation).
        user_idle_timeout=0,
    )


def _stop(stop: TurnStop) -> BaseUserTurnStopStrategy:
    match stop:
        case TurnStop.SMART_TURN:
            analyzer = LocalSmartTurnAnalyzerV3(params=SmartTurnParams(stop_secs=UNFINISHED_S))
            return TurnAnalyzerUserTurnStopStrategy(turn_analyzer=analyzer)
        case TurnStop.TIMEOUT:
            return SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=SPEECH_TIMEOUT_S)
