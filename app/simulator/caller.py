"""The called customer: hears our audio through speech to text, answers what they heard in a voice of their own."""

import asyncio
import audioop
from collections.abc import Coroutine
from dataclasses import dataclass, field
from time import perf_counter

from app.simulator.media import FRAME_BYTES, FRAME_S, MediaStream
from app.simulator.scenarios import Scenario
from app.simulator.twilio import FakeCall, Stream
from voice.speech.local_models import LocalModels

# Somebody has finished when nothing was heard for so long: our sentences are nearer to each other.
FINISHED_S = 0.7
# Quieter than any speech of ours, of 16-bit samples.
AUDIBLE = 200
# The opening is talked over, and sentences are interrupted, so long after they began.
INTO_IT_S = 1.0
LEAST_SPEECH_S = 0.25


@dataclass
class Measured:
    """Milliseconds as the customer has them: at the phone, with the way there and back in them."""

    answers_ms: list[int] = field(default_factory=list)
    silences_ms: list[int] = field(default_factory=list)
    # When the customer had asked for no more calls, and how long it took until the line was cut and a row says so.
    opted_out_at: float | None = None
    opt_out_ms: int | None = None
    suppressed_ms: int | None = None

    def since_opt_out_ms(self) -> int:
        assert self.opted_out_at is not None
        return _ms_since(self.opted_out_at)


class ScriptedCaller:
    """One customer on one call. What they heard is in `heard`, what they said in `said`, each with its moment."""

    def __init__(self, models: LocalModels, scenario: Scenario, *, name: str) -> None:
        self._models, self._scenario, self._name = models, scenario, name
        self.measured = Measured()
        self.heard: list[str] = []
        self.said: list[str] = []
        self.stream: MediaStream | None = None
        self._utterance = bytearray()
        self._audible_frames = 0
        self._silent_frames = 0
        self._replies = 0
        self._stopped_at: float | None = None
        self._interrupted_at: float | None = None
        self._thinking: set[asyncio.Task[None]] = set()

    async def answer(self, call: FakeCall, stream: Stream) -> None:
        """Take the call until it ends."""
        self.stream = MediaStream(
            account_sid=call.form.get("AccountSid", "AC"),
            call_sid=call.sid,
            parameters=stream.parameters,
            hears=self._hear,
            signature=stream.signature,
        )
        try:
            await self.stream.carry(stream.url)
        finally:
            if self.measured.opted_out_at is not None:
                self.measured.opt_out_ms = self.measured.since_opt_out_ms()
            for task in self._thinking:
                task.cancel()

    def _hear(self, frame: bytes | None) -> None:
        """20 ms of what is played."""
        audible = frame is not None and audioop.rms(audioop.ulaw2lin(frame, 2), 2) > AUDIBLE
        if frame is not None:
            self._utterance += frame
        if audible:
            self._audible()
            self._silent_frames = 0
            return
        self._silent_frames += 1
        self._silence(frame)
        if self._audible_frames * FRAME_S >= LEAST_SPEECH_S and self._silent_frames * FRAME_S >= FINISHED_S:
            utterance, self._utterance = bytes(self._utterance), bytearray()
            self._audible_frames = 0
            self._think(utterance)

    def _audible(self) -> None:
        self._audible_frames += 1
        if self._stopped_at is not None:
            self.measured.answers_ms.append(_ms_since(self._stopped_at))
            self._stopped_at = None
        spoken_s = self._audible_frames * FRAME_S
        if abs(spoken_s - INTO_IT_S) < FRAME_S / 2:
            self._talk_over()

    def _silence(self, frame: bytes | None) -> None:
        if self._interrupted_at is not None and frame is None:
            self.measured.silences_ms.append(_ms_since(self._interrupted_at))
            self._interrupted_at = None

    def _talk_over(self) -> None:
        if not self.said and self._scenario.over_the_opening:
            self._start(self._say(self._scenario.over_the_opening, over=True))
        elif self._scenario.interrupts is not None and self._replies == self._scenario.interrupts[0]:
            self._replies += 1
            self._start(self._say(self._scenario.interrupts[1], interrupts=True))

    def _think(self, utterance: bytes) -> None:
        self._start(self._reply(utterance))

    def _start(self, doing: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(doing)
        self._thinking.add(task)
        task.add_done_callback(self._thinking.discard)

    async def _reply(self, utterance: bytes) -> None:
        wide, _ = audioop.ratecv(audioop.ulaw2lin(utterance, 2), 2, 1, 8_000, 16_000, None)
        heard = await self._models.recognise(wide)
        self.heard.append(heard)
        answer = next((each for each in self._scenario.answers if each.fits(heard)), None)
        if answer is None or self.stream is None or self.stream.saying:
            return
        self._replies += 1
        if answer.press:
            self.measured.opted_out_at = perf_counter()
            await self.stream.press(answer.press)
        else:
            await self._say(answer.text.format(name=self._name))

    async def _say(self, text: str, *, over: bool = False, interrupts: bool = False) -> None:
        assert self.stream is not None
        self.said.append(text)
        pcm = _without_silence(await self._models.synthesise(text, rate=8_000))
        ulaw = audioop.lin2ulaw(pcm, 2)
        self.stream.say(ulaw)
        if interrupts:
            self._interrupted_at = perf_counter()
        await asyncio.sleep(len(ulaw) / FRAME_BYTES * FRAME_S)
        if not over:
            self._stopped_at = perf_counter()
        if "stop calling" in text:
            self.measured.opted_out_at = perf_counter()


def _without_silence(pcm: bytes) -> bytes:
    """The speech alone: when somebody stops is when the last word ends."""
    frame = 2 * FRAME_BYTES
    frames = [pcm[start : start + frame] for start in range(0, len(pcm), frame)]
    spoken = [index for index, each in enumerate(frames) if audioop.rms(each, 2) > AUDIBLE]
    return b"".join(frames[spoken[0] : spoken[-1] + 1]) if spoken else pcm


def _ms_since(moment: float) -> int:
    return round((perf_counter() - moment) * 1000)
