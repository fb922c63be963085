"""What the planner works with for one stage."""

from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy.ext.asyncio import AsyncEngine

from graphs.model import Model
from knowledge.service import Hit
from policy.claims.facts import Fact
from recovery.begin_stage import StagePlan
from recovery.finish_stage import Written
from tools.dispatch import Conversation, Toolbox


@dataclass(frozen=True)
class GivenClaim:
    """A true sentence that get_cart offered, to be logged when it is used."""

    handle: str
    sentence: str


@dataclass(frozen=True)
class PlannerContext:
    """`model` None: the same with templates. `seconds` is the time that a model may take."""

    engine: AsyncEngine
    model: Model | None
    toolbox: Toolbox
    conversation: Conversation
    plan: StagePlan
    system: str
    seconds: float = 8.0
    max_tokens: int = 900


class PlannerState(TypedDict, total=False):
    passages: tuple[Hit, ...]
    claims: tuple[GivenClaim, ...]
    upsell: str | None
    # What the upsells rest on.
    facts: tuple[Fact, ...]
    written: Written
