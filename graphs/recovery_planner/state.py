"""What the planner works with for one stage."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict

from pydantic import BaseModel, ConfigDict, field_validator
from sqlalchemy.ext.asyncio import AsyncEngine

from graphs.model import NO_USAGE, Model, Usage
from knowledge.service import Hit
from policy.claims.facts import Fact
from recovery.begin_stage import StagePlan
from recovery.content import Content
from recovery.finish_stage import Written
from recovery.remedies import InterventionType
from tools.dispatch import Conversation, Toolbox

ADDRESS = re.compile(
    r"://|www\.|@|\b[\w-]+\.(?:[a-z]{2,}/|(?:com|net|org|info|biz|shop|store|io|co|xyz|me|ly)\b)", re.I
)


class Draft(BaseModel):
    """What a model answers: a remedy of the menu and the words, without any address to go to."""

    model_config = ConfigDict(extra="forbid")

    remedy: InterventionType
    content: Content

    @field_validator("content")
    @classmethod
    def has_no_address(cls, content: Content) -> Content:
        if any(ADDRESS.search(text) for text in content.texts()):
            raise ValueError("the shop adds the links")
        return content


@dataclass
class Drafted:
    """What came of a model call. `failure` says why there is no draft; `spent` what each model used."""

    model: str
    draft: Draft | None = None
    failure: str | None = None
    spent: list[tuple[str, Usage]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def usage(self) -> Usage:
        return sum((usage for _, usage in self.spent), NO_USAGE)


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
    # Millionths of a US dollar.
    price: Callable[[str, Usage], int]
    seconds: float = 8.0
    max_tokens: int = 900


class PlannerState(TypedDict, total=False):
    passages: tuple[Hit, ...]
    claims: tuple[GivenClaim, ...]
    upsell: str | None
    # What the upsells rest on.
    facts: tuple[Fact, ...]
    # Where a model was asked.
    drafted: Drafted
    written: Written
