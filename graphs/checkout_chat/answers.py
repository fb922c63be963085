"""From what a turn said and did to its answer: pure."""

import re
from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel

from graphs.checkout_chat.state import Passage, TurnState
from graphs.conversations.schemas import Answer, Source, SuggestedAction
from graphs.conversations.telling import applied_discount
from tools.dispatch import ToolReply

HUMAN = SuggestedAction(type="escalate", label="Talk to a person")
_WORD = re.compile(r"[^\W\d_]{4,}")


def answer_of(state: TurnState) -> Answer:
    """The JSON answer of spec 6."""
    return Answer(
        response="".join(each.text for each in state["said"]).strip(),
        suggested_actions=(HUMAN,) if state["offers_human"] else (),
        auto_applied_discount=applied_discount(state["replies"]),
        sources=tuple(Source(id=each.entry_id, title=each.title, version=each.version) for each in sources_of(state)),
    )


def sources_of(state: TurnState) -> list[Passage]:
    """The FAQ entries that the answer rests on: a sentence is bound to them, or repeats their words."""
    bound = {fact_id for each in state["said"] for fact_id in each.fact_ids}
    return [
        each
        for each in state["passages"]
        if f"faq:{each.entry_id}@{each.version}" in bound or any(_repeats(said.text, each) for said in state["said"])
    ]


def found_by(reply: ToolReply, *, known: Sequence[Passage]) -> list[Passage]:
    """The entries that a search_faq call brought and that were not found before."""
    entries = reply.result.get("entries")
    if reply.name != "search_faq" or not isinstance(entries, list):
        return []
    seen = {each.entry_id for each in known}
    found = [_Entry.model_validate(each) for each in entries]
    return [
        Passage(each.id, each.title, each.version, f"{each.title}\n{each.answer}", score=0.0)
        for each in found
        if each.id not in seen
    ]


class _Entry(BaseModel):
    id: UUID
    title: str
    version: int
    answer: str


def _repeats(sentence: str, passage: Passage) -> bool:
    """Whether most words of a sentence stand in the passage."""
    words = {word.lower() for word in _WORD.findall(sentence)}
    known = {word.lower() for word in _WORD.findall(passage.text)}
    return len(words) >= 3 and len(words & known) >= 0.6 * len(words)
