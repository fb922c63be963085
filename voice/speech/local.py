"""Speech on this machine, with no key: the adapter over local_models."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from pipecat.frames.frames import Frame, TranscriptionFrame, TTSAudioRawFrame
from pipecat.services.settings import STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService, STTService
from pipecat.services.tts_service import TTSService
from pipecat.utils.time import time_now_iso8601

from recovery.voice_script import ScriptSettings
from voice.speech.local_models import LocalModels, get_local_models
from voice.speech.rates import HEARING_RATE
from voice.speech.schemas import SPOKEN_WITHIN_S

WARM_UP = "Hello, and thank you."
# How long a transcript may take after the speech ended before a turn ends without it.
TRANSCRIPT_WITHIN_S = 1.5


@dataclass(frozen=True)
class LocalSpeech:
    async def warm(self) -> None:
        models = await asyncio.to_thread(get_local_models)
        await models.recognise(await models.synthesise(WARM_UP, rate=HEARING_RATE))

    def speech_to_text(self) -> STTService:
        return LocalSpeechToText(get_local_models())

    def text_to_speech(self, settings: ScriptSettings) -> TTSService:
        return LocalTextToSpeech(get_local_models(), speed=settings.speech_rate)


class LocalSpeechToText(SegmentedSTTService):
    """Recognises each stretch of speech once the voice detector says that it ended: there are no partials."""

    def __init__(self, models: LocalModels) -> None:
        super().__init__(
            ttfs_p99_latency=TRANSCRIPT_WITHIN_S,
            settings=STTSettings(model="whisper-tiny.en", language=None),
        )
        self._models = models

    @property
    def wants_wav_segments(self) -> bool:
        return False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        if text := await self._models.recognise(audio):
            yield TranscriptionFrame(text, "", time_now_iso8601())


class LocalTextToSpeech(TTSService):
    def __init__(self, models: LocalModels, *, speed: float) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            stop_frame_timeout_s=SPOKEN_WITHIN_S,
            settings=TTSSettings(model="hibari", voice="heart", language=None),
        )
        self._models, self._speed = models, speed

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Sentence by sentence: the first is on its way while the next is made."""
        for sentence in self._models.synthesiser.sentences(text):
            pcm = await self._models.synthesise(sentence, rate=self.sample_rate, speed=self._speed)
            yield TTSAudioRawFrame(pcm, self.sample_rate, 1, context_id=context_id)
