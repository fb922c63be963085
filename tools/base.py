"""What a tool is: typed arguments without ids or amounts, an effect, and four ways to end (style.md 15 to 18)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.conversations import ConversationChannel
from policy.claims.facts import Fact
from recovery.config import FlowConfig
from recovery.emails import Mailing


class Effect(StrEnum):
    READ = "READ"
    WRITE = "WRITE"


class ToolArgs(BaseModel):
    """Arguments from a model: nothing that names a cart, a person, an address or a percentage."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class ToolContext:
    """Who and which cart: bound by the session, never by arguments."""

    session: AsyncSession
    company_id: UUID
    cart_id: UUID
    conversation_id: UUID
    turn_id: UUID | None
    attempt_id: UUID | None
    channel: ConversationChannel
    # Identifies this call among all that were ever made; writes use it as their idempotency key.
    call_key: str
    now: datetime
    config: FlowConfig
    policy_version: int
    locale: str
    # The zone in which times are told.
    tz: str
    mailing: Mailing


@dataclass(frozen=True)
class Done:
    """The tool did it. `say` is a sentence that is true now, if there is one to say; `facts` stand behind it."""

    data: dict[str, JsonValue] = field(default_factory=dict)
    say: str | None = None
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A normal result: the shop does not allow it. `say` promises nothing."""

    code: str
    say: str


A = TypeVar("A", bound=ToolArgs)


@dataclass(frozen=True)
class Tool(Generic[A]):
    name: str
    # The docstring of its function: prompt text.
    description: str
    arguments: type[A]
    effect: Effect
    # JSON Schema of the arguments, as a model is given it.
    input_schema: dict[str, JsonValue]
    run: Callable[[ToolContext, A], Awaitable[Done | Refused]]


def tool(
    arguments: type[A], *, effect: Effect = Effect.WRITE
) -> Callable[[Callable[[ToolContext, A], Awaitable[Done | Refused]]], Tool[A]]:
    """Make a tool of a function. A tool that does not say that it only reads counts as one that writes."""

    def make(run: Callable[[ToolContext, A], Awaitable[Done | Refused]]) -> Tool[A]:
        name, description = getattr(run, "__name__", ""), (run.__doc__ or "").strip()
        if not description:
            raise TypeError(f"the tool {name} has no docstring, and that is what the model reads")
        return Tool(name, description, arguments, effect, arguments.model_json_schema(), run)

    return make
