"""From a move and what tools did to the sentences that are said: pure."""

from pydantic import BaseModel

from graphs.conversations.telling import sentence_of, unspoken
from graphs.voice_call import wording
from graphs.voice_call.course import Line, Move, Progress, Question
from graphs.voice_call.state import CallTurn
from graphs.voice_call.wording import Wording
from policy.claims.sentences import split
from tools.dispatch import ToolReply

# What of an FAQ answer is read out.
MAX_QUOTED_CHARACTERS = 240
# What these return is for the model, not for the ear.
_SILENT = frozenset({"get_cart", "record_diagnosis"})


def answer(state: CallTurn, words: Wording) -> list[str]:
    """The script's sentences and what tools did. What changed is told whatever a model has said already."""
    decided = state["move"]
    changes = _untold_changes(state)
    if state["said"]:
        return changes
    others = [text for reply in state["replies"] if (text := _told(reply)) is not None and text not in changes]
    results = list(dict.fromkeys([*changes, *others]))
    if results and Line.NOT_UNDERSTOOD in decided.lines:  # a model has understood it
        return results
    lines = [text for line in decided.lines if (text := _text(line, state, words)) is not None]
    return [*lines, *results] if decided.ends is None else [*results, *lines]


def question(decided: Move, before: Progress, words: Wording) -> str:
    """What is asked now; a question that is asked again is put more shortly."""
    script = words.script
    match decided.asks:
        case Question.CONTINUE:
            text = script.opening.confirm_continue
        case Question.REASON if decided.asks_for_more:
            text = script.diagnosis.tell_more
        case Question.REASON if before.asked is Question.REASON:
            text = script.diagnosis.ask_again
        case Question.REASON:
            return words.primary_question()
        case Question.OFFER:
            text = script.closing.offer_question
        case Question.LINK:
            text = script.closing.link_question
        case Question.MORE if decided.asks_for_more:
            text = script.diagnosis.tell_more
        case Question.MORE:
            text = script.closing.anything_else
        case _:
            return words.greeting()
    return words.fill(text)


def _untold_changes(state: CallTurn) -> list[str]:
    """Changes that no sentence tells which was heard or is said now. Who ends the call is not told old ones."""
    earlier = state["earlier"] if state["move"].ends is None else ()
    return unspoken([*earlier, *state["replies"]], [*state["told"], *state["said"]])


def _told(reply: ToolReply) -> str | None:
    if reply.name in _SILENT:
        return None
    return _quoted(reply) if reply.name == "search_faq" else sentence_of(reply)


class _Entry(BaseModel):
    answer: str


class _Found(BaseModel):
    say: str | None = None
    entries: tuple[_Entry, ...] = ()


def _quoted(reply: ToolReply) -> str | None:
    """The first sentences of the best entry, as many as can be listened to."""
    found = _Found.model_validate(reply.result)
    kept = ""
    for sentence in split(found.entries[0].answer) if found.entries else ():
        if kept and len(kept) + len(sentence) > MAX_QUOTED_CHARACTERS:
            break
        kept += sentence
    return kept.strip() or found.say


def _text(line: Line, state: CallTurn, words: Wording) -> str | None:
    """The words of a line. The disclosure has been said by then: it is no sentence of the script."""
    closing, hearing = words.script.closing, state["hearing"]
    match line:
        case Line.DISCLOSURE:
            return None
        case Line.BOT_ANSWER:
            return words.bot_answer(hearing.language)
        case Line.RESPONSE:
            return None if hearing.response is None else words.fill(hearing.response)
        case Line.INTRODUCTION:
            return words.fill(words.script.opening.introduction)
        case Line.ACCEPTED:
            return words.fill(closing.accepted)
        case Line.DECLINED:
            return words.fill(closing.declined)
        case Line.GOODBYE:
            return words.fill(closing.goodbye)
        case Line.ESCALATE:
            return words.fill(closing.escalate)
        case Line.PURPOSE:
            return wording.PURPOSE
        case Line.NO_CARDS:
            return wording.NO_CARDS
        case Line.STILL_THERE:
            return wording.STILL_THERE
        case Line.NOT_UNDERSTOOD:
            return wording.NOT_UNDERSTOOD
        case Line.SCREENED:
            return words.for_a_screener()
        case Line.SORRY:
            return wording.SORRY
