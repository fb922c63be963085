"""What a pipeline needs of speech: an ear and a mouth for each call, made by the one adapter of the process."""

from typing import Protocol

from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService

from recovery.voice_script import ScriptSettings

# A machine or a provider that is busy takes long; what comes later than this is not spoken.
SPOKEN_WITHIN_S = 30.0
# A provider that recognises speech as it comes takes this much silence for the end of what was said.
PAUSE_S = 0.3


class Speech(Protocol):
    """One a process. The services that it makes belong to one call each."""

    async def warm(self) -> None:
        """Load what is slow to load, so that the first call does not wait."""

    def speech_to_text(self) -> STTService:
        """Pushes TranscriptionFrames, and InterimTranscriptionFrames where the provider has them."""

    def text_to_speech(self, settings: ScriptSettings) -> TTSService:
        """Speaks TTSSpeakFrames, in their order, at the pipeline's output rate, with the script's voice and pace."""
