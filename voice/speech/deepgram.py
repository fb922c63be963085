"""Speech by Deepgram: streaming recognition with partial transcripts, streaming voice."""

from dataclasses import dataclass

from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.deepgram.tts import DeepgramTTSService
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pydantic import SecretStr

from recovery.voice_script import ScriptSettings
from voice.speech.schemas import PAUSE_S, SPOKEN_WITHIN_S

DEFAULT_URL = "wss://api.deepgram.com"
RECOGNISER = "nova-3-general"
# Where the script names a voice that is not Deepgram's, as the specification's own does.
VOICE, VOICES = "aura-2-helena-en", "aura-2-"
SLOWEST, FASTEST = 0.7, 1.5


@dataclass(frozen=True)
class DeepgramSpeech:
    """`base_url` is a ws:// or wss:// address. Nothing that is sent may train a model (rules C-20)."""

    api_key: SecretStr
    base_url: str = DEFAULT_URL

    async def warm(self) -> None:
        """Nothing to load: each call opens its own connections."""

    def speech_to_text(self) -> STTService:
        heard = DeepgramSTTService.Settings(model=RECOGNISER, endpointing=round(1000 * PAUSE_S), interim_results=True)
        return DeepgramSTTService(
            api_key=self.api_key.get_secret_value(),
            base_url=self.base_url,
            mip_opt_out=True,
            settings=heard,
        )

    def text_to_speech(self, settings: ScriptSettings) -> TTSService:
        return DeepgramTTSService(
            api_key=self.api_key.get_secret_value(),
            base_url=self.base_url,
            mip_opt_out=True,
            stop_frame_timeout_s=SPOKEN_WITHIN_S,
            settings=DeepgramTTSService.Settings(voice=_voice(settings.voice), speed=_speed(settings.speech_rate)),
        )


def _voice(name: str) -> str:
    return name if name.startswith(VOICES) else VOICE


def _speed(rate: float) -> float | None:
    """None: the voice's own pace."""
    return None if rate == 1 else min(max(rate, SLOWEST), FASTEST)
