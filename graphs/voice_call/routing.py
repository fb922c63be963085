"""Where a call goes next: pure. Code alone moves a call from state to state; a model can only talk within one.

`decide` is the whole script of spec 7 as a function; what tools changed then bends its end (`after_tools`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, assert_never

from db.tables.conversations import ToolOutcome
from db.tables.recovery import CartAbandonmentReason
from db.tables.voice import EndReason, VoiceCallOutcome
from graphs.voice_call.course import CallState, Changed, Ending, Heard, Hearing, Line, Move, Progress, Question, Step
from tools.dispatch import ToolReply
from tools.record_diagnosis import LONGEST_QUOTE

# The ledger has something for these and for nothing else (policy.offers.rules.remedy).
MONEY = frozenset({CartAbandonmentReason.TOO_EXPENSIVE, CartAbandonmentReason.SHIPPING_COST})

OPTED_OUT = Ending(outcome=VoiceCallOutcome.DECLINED, end_reason=EndReason.OPT_OUT, at_once=True)
_DECLINED = Ending(outcome=VoiceCallOutcome.DECLINED, end_reason=EndReason.DECLINED)
# Nothing was accepted, and nothing was said no to: spec 10 has no outcome of its own for it.
_UNDECIDED = Ending(outcome=VoiceCallOutcome.DECLINED, end_reason=EndReason.COMPLETED)
# A goodbye of whom we do not know says no more than putting the phone down does.
_LEFT = Ending(outcome=VoiceCallOutcome.DISCONNECTED, end_reason=EndReason.HUNG_UP)
_STRANGER = Ending(outcome=VoiceCallOutcome.DISCONNECTED, end_reason=EndReason.WRONG_PERSON)
_SCREENED = Ending(outcome=VoiceCallOutcome.NO_ANSWER, end_reason=EndReason.CALL_SCREENING)
_ESCALATED = Ending(outcome=VoiceCallOutcome.ESCALATED, end_reason=EndReason.COMPLETED)
_CALL_BACK = Ending(outcome=VoiceCallOutcome.CALLBACK_REQUESTED, end_reason=EndReason.COMPLETED)
_ACCEPTED = Ending(outcome=VoiceCallOutcome.DISCOUNT_ACCEPTED, end_reason=EndReason.COMPLETED)


def decide(progress: Progress, hearing: Hearing, done: Changed, *, quote: str, max_retries: int) -> Move:
    """The one move for this input in this state. `quote` is what the customer said, for tools that keep it."""
    if hearing.kind is Heard.OPT_OUT or done.opted_out:
        # Asked for in any state, also after the end: recorded, and the line is cut without another word (rules C-12).
        steps = () if done.opted_out else (Step("set_opt_out", {"scope": hearing.scope.value}),)
        return Move(asks=None, tools=steps, ends=OPTED_OUT)
    if progress.ended is not None:
        return Move(asks=None, ends=progress.ended)
    asked = progress.asked
    if asked is None:
        return Move(asks=Question.IDENTITY, lines=(Line.DISCLOSURE,))
    if hearing.kind in {Heard.SILENCE, Heard.ANSWERED}:
        return _silence(progress, asked, hearing.kind)
    known = progress.identified
    move = _customer(asked, hearing, progress, done, quote=quote) if known else _stranger(hearing)
    if move.retries and progress.retries >= max_retries:
        return _give_up(progress, done)
    return move


def _silence(progress: Progress, asked: Question, kind: Heard) -> Move:
    """Ask once more whether somebody is there, then let go."""
    if kind is Heard.ANSWERED:  # another line to the same call: what it is comes first again
        return Move(asks=asked, lines=(Line.DISCLOSURE,))
    if progress.silences == 0:
        return Move(asks=asked, lines=(Line.STILL_THERE,))
    outcome = VoiceCallOutcome.DISCONNECTED if progress.accepted is None else VoiceCallOutcome.DISCOUNT_ACCEPTED
    return Move(asks=None, ends=Ending(outcome=outcome, end_reason=EndReason.SILENCE))


def _give_up(progress: Progress, done: Changed) -> Move:
    if not progress.identified:
        return Move(asks=None, lines=(Line.SORRY,), ends=_STRANGER)
    return Move(asks=None, lines=(Line.GOODBYE,), ends=_ending(progress, done))


def _stranger(hearing: Hearing) -> Move:
    """Who answers is not known yet: nothing is said, read or given that has to do with a cart, and no name is said
    that could be repeated to us (rules C-21)."""
    match hearing.kind:
        case Heard.NAMED:
            return Move(asks=Question.CONTINUE, lines=(Line.INTRODUCTION,), identifies=True)
        case Heard.SCREENING:  # rules C-22: said once, and then gone
            return Move(asks=None, lines=(Line.SCREENED,), ends=_SCREENED)
        case Heard.NO | Heard.WRONG_PERSON:
            return Move(asks=None, lines=(Line.SORRY,), ends=_STRANGER)
        case Heard.NOT_INTERESTED:
            return Move(asks=None, lines=(Line.SORRY,), ends=_DECLINED)
        case Heard.GOODBYE | Heard.CALLBACK:
            return Move(asks=None, lines=(Line.SORRY,), ends=_LEFT)
        case Heard.HUMAN:
            return _ask_a_person("asked for a person", _ESCALATED)
        case Heard.BOT_QUESTION:
            return Move(asks=Question.IDENTITY, lines=(Line.BOT_ANSWER,), retries=True)
        case Heard.CARD:
            return Move(asks=Question.IDENTITY, lines=(Line.NO_CARDS,), retries=True)
        case Heard.QUESTION:
            return Move(asks=Question.IDENTITY, lines=(Line.PURPOSE,), retries=True)
        case Heard.EARLY | Heard.PRESENT:
            return Move(asks=Question.IDENTITY, retries=True)
        case _:
            return Move(asks=Question.IDENTITY, lines=(Line.NOT_UNDERSTOOD,), retries=True)


def _customer(asked: Question, hearing: Hearing, progress: Progress, done: Changed, *, quote: str) -> Move:
    match hearing.kind:
        case Heard.WRONG_PERSON:
            return Move(asks=None, lines=(Line.SORRY,), ends=_STRANGER)
        case Heard.NOT_INTERESTED:
            return _no_more(progress)
        case Heard.GOODBYE:
            return Move(asks=None, lines=(Line.GOODBYE,), ends=_ending(progress, done))
        case Heard.HUMAN:
            return _ask_a_person("asked for a person", _ESCALATED)
        case Heard.CALLBACK:
            return _ask_a_person("wants to be called back by a person", _CALL_BACK)
        case Heard.BOT_QUESTION:
            return Move(asks=asked, lines=(Line.BOT_ANSWER,))
        case Heard.CARD:
            return Move(asks=asked, lines=(Line.NO_CARDS,))
        case Heard.EARLY | Heard.PRESENT:
            return Move(asks=asked, retries=True)
        case Heard.YES:
            return _yes(asked)
        case Heard.NO:
            return _no(asked, progress, done)
        case Heard.OBJECTION:
            return _objection(asked, hearing, progress, done, quote=quote)
        case Heard.QUESTION:
            step = Step("search_faq", {"question": quote[:LONGEST_QUOTE]})
            return Move(asks=_still(asked), tools=(step,), phrased=True)
        case _:
            return Move(asks=_still(asked), lines=(Line.NOT_UNDERSTOOD,), phrased=True, retries=True)


def _still(asked: Question) -> Question:
    """The question that is open; who talks has a moment."""
    return Question.REASON if asked in {Question.CONTINUE, Question.IDENTITY} else asked


def _yes(asked: Question) -> Move:
    link = Step("send_resume_link", {"channel": "EMAIL"})
    match asked:
        case Question.IDENTITY | Question.CONTINUE:
            return Move(asks=Question.REASON)
        case Question.REASON:
            return Move(asks=Question.REASON, asks_for_more=True, retries=True)
        case Question.OFFER:
            return Move(asks=Question.MORE, lines=(Line.ACCEPTED,), tools=(link,), accepts=True)
        case Question.LINK:
            return Move(asks=Question.MORE, tools=(link,))
        case Question.MORE:
            return Move(asks=Question.MORE, asks_for_more=True, retries=True)
        case _:
            assert_never(asked)


def _no(asked: Question, progress: Progress, done: Changed) -> Move:
    match asked:
        case Question.IDENTITY | Question.CONTINUE | Question.REASON:
            return Move(asks=Question.LINK)
        case Question.OFFER | Question.LINK:
            return Move(asks=None, lines=(Line.DECLINED,), ends=_ending(progress, done, said_no=True))
        case Question.MORE:
            return Move(asks=None, lines=(Line.GOODBYE,), ends=_ending(progress, done))
        case _:
            assert_never(asked)


def _no_more(progress: Progress) -> Move:
    """No counter-offer. An offer that was taken before stays taken."""
    if progress.accepted is not None:
        return Move(asks=None, lines=(Line.GOODBYE,), ends=_ACCEPTED)
    return Move(asks=None, lines=(Line.DECLINED,), ends=_DECLINED)


def _objection(asked: Question, hearing: Hearing, progress: Progress, done: Changed, *, quote: str) -> Move:
    """Kept once for each reason; a reason that money answers asks the ledger once. Nothing is pushed twice."""
    reason = hearing.reason
    if reason is None or reason in progress.objections:
        if asked in {Question.LINK, Question.MORE}:
            return Move(asks=asked, lines=(Line.RESPONSE,), phrased=True, retries=True)
        return Move(asks=Question.LINK, lines=(Line.RESPONSE,), phrased=True)
    steps = [Step("record_diagnosis", {"reason": reason.value, "quote": quote[:LONGEST_QUOTE]})]
    if reason in MONEY and progress.accepted is None:
        steps.append(Step("apply_discount", {"reason": reason.value}))
    asks = Question.MORE if done.link_sent else Question.LINK
    return Move(asks=asks, lines=(Line.RESPONSE,), tools=tuple(steps), phrased=True)


def _ask_a_person(reason: str, ending: Ending) -> Move:
    """There is no live transfer: a person is asked, and that is what is said."""
    return Move(asks=None, lines=(Line.ESCALATE,), tools=(Step("request_human", {"reason": reason}),), ends=ending)


def _ending(progress: Progress, done: Changed, *, said_no: bool = False) -> Ending:
    """Who wanted the link has not turned us down, nor has who only says goodbye or was not understood."""
    if progress.accepted is not None:
        return _ACCEPTED
    return _DECLINED if said_no and not done.link_sent else _UNDECIDED


def after_move(move: Move, *, pending: bool, has_model: bool) -> Literal["stop", "act", "speak", "answer"]:
    """An opt-out cuts the line, code's own tools come before any word, and a model speaks only where it may."""
    if move.ends is not None and move.ends.at_once:
        return "stop"
    if pending:
        return "act"
    return "speak" if move.phrased and has_model else "answer"


