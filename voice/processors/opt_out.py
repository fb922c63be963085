"""Listens for "stop calling me" beside everything else, and outranks it (rules C-12)."""

from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from graphs.voice_call.events import LiveCall
from voice.frames import OptOutHeard
from voice.line import Line


class OptOutEar(FrameProcessor):
    """Sits before the turn policies: it hears partial transcripts, and what is said over the disclosure.

    What it notes on the line, that somebody is speaking and what they said, therefore holds for a muted customer too.
    """

    def __init__(self, live: LiveCall, line: Line) -> None:
        super().__init__()
        self._live = live
        self._line = line

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case VADUserStartedSpeakingFrame():
                self._line.speech_began()
            case VADUserStoppedSpeakingFrame():
                self._line.speech_ended()
        partial = isinstance(frame, InterimTranscriptionFrame)
        if isinstance(frame, InterimTranscriptionFrame | TranscriptionFrame) and self._live.opts_out(
            frame.text, partial=partial
        ):
            await self.push_frame(OptOutHeard(frame.text))
        else:
            if isinstance(frame, TranscriptionFrame):
                self._line.understood(frame.text)
            await self.push_frame(frame, direction)
