"""From what a turn said and did to its answer: pure."""

import re
from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel

from db.tables.conversations import ToolOutcome
from graphs.checkout_chat.state import Passage, Said, TurnState
from graphs.conversations.schemas import Answer, AppliedDiscount, Source, SuggestedAction
from tools.dispatch import ToolReply

# A change that was made is told, whatever the model said or could not say.
TOLD_IN_ANY_CASE = frozenset({"apply_discount", "set_opt_out", "request_human", "send_resume_link"})
HUMAN = SuggestedAction(type="escalate", label="Talk to a person")
_WORD = re.compile(r"[^\W\d_]{4,}")


def unspoken(replies: Sequence[ToolReply], said: Sequence[Said]) -> list[str]:
    """Sentences about changes that no shown sentence rests on, each once."""
    spoken_of = {fact_id for each in said for fact_id in each.fact_ids}
    texts = " ".join(each.text for each in said)
    missing: list[str] = []
    for reply in replies:
        sentence = reply.result.get("say")
        if reply.name not in TOLD_IN_ANY_CASE or reply.outcome is not ToolOutcome.OK or not isinstance(sentence, str):
            continue
        own = {fact.id for fact in reply.facts if not fact.id.startswith(("cart:", "line:"))}
        if not own & spoken_of and sentence not in texts and sentence not in missing:
            missing.append(sentence)
    return missing


def answer_of(state: TurnState) -> Answer:
    """The JSON answer of spec 6."""
    return Answer(
        response="".join(each.text for each in state["said"]).strip(),
        suggested_actions=(HUMAN,) if state["offers_human"] else (),
        auto_applied_discount=_applied(state["replies"]),
        sources=tuple(Source(id=each.entry_id, title=each.title, version=each.version) for each in sources_of(state)),
    )


def _applied(replies: Sequence[ToolReply]) -> AppliedDiscount | None:
    for reply in reversed(replies):
        if reply.name == "apply_discount" and reply.outcome is ToolOutcome.OK and reply.result.get("isNew"):
            percent = reply.result.get("percent")
            return AppliedDiscount(
                kind=str(reply.result["kind"]),
                percent=float(percent) if isinstance(percent, str) else None,
                sentence=str(reply.result["say"]),
            )
    return None


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
