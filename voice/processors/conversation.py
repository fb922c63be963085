"""The conversation as a processor: turns of the customer go in, sentences to speak come out."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import aclosing, suppress
from time import perf_counter

from pipecat.frames.frames import (
    Frame,
    InputDTMFFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMContextUserTurnFrame,
    StartFrame,
    TTSSpeakFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from db.tables.voice import EndReason, VoiceCallOutcome
from graphs.voice_call.events import CallEvent, HangUp, LiveCall, Say
from voice.frames import MarkReturned, OptOutHeard
from voice.line import Line
from voice.processors.serializer import mark_frame
from voice.turns.alarm import Alarm
from voice.turns.policies import VOICE_DETECTION

logger = logging.getLogger(__name__)

OPT_OUT_KEY = "9"
# Somebody who has begun to speak is known to be speaking so much later.
NOTICED_S = VOICE_DETECTION.start_secs + 0.1
# How long somebody may go on speaking to a call that is over for us.
LAST_WORDS_S = 10.0


class Conversation(FrameProcessor):
    """Turns the events of a `LiveCall` into speech, and what happens on the line into its inputs.

    A barge-in ends the turn that is being said; a write that it has begun is finished by the agent. `end` is told once
    how the call ends: when the last sentence was played and who talked into it was heard out, for at most
    `last_words_s`; at once after an opt-out, or when the carrier does not tell any more what it played.
    """

    def __init__(
        self,
        live: LiveCall,
        line: Line,
        *,
        idle_s: float,
        end: Callable[[HangUp], None],
        last_words_s: float = LAST_WORDS_S,
    ) -> None:
        super().__init__()
        self._live = live
        self._line = line
        self._idle_s = idle_s
        self._last_words_s = last_words_s
        self._idle = Alarm(self._fell_quiet)
        self._mark_overdue = Alarm(self._mark_lost)
        self._end = end
        self._last_words: HangUp | None = None
        self._answered = perf_counter()
        self._speech_ended = self._answered
        self._customer_speaks = False
        self._turn: asyncio.Task[None] | None = None
        self._cut: list[Say] = []
        self._gone = False
        self._records: set[asyncio.Task[None]] = set()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case LLMContextFrame() | LLMContextUserTurnFrame():
                # `customer_said` is told of turns; their history is the transcript's rows.
                pass
            case OptOutHeard():
                await self._opted_out(frame.text)
            case InputDTMFFrame():
                await self._pressed(frame.button.value)
            case MarkReturned():
                self._returned(frame.mark)
            case InterruptionFrame() if self._line.leaving or self._line.cut_off:
                # The last words are on their way, or the opt-out is being kept. The customer is muted, but for an
                # opt-out (turns.policies): no end of what they say now would ever come to go on from.
                pass
            case _:
                self._notice(frame)
                await self.push_frame(frame, direction)
                if isinstance(frame, StartFrame):
                    self._answered = self._speech_ended = perf_counter()
                    self._begin(self._live.opening())

    def _notice(self, frame: Frame) -> None:
        match frame:
            case InterruptionFrame():
                self._interrupted()
            case UserStartedSpeakingFrame():
                self._customer_speaks = True
                self._idle.stop()
            case VADUserStoppedSpeakingFrame():
                self._speech_ended = perf_counter() - frame.stop_secs
            case UserStoppedSpeakingFrame():
                self._customer_speaks = False
                self._wait_for_customer()

    async def drain(self) -> None:
        """Keep the last words and wait until what happened on the line is recorded: after the pipeline has ended."""
        self._idle.stop()
        self._mark_overdue.stop()
        if self._turn is not None:
            self._turn.cancel()
        if self._line.last_words is not None:
            text, at = self._line.last_words
            self._record(self._live.last_words(text, at_ms=_ms(at - self._answered)))
        while self._records:
            await asyncio.wait(self._records)

    def left(self) -> None:
        """The customer has put the phone down: nothing is said any more, and nothing but an opt-out still begins."""
        self._gone = True
        self._idle.stop()
        self._mark_overdue.stop()
        if not self._line.cut_off:  # the opt-out's turn goes on
            self._stop_turn()

    def time_is_up(self) -> None:
        """End the call, unless it is ending: nothing new is said, and what the customer is saying is heard out."""
        if not (self._line.leaving or self._line.cut_off):
            self.left()
            self._begin(_ending(HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.TIME_LIMIT)))

    def customer_said(self, text: str) -> None:
        """A turn of the customer has ended. Where nothing of it could be understood, say again what it cut off."""
        if self._gone:
            return
        if text:
            self._line.answered()
            now = perf_counter()
            timings = {"speechEndToTranscript": _ms(now - self._speech_ended)}
            self._begin(self._live.heard(text, at_ms=self._at_ms(), timings=timings), transcript_at=now)
        elif self._cut:
            self._begin(_again(self._cut))

    # What the customer does

    async def _opted_out(self, text: str) -> None:
        # The call knows it from here on, and keeps it whatever becomes of this pipeline.
        keeping = self._live.heard(text, at_ms=self._at_ms(), timings={})
        await self._fall_silent()
        self._begin(keeping)

    async def _pressed(self, digit: str) -> None:
        # Every other key means nothing, and interrupts nothing.
        if digit == OPT_OUT_KEY:
            keeping = self._live.pressed(digit)
            await self._fall_silent()
            self._begin(keeping)

    async def _fall_silent(self) -> None:
        """Not a sound more: what comes now is an opt-out."""
        self._stop_turn()
        for say in self._line.cut():
            self._record(self._live.played(say.position, at_ms=self._at_ms(), whole=False))
        self._await_marks()
        await self.broadcast_interruption()  # type: ignore[no-untyped-call]

    def _interrupted(self) -> None:
        self._stop_turn()
        self._cut = self._line.interrupted()
        self._await_marks()
        for say in self._cut:
            self._record(self._live.played(say.position, at_ms=self._at_ms(), whole=False))

    def _returned(self, mark: int) -> None:
        say = self._line.returned(mark)
        if say is not None:
            self._await_marks()
            self._record(self._live.played(say.position, at_ms=self._at_ms(), whole=True))
            self._wait_for_customer()

    def _wait_for_customer(self) -> None:
        busy = self._customer_speaks or (self._turn is not None and not self._turn.done())
        if self._line.silent.is_set() and not busy and not self._gone:
            self._idle.set(self._idle_s)

    def _await_marks(self) -> None:
        if self._line.silent.is_set() or self._gone:
            self._mark_overdue.stop()
        else:
            self._mark_overdue.set(self._line.at_most_s)

    def _mark_lost(self) -> None:
        """Nobody can tell what the customer heard, the disclosure included: no call goes on like that."""
        logger.warning("mark_never_returned")
        self._end(self._last_words or HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.FAILED))

    def _fell_quiet(self) -> None:
        self._begin(self._live.quiet())

    # What we do

    def _begin(self, events: AsyncGenerator[CallEvent], *, transcript_at: float | None = None) -> None:
        """One turn: it replaces the one before, which the agent ends too."""
        self._stop_turn()
        self._cut = []
        self._idle.stop()
        self._turn = asyncio.create_task(self._run(events, transcript_at))
        self._turn.add_done_callback(self._turn_ended)

    def _stop_turn(self) -> None:
        if self._turn is not None:
            self._turn.cancel()

    async def _run(self, events: AsyncGenerator[CallEvent], transcript_at: float | None) -> None:
        first = transcript_at is not None
        async with aclosing(events):
            async for event in events:
                match event:
                    case Say():
                        if first and transcript_at is not None:
                            self._time(event, transcript_at)
                            first = False
                        await self._say(event)
                    case HangUp():
                        await self._hang_up(event)

    async def _say(self, say: Say) -> None:
        mark = self._line.say(say)
        self._await_marks()
        speak = TTSSpeakFrame(say.text, append_to_context=False)
        speak.interruptible = say.interruptible
        await self.push_frame(speak)
        await self.push_frame(mark_frame(mark, interruptible=say.interruptible))

    async def _hang_up(self, hang_up: HangUp) -> None:
        if not hang_up.at_once:
            self._line.leave()
            self._last_words = hang_up
            await self._line.silent.wait()
            await asyncio.sleep(NOTICED_S)
            # An opt-out that somebody has begun replaces this turn; whatever else they say is not answered.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._last_words_s):
                    await self._line.heard_out.wait()
        self._end(hang_up)

    def _turn_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("call_turn_crashed", exc_info=error)
        self._wait_for_customer()

    # Records

    def _time(self, say: Say, transcript_at: float) -> None:
        """Follow this sentence, the first of a turn, until its audio leaves."""
        passed = perf_counter()

        def audio_left() -> None:
            timings: Mapping[str, int] = {
                "sentencePassed": _ms(passed - transcript_at),
                "firstAudio": _ms(perf_counter() - passed),
            }
            self._record(self._live.timed(say.position, timings))

        self._line.on_next_audio(audio_left)

    def _record(self, writing: Coroutine[object, object, None]) -> None:
        """Write without holding up the line; `drain` waits for it."""
        task = asyncio.create_task(writing)
        self._records.add(task)
        task.add_done_callback(self._recorded)

    def _recorded(self, task: "asyncio.Task[None]") -> None:
        self._records.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("call_record_lost", exc_info=error)

    def _at_ms(self) -> int:
        return _ms(perf_counter() - self._answered)


async def _again(cut: list[Say]) -> AsyncGenerator[CallEvent]:
    for say in cut:
        yield say


async def _ending(hang_up: HangUp) -> AsyncGenerator[CallEvent]:
    yield hang_up


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
