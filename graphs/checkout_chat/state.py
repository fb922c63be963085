"""What a chat turn knows, what it is given, and what it tells whoever is listening."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol, TypedDict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.tables.customers import SuppressionScope
from graphs.conversations.schemas import Answer, Source, Turn
from graphs.model import NO_USAGE, Model, ModelMessage, ToolUse, Usage
from policy.claims.facts import Fact
from tools.base import Tool
from tools.dispatch import Conversation, Toolbox, ToolReply

__all__ = ["Fact", "Source", "Tool"]


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
    answer: Answer


TurnEvent = Delta | ToolRan | TurnDone


class Detectors(Protocol):
    """What is looked for in an utterance before any model sees it."""

    def opts_out(self, text: str) -> SuppressionScope | None: ...

    def wants_human(self, text: str) -> bool: ...

    def frustrated(self, text: str) -> bool: ...

    def asks_if_bot(self, text: str) -> bool: ...


@dataclass(frozen=True)
class Limits:
    """A turn ends in any case: after so many rounds with the model, tool calls, tokens, seconds."""

    rounds: int = 5
    tool_calls: int = 8
    max_tokens: int = 700
    seconds: float = 9.0
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
    names: tuple[Fact, ...]
    escalation: Escalation
    emit: Callable[[TurnEvent], None]
    price: Callable[[str, Usage], int]
    limits: Limits = field(default_factory=Limits)
    started: float = field(default_factory=perf_counter)
    timings: dict[str, int] = field(default_factory=dict)
    cost_micro_usd: int = 0

    @property
    def seconds_left(self) -> float:
        return self.limits.seconds - (perf_counter() - self.started)

    def spend(self, model: str, usage: Usage) -> None:
        self.cost_micro_usd += self.price(model, usage)


@dataclass(frozen=True)
class Said:
    """A sentence that was shown, and the facts that it rests on."""

    text: str
    fact_ids: frozenset[str]


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
        "over": False,
        "offers_human": False,
        "usage": NO_USAGE,
        "model": None,
        "fallback_reason": None,
    }


def merged(known: Sequence[Fact], fresh: Sequence[Fact]) -> tuple[Fact, ...]:
    """Facts with newer ones in the place of those they replace: a cart has one total, a cart one live grant."""
    ids = {fact.id for fact in fresh}
    grants = any(fact.id.startswith("grant:") for fact in fresh)
    kept = [fact for fact in known if fact.id not in ids and not (grants and fact.id.startswith("grant:"))]
    return (*kept, *fresh)


def outcomes(replies: Sequence[ToolReply]) -> Mapping[str, ToolReply]:
    """The last reply of each tool."""
    return {reply.name: reply for reply in replies}
