"""A conversation that follows a list: what a `LiveCall` would say, and what the line told it."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from db.tables.voice import EndReason, VoiceCallOutcome
from graphs.voice_call.events import CallEvent, HangUp, LiveCall, Say
from recovery.voice_script import ScriptSettings

DISCLOSURE = Say(
    1, "This is an automated call from Maple Coffee. To stop these calls, press nine.", interruptible=False
)
QUESTION = Say(2, "May I have your first name?", interruptible=True)
OPTED_OUT = HangUp(VoiceCallOutcome.DECLINED, EndReason.OPT_OUT, at_once=True)
FAREWELL = Say(9, "Thank you, and good bye.", interruptible=True)
COMPLETED = HangUp(VoiceCallOutcome.CALLBACK_REQUESTED, EndReason.COMPLETED)


@dataclass
class ScriptedCall:
    """`answers` are taken one an utterance; `told` keeps every input in order."""

    answers: list[list[CallEvent]] = field(default_factory=list)
    beginning: list[CallEvent] = field(default_factory=lambda: [DISCLOSURE, QUESTION])
    told: list[tuple[object, ...]] = field(default_factory=list)
    timings: list[Mapping[str, int]] = field(default_factory=list)
    ended: HangUp | None = None
    settings: ScriptSettings = field(default_factory=ScriptSettings)

    async def opening(self) -> AsyncGenerator[CallEvent]:
        for event in self.beginning:
            self._ends(event)
            yield event

    async def heard(self, text: str, *, at_ms: int, timings: Mapping[str, int]) -> AsyncGenerator[CallEvent]:
        self.told.append(("heard", text))
        self.timings.append(timings)
        answer: list[CallEvent] = [OPTED_OUT] if self.opts_out(text, partial=False) else self.answers.pop(0)
        for event in answer:
            self._ends(event)
            yield event

    async def quiet(self) -> AsyncGenerator[CallEvent]:
        self.told.append(("quiet",))
        answer: list[CallEvent] = [FAREWELL, HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.SILENCE)]
        for event in answer:
            self._ends(event)
            yield event

    async def pressed(self, digit: str) -> AsyncGenerator[CallEvent]:
        self.told.append(("pressed", digit))
        self._ends(OPTED_OUT)
        yield OPTED_OUT

    def opts_out(self, text: str, *, partial: bool) -> bool:
        return "stop calling" in text.lower()

    async def played(self, position: int, *, at_ms: int, whole: bool) -> None:
        self.told.append(("played", position, whole))

    async def timed(self, position: int, timings: Mapping[str, int]) -> None:
        self.timings.append(timings)

    async def last_words(self, text: str, *, at_ms: int) -> None:
        self.told.append(("last words", text))

    async def closed(self, reason: EndReason) -> HangUp:
        self.told.append(("closed", reason))
        return self.ended or HangUp(VoiceCallOutcome.DISCONNECTED, reason)

    def _ends(self, event: CallEvent) -> None:
        # An opt-out counts whenever it comes.
        if isinstance(event, HangUp) and (self.ended is None or event.at_once):
            self.ended = event


@dataclass(frozen=True)
class ScriptedAgent:
    call: LiveCall

    async def answer(self, call_id: UUID, *, company_id: UUID) -> LiveCall:
        return self.call
