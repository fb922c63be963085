"""Listens for "stop calling me" beside everything else, and outranks it (rules C-12)."""

from pipecat.frames.frames import Frame, InterimTranscriptionFrame, TranscriptionFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from graphs.voice_call.events import LiveCall
from voice.frames import OptOutHeard


class OptOutEar(FrameProcessor):
    """Sits before the turn policies: it hears partial transcripts, and what is said over the disclosure."""

    def __init__(self, live: LiveCall) -> None:
        super().__init__()
        self._live = live

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        partial = isinstance(frame, InterimTranscriptionFrame)
        if isinstance(frame, InterimTranscriptionFrame | TranscriptionFrame) and self._live.opts_out(
            frame.text, partial=partial
        ):
            await self.push_frame(OptOutHeard(frame.text))
        else:
            await self.push_frame(frame, direction)
