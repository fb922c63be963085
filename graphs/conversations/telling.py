"""What an answer must not leave out: pure."""

from collections.abc import Sequence

from db.tables.conversations import ToolOutcome
from graphs.conversations.schemas import AppliedDiscount, Said
from tools.dispatch import ToolReply

# A change that was made is told, whatever the model said or could not say.
TOLD_IN_ANY_CASE = frozenset({"apply_discount", "set_opt_out", "request_human", "send_resume_link"})
# Facts that hold before any tool was called: a sentence that rests on them tells of no change.
_STANDING = ("cart:", "line:")


def unspoken(replies: Sequence[ToolReply], said: Sequence[Said]) -> list[str]:
    """Sentences about changes that no shown sentence rests on, each once."""
    spoken_of = {fact_id for each in said for fact_id in each.fact_ids}
    texts = " ".join(each.text for each in said)
    missing: list[str] = []
    for reply in replies:
        sentence = sentence_of(reply)
        if reply.name not in TOLD_IN_ANY_CASE or reply.outcome is not ToolOutcome.OK or sentence is None:
            continue
        own = {fact.id for fact in reply.facts if not fact.id.startswith(_STANDING)}
        if not own & spoken_of and sentence not in texts and sentence not in missing:
            missing.append(sentence)
    return missing


def sentence_of(reply: ToolReply) -> str | None:
    """What a tool gave to be said."""
    say = reply.result.get("say")
    return say if isinstance(say, str) else None


def applied_discount(replies: Sequence[ToolReply]) -> AppliedDiscount | None:
    """What the turn has put on the cart that was not on it before."""
    for reply in reversed(replies):
        if reply.name == "apply_discount" and reply.outcome is ToolOutcome.OK and reply.result.get("isNew"):
            percent = reply.result.get("percent")
            return AppliedDiscount(
                kind=str(reply.result["kind"]),
                percent=float(percent) if isinstance(percent, str) else None,
                sentence=str(reply.result["say"]),
            )
    return None


def separated(sentence: str, said: Sequence[Said]) -> str:
    """Sentences are shown one after the other as they are: one that follows another without a space brings it."""
    if not said or said[-1].text[-1:].isspace() or sentence[:1].isspace():
        return sentence
    return f" {sentence}"
