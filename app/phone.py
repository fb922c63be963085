"""The phone of the API process: what holds the calls that were answered."""

from typing import TYPE_CHECKING

from app.parts import Parts
from app.settings import Settings

if TYPE_CHECKING:
    from voice.pipeline import Phone
    from voice.speech.schemas import Speech


def open_phone(settings: Settings, parts: Parts) -> "Phone | None":
    """None where there is no carrier: then nobody is called, and nothing of it is loaded (it takes seconds)."""
    if parts.telephony is None:
        return None
    from voice.pipeline import Limits, Phone
    from voice.turns.policies import TurnStop

    return Phone(
        engine=parts.engine,
        agent=parts.voice,
        speech=_speech(settings),
        telephony=parts.telephony,
        turn_stop=TurnStop(settings.voice_turn_stop),
        limits=Limits(call_s=settings.voice_call_limit_s),
    )


def _speech(settings: Settings) -> "Speech":
    if settings.deepgram_api_key is not None:
        from voice.speech.deepgram import DeepgramSpeech

        return DeepgramSpeech(settings.deepgram_api_key, settings.deepgram_base_url)
    from voice.speech.local import LocalSpeech

    return LocalSpeech()
