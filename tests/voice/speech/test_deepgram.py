"""The production adapter, unchanged, against a server that speaks Deepgram's protocols."""

import asyncio

import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    OutputTransportMessageFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.tests.utils import SleepFrame, run_test
from pydantic import SecretStr

from recovery.voice_script import ScriptSettings
from tests.fakes import deepgram
from voice.processors.serializer import mark_frame
from voice.speech.deepgram import DeepgramSpeech

TONE = bytes(range(256)) * 25  # 0.2 s at 16 kHz: what is in it is the fake's to say
PARAMS = PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=8_000)


async def hear(pcm: bytes, rate: int) -> str:
    assert rate == 16_000
    return "please stop calling me" if TONE in pcm else ""


async def speak(text: str, rate: int) -> bytes:
    return text.encode().ljust(rate, b"\0")  # half a second


def speech(fake: deepgram.FakeDeepgram, key: str = deepgram.KEY) -> DeepgramSpeech:
    return DeepgramSpeech(SecretStr(key), fake.url)


async def test_what_is_said_is_heard_in_part_and_then_whole() -> None:
    async with deepgram.serving(hear, speak) as fake:
        frames: list[Frame] = [
            VADUserStartedSpeakingFrame(),
            InputAudioRawFrame(TONE, 16_000, 1),
            SleepFrame(0.1),
            VADUserStoppedSpeakingFrame(),
            SleepFrame(0.3),
        ]
        down, up = await run_test(
            speech(fake).speech_to_text(), frames_to_send=frames, pipeline_params=PARAMS, start_timeout=5
        )
    said = [
        (type(frame), frame.text) for frame in down if isinstance(frame, InterimTranscriptionFrame | TranscriptionFrame)
    ]
    assert said == [(InterimTranscriptionFrame, "please stop"), (TranscriptionFrame, "please stop calling me")]
    assert [frame for frame in up if isinstance(frame, ErrorFrame)] == []
    (connection,) = fake.connections
    asked = {
        name: connection.query[name] for name in ("model", "encoding", "sample_rate", "interim_results", "mip_opt_out")
    }
    assert asked == {
        "model": "nova-3-general",
        "encoding": "linear16",
        "sample_rate": "16000",
        "interim_results": "true",
        "mip_opt_out": "true",
    }


async def test_a_sentence_is_spoken_at_the_line_s_rate() -> None:
    async with deepgram.serving(hear, speak) as fake:
        down, up = await run_test(
            speech(fake).text_to_speech(ScriptSettings()),
            frames_to_send=[TTSSpeakFrame("Good morning."), SleepFrame(0.5)],
            pipeline_params=PARAMS,
            start_timeout=5,
        )
    audio = b"".join(frame.audio for frame in down if isinstance(frame, TTSAudioRawFrame))
    assert len(audio) == 8_000
    assert audio.startswith(b"Good morning.")
    assert fake.commands[:2] == ["Speak", "Flush"]
    assert [frame for frame in up if isinstance(frame, ErrorFrame)] == []
    (connection,) = fake.connections
    assert (connection.path, connection.query["sample_rate"]) == ("/v1/speak", "8000")


async def test_a_sentence_whose_audio_is_late_is_waited_for() -> None:
    """Pipecat gives up after three seconds, and what follows would go out before it."""

    async def late(text: str, rate: int) -> bytes:
        await asyncio.sleep(3.3)
        return await speak(text, rate)

    async with deepgram.serving(hear, late) as fake:
        down, up = await run_test(
            speech(fake).text_to_speech(ScriptSettings()),
            frames_to_send=[TTSSpeakFrame("Good morning."), mark_frame(1, interruptible=False), SleepFrame(4)],
            pipeline_params=PARAMS,
            start_timeout=5,
        )
    came = [frame for frame in down if isinstance(frame, TTSAudioRawFrame | OutputTransportMessageFrame)]
    assert isinstance(came[0], TTSAudioRawFrame)
    assert isinstance(came[-1], OutputTransportMessageFrame)
    assert [frame for frame in up if isinstance(frame, ErrorFrame)] == []


@pytest.mark.parametrize(
    ("settings", "voice", "speed"),
    [
        (ScriptSettings(), "aura-2-helena-en", None),
        (ScriptSettings(voice="aura-2-orion-en", speech_rate=0.9), "aura-2-orion-en", "0.9"),
        (ScriptSettings(speech_rate=0.5), "aura-2-helena-en", "0.7"),
    ],
)
async def test_the_script_chooses_voice_and_pace(settings: ScriptSettings, voice: str, speed: str | None) -> None:
    async with deepgram.serving(hear, speak) as fake:
        await run_test(
            speech(fake).text_to_speech(settings),
            frames_to_send=[TTSSpeakFrame("Good morning."), SleepFrame(0.2)],
            pipeline_params=PARAMS,
            start_timeout=5,
        )
    (connection,) = fake.connections
    assert (connection.query["model"], connection.query.get("speed")) == (voice, speed)


async def test_a_wrong_key_is_an_error_and_nothing_is_heard() -> None:
    async with deepgram.serving(hear, speak) as fake:
        down, up = await run_test(
            speech(fake, "wrong").text_to_speech(ScriptSettings()),
            frames_to_send=[TTSSpeakFrame("Good morning."), SleepFrame(0.5)],
            pipeline_params=PARAMS,
            start_timeout=5,
        )
    assert fake.refused >= 1
    assert fake.connections == []
    assert any(isinstance(frame, ErrorFrame) for frame in up)
    assert not any(isinstance(frame, TTSAudioRawFrame) for frame in down)
