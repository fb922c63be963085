"""What a call's turn knows: where the conversation stands, what was heard, what comes of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import TypedDict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from graphs.conversations.schemas import Answer, Said, Turn
from graphs.model import NO_USAGE, Model, ModelMessage, ToolUse, Usage
from graphs.voice_call.course import Changed, Hearing, Move, Progress
from graphs.voice_call.events import CallEvent, Say
from graphs.voice_call.wording import Wording, aloud
from policy.claims.facts import Fact
from tools.dispatch import Conversation, Toolbox, ToolReply

# With less than this left a model is not asked again: it could only fail.
ENOUGH_S = 0.3


class CallAnswer(Answer):
    """What a turn of a call leaves: what a chat's turn leaves, and where the call stands."""

    progress: Progress


@dataclass(frozen=True)
class CallLimits:
    """Milliseconds matter on the phone: a model that has not finished a sentence by then is not waited for."""

    first_sentence_s: float = 2.5
    seconds: float = 7.0
    rounds: int = 3
    tool_calls: int = 6
    max_tokens: int = 200
    characters: int = 1_200
    history_rows: int = 30


@dataclass
class CallContext:
    """Everything that a turn works with. `timings` are milliseconds by stage."""

    engine: AsyncEngine
    call_id: UUID
    # None: the script alone speaks.
    model: Model | None
    toolbox: Toolbox
    conversation: Conversation
    turn: Turn
    wording: Wording
    # As it is stored, the first row of the transcript.
    disclosure: str
    system: str
    emit: Callable[[CallEvent], None]
    price: Callable[[str, Usage], int]
    # Where the call stands, also if the turn breaks off now.
    progress: Progress
    limits: CallLimits = field(default_factory=CallLimits)
    started: float = field(default_factory=perf_counter)
    timings: dict[str, int] = field(default_factory=dict)
    cost_micro_usd: int = 0
    # Tool calls that have begun: they are finished, whoever interrupts.
    running: set["asyncio.Task[ToolReply]"] = field(default_factory=set)

    @property
    def now(self) -> datetime:
        """The shop's time: the turn's beginning and what has passed since."""
        return self.turn.now + timedelta(seconds=perf_counter() - self.started)

    def show(self, position: int, text: str) -> None:
        self.timings.setdefault("sentencePassed", self.passed_ms)
        self.emit(Say(position, text.strip(), interruptible=True))

    def worded(self, sentence: str) -> str:
        return aloud(sentence)

    def spend(self, model: str, usage: Usage) -> None:
        self.cost_micro_usd += self.price(model, usage)

    @property
    def has_time(self) -> bool:
        """Whether a model that is asked now could still be in time."""
        return self.limits.seconds - self.passed_ms / 1000 > ENOUGH_S

    @property
    def passed_ms(self) -> int:
        return round((perf_counter() - self.started) * 1000)


class CallUpdate(TypedDict, total=False):
    """What a node changes."""

    move: Move
    progress: Progress
    facts: tuple[Fact, ...]
    messages: tuple[ModelMessage, ...]
    said: tuple[Said, ...]
    replies: tuple[ToolReply, ...]
    pending: tuple[ToolUse, ...]
    rounds: int
    usage: Usage
    model: str | None
    fallback_reason: str | None


class CallTurn(CallUpdate, total=False):
    """The whole of a turn. `told` are earlier sentences that were heard, `earlier` is what tools did before."""

    hearing: Hearing
    before: Progress
    done: Changed
    told: tuple[Said, ...]
    earlier: tuple[ToolReply, ...]


def first_turn(before: Progress, hearing: Hearing, done: Changed) -> CallTurn:
    return {
        "before": before,
        "progress": before,
        "hearing": hearing,
        "done": done,
        "facts": (),
        "messages": (),
        "told": (),
        "earlier": (),
        "said": (),
        "replies": (),
        "pending": (),
        "rounds": 0,
        "usage": NO_USAGE,
        "model": None,
        "fallback_reason": None,
    }
