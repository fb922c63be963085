"""What a turn is given and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


@dataclass(frozen=True)
class Turn:
    """One shopper utterance, stored and redacted, whose answer this process may give. `now` is when it began."""

    id: UUID
    session_id: UUID
    company_id: UUID
    content: str
    now: datetime


@dataclass(frozen=True)
class Said:
    """A sentence that was shown, the facts that it rests on, and its row."""

    text: str
    fact_ids: frozenset[str]
    position: int | None = None


@dataclass(frozen=True)
class Repeat:
    """The request was made before: this is its turn, running or done."""

    turn_id: UUID
    session_id: UUID
    company_id: UUID


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Source(_Part):
    """An FAQ entry that the answer rests on, and the version that was read."""

    id: UUID
    title: str
    version: int


class SuggestedAction(_Part):
    """Spec 6's ChatAction: something to press."""

    type: str
    label: str
    data: dict[str, str] = Field(default_factory=dict)


class AppliedDiscount(_Part):
    """What the conversation has just put on the cart."""

    kind: str
    percent: float | None
    sentence: str


class Answer(_Part):
    """The whole answer of a turn (spec 6)."""

    response: str
    suggested_actions: tuple[SuggestedAction, ...] = ()
    auto_applied_discount: AppliedDiscount | None = None
    sources: tuple[Source, ...] = ()
