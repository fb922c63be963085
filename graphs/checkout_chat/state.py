"""What a chat turn knows, what it is given, and what it tells whoever is listening."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import Literal, Protocol, TypeAlias, TypedDict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.tables.customers import SuppressionScope
from graphs.conversations.schemas import Answer, Said, Turn
from graphs.model import NO_USAGE, Model, ModelMessage, ToolUse, Usage
from policy.claims.facts import Fact
from tools.dispatch import Conversation, Toolbox, ToolReply

# Those in which the question who answers is understood.
Language: TypeAlias = Literal["en", "es", "fr", "de", "pt", "it"]


@dataclass(frozen=True)
class Delta:
    """A sentence that passed and is stored; `position` is its event id."""

    position: int
    text: str


@dataclass(frozen=True)
class ToolRan:
    name: str
    outcome: str


@dataclass(frozen=True)
class TurnDone:
    """The whole answer; of a turn that broke, what was said and that it was interrupted."""

    answer: Answer


TurnEvent = Delta | ToolRan | TurnDone


class Detectors(Protocol):
    """What is looked for in an utterance before any model sees it."""

    def opts_out(self, text: str) -> SuppressionScope | None: ...

    def wants_human(self, text: str) -> bool: ...

    def frustrated(self, text: str) -> bool: ...

    def language_of_bot_question(self, text: str) -> Language | None: ...


@dataclass(frozen=True)
class Limits:
    """A turn ends in any case: after so many rounds with the model, tool calls, tokens, characters, seconds.

    Models and tools get `seconds`; `grace_s` is for a model that keeps no deadline to be cut off, and for the
    offline responder to finish what another could not.
    """

    rounds: int = 5
    tool_calls: int = 8
    max_tokens: int = 700
    # What a model that disregards max_tokens is listened to.
    characters: int = 8_000
    seconds: float = 8.0
    grace_s: float = 1.0
    history_rows: int = 30


@dataclass(frozen=True)
class Escalation:
    """Spec 6's escalateToHuman; the threshold is in minor units of the cart's currency, None for never."""

    on_request: bool
    on_frustration: bool
    high_value_minor: int | None


@dataclass
class TurnContext:
    """Everything that a turn works with. `spent` adds up what the models cost, `timings` are milliseconds."""

    engine: AsyncEngine
    model: Model
    toolbox: Toolbox
    detectors: Detectors
    conversation: Conversation
    turn: Turn
    system: str
    escalation: Escalation
    # The truth about who answers, by language (rules C-27).
    bot_answers: Mapping[Language, str]
    emit: Callable[[TurnEvent], None]
    price: Callable[[str, Usage], int]
    limits: Limits = field(default_factory=Limits)
    started: float = field(default_factory=perf_counter)
    timings: dict[str, int] = field(default_factory=dict)
    cost_micro_usd: int = 0

    @property
    def seconds_left(self) -> float:
        return self.limits.seconds - (perf_counter() - self.started)

    @property
    def now(self) -> datetime:
        """The shop's time: the turn's beginning and what has passed since."""
        return self.turn.now + timedelta(seconds=perf_counter() - self.started)

    def worded(self, sentence: str) -> str:
        return sentence

    def show(self, position: int, text: str) -> None:
        self.emit(Delta(position, text))

    def spend(self, model: str, usage: Usage) -> None:
        self.cost_micro_usd += self.price(model, usage)


@dataclass(frozen=True)
class Passage:
    """An FAQ entry that was found in this turn."""

    entry_id: UUID
    title: str
    version: int
    text: str
    score: float


class TurnUpdate(TypedDict, total=False):
    """What a node changes."""

    messages: tuple[ModelMessage, ...]
    facts: tuple[Fact, ...]
    passages: tuple[Passage, ...]
    said: tuple[Said, ...]
    replies: tuple[ToolReply, ...]
    pending: tuple[ToolUse, ...]
    rounds: int
    # A person of the shop answers here: the AI keeps silent, but hears an opt-out.
    silenced: bool
    over: bool
    offers_human: bool
    usage: Usage
    model: str | None
    fallback_reason: str | None


class TurnState(TurnUpdate, total=False):
    """The whole of it; one value a key, the last one written."""


def first_state() -> TurnState:
    return {
        "messages": (),
        "facts": (),
        "passages": (),
        "said": (),
        "replies": (),
        "pending": (),
        "rounds": 0,
        "silenced": False,
        "over": False,
        "offers_human": False,
        "usage": NO_USAGE,
        "model": None,
        "fallback_reason": None,
    }