def after_act(move: Move, *, may_speak: bool) -> Literal["stop", "speak", "answer"]:
    if move.ends is not None:
        return "stop" if move.ends.at_once else "answer"
    return "speak" if move.phrased and may_speak else "answer"


def after_tools(move: Move, new: Changed, *, accepted: bool) -> Move:
    """The move, as what the tools of this turn changed lets it end, whoever called them."""
    if new.opted_out:
        return Move(asks=None, ends=OPTED_OUT)
    if move.ends is not None:
        return move
    if new.person_asked:
        return replace(move, asks=None, ends=_ESCALATED)
    if new.link_sent:
        return replace(move, asks=Question.MORE)
    if new.granted and not accepted:
        return replace(move, asks=Question.OFFER)
    return move


def after(before: Progress, hearing: Hearing, move: Move, *, asked_at: int | None) -> Progress:
    """Where the call stands after the move; `asked_at` is the question's row, None if it was not reached."""
    reasons = before.objections
    silent = hearing.kind is Heard.SILENCE
    # Silence, and what has to be asked again, leads nowhere: both are counted until something does.
    led_on = not silent and not move.retries
    if hearing.kind is Heard.OBJECTION and hearing.reason is not None and hearing.reason not in reasons:
        reasons = (*reasons, hearing.reason)
    return before.model_copy(
        update={
            "asked": move.asks or before.asked or Question.IDENTITY,
            "asked_at": asked_at,
            "identified": before.identified or move.identifies,
            "retries": 0 if led_on else before.retries + move.retries,
            "silences": 0 if led_on else before.silences + silent,
            "objections": reasons,
            "ended": move.ends,
        }
    )


