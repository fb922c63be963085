"""What a call's conversation tells the line, and what the line tells it. No transport, no audio: text and moments."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from db.tables.voice import EndReason, VoiceCallOutcome
from recovery.voice_script import ScriptSettings


@dataclass(frozen=True)
class Say:
    """A sentence that passed the gate and is stored: speak it. `position` is its row in the transcript."""

    position: int
    text: str
    # The disclosure is not: it is spoken to its end, whoever talks over it (rules C-11).
    interruptible: bool


@dataclass(frozen=True)
class HangUp:
    """End the call when everything said so far has been played; `at_once` cuts the audio now (an opt-out)."""

    outcome: VoiceCallOutcome
    end_reason: EndReason
    at_once: bool = False


CallEvent: TypeAlias = Say | HangUp


class LiveCall(Protocol):
    """One call's conversation. Every method is safe to call in any order and at any time.

    A generator is one turn. A newer input ends the turn before it: its generator ends, nothing more of it is said,
    and a write that it has begun is finished and kept. Closing a generator (a barge-in) does the same.
    `at_ms` counts from the moment the call was answered; `timings` are milliseconds by stage: speechEndToTranscript,
    firstToken, sentencePassed, firstAudio.
    """

    @property
    def settings(self) -> ScriptSettings:
        """The voice and pace of the script that the call follows."""
        ...

    def opening(self) -> AsyncGenerator[CallEvent]:
        """The disclosure, then the question who is speaking."""
        ...

    def heard(self, text: str, *, at_ms: int, timings: Mapping[str, int]) -> AsyncGenerator[CallEvent]:
        """The customer has said something and stopped."""
        ...

    def quiet(self) -> AsyncGenerator[CallEvent]:
        """Nothing was heard for some seconds, and nothing is being said."""
        ...

    def pressed(self, digit: str) -> AsyncGenerator[CallEvent]:
        """A key of the phone: 9 opts out, every other means nothing."""
        ...

    def opts_out(self, text: str, *, partial: bool) -> bool:
        """Whether this, however it goes on if `partial`, asks for no more calls: then stop speaking, tell `heard`."""
        ...

    async def played(self, position: int, *, at_ms: int, whole: bool) -> None:
        """The customer has heard this sentence, or was interrupting when it began and did not hear its end."""
        ...

    async def timed(self, position: int, timings: Mapping[str, int]) -> None:
        """How long the stages took in the turn that this sentence belongs to."""
        ...

    async def last_words(self, text: str, *, at_ms: int) -> None:
        """What the customer said as the call ended and no turn took up: kept, and answered by nobody."""
        ...

    async def closed(self, reason: EndReason) -> HangUp:
        """The line is gone: ends the conversation. Returns how the call ended; the first outcome wins."""
        ...