def as_heard(hearing: Hearing, *, question_was_heard: bool) -> Hearing:
    """A yes or a no to a question that has not been heard answers nothing."""
    unanswerable = hearing.kind in {Heard.YES, Heard.NO} and not question_was_heard
    return Hearing(Heard.EARLY) if unanswerable else hearing


def is_known(progress: Progress, hearing: Hearing) -> bool:
    """Whether it is, with this input, known who is speaking: from here on there is a cart."""
    return progress.identified or (progress.asked is Question.IDENTITY and hearing.kind is Heard.NAMED)


def ending_if_lost(progress: Progress, done: Changed, reason: EndReason) -> Ending:
    """How a call counts whose line is gone before the script ended it."""
    if done.opted_out:
        return OPTED_OUT
    if progress.ended is not None:
        return progress.ended
    if progress.accepted is not None:
        return Ending(outcome=VoiceCallOutcome.DISCOUNT_ACCEPTED, end_reason=reason)
    if done.person_asked:
        return Ending(outcome=VoiceCallOutcome.ESCALATED, end_reason=reason)
    return Ending(outcome=VoiceCallOutcome.DISCONNECTED, end_reason=reason)


def changed_by(replies: Sequence[ToolReply]) -> Changed:
    """What calls have changed: those that were refused, invalid or failed have changed nothing."""
    named = {reply.name for reply in replies if reply.outcome is ToolOutcome.OK}
    return Changed(
        granted="apply_discount" in named,
        link_sent="send_resume_link" in named,
        person_asked="request_human" in named,
        opted_out="set_opt_out" in named,
    )


# Before identity is confirmed there is no tool that knows of a cart, and no model to call one.
TOOLS: Mapping[CallState, frozenset[str]] = {
    CallState.DISCLOSURE: frozenset({"set_opt_out"}),
    CallState.IDENTITY: frozenset({"set_opt_out", "request_human"}),
    CallState.DIAGNOSIS: frozenset(
        {
            "set_opt_out",
            "request_human",
            "get_cart",
            "search_faq",
            "record_diagnosis",
            "apply_discount",
            "send_resume_link",
        }
    ),
    CallState.OFFER: frozenset(
        {"set_opt_out", "request_human", "get_cart", "search_faq", "record_diagnosis", "send_resume_link"}
    ),
    CallState.CLOSING: frozenset({"set_opt_out", "request_human", "get_cart", "search_faq", "send_resume_link"}),
    CallState.ENDED: frozenset({"set_opt_out"}),
}
