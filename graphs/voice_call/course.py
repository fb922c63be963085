"""The words in which a call's course is written: states, questions, what is heard, moves. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from db.tables.customers import SuppressionScope
from db.tables.recovery import CartAbandonmentReason
from db.tables.voice import EndReason, VoiceCallOutcome


class CallState(StrEnum):
    """The states of spec 7's script, in their order."""

    DISCLOSURE = "DISCLOSURE"
    IDENTITY = "IDENTITY"
    DIAGNOSIS = "DIAGNOSIS"
    OFFER = "OFFER"
    CLOSING = "CLOSING"
    ENDED = "ENDED"


class Question(StrEnum):
    """What code asked last, and a yes or a no answers. A model asks nothing."""

    IDENTITY = "IDENTITY"
    CONTINUE = "CONTINUE"
    REASON = "REASON"
    OFFER = "OFFER"
    LINK = "LINK"
    MORE = "MORE"


class Heard(StrEnum):
    """What an input is, as far as code needs to know. The first ones outrank those after them."""

    OPT_OUT = "OPT_OUT"
    ANSWERED = "ANSWERED"  # the call was taken: nothing has been said yet
    SILENCE = "SILENCE"
    CARD = "CARD"
    BOT_QUESTION = "BOT_QUESTION"
    HUMAN = "HUMAN"
    SCREENING = "SCREENING"  # a machine that asks who is calling, before anybody answers
    WRONG_PERSON = "WRONG_PERSON"
    NOT_INTERESTED = "NOT_INTERESTED"
    CALLBACK = "CALLBACK"
    OBJECTION = "OBJECTION"
    QUESTION = "QUESTION"
    NAMED = "NAMED"  # the name of whom we called, told by who answers
    YES = "YES"
    NO = "NO"
    EARLY = "EARLY"  # a yes or a no before its question was heard
    GOODBYE = "GOODBYE"
    PRESENT = "PRESENT"  # no more than that somebody is there
    OTHER = "OTHER"


@dataclass(frozen=True)
class Hearing:
    """One input. `scope` belongs to an opt-out, `reason` and `response` to an objection, `language` to the question
    who is speaking."""

    kind: Heard
    scope: SuppressionScope = SuppressionScope.ALL
    reason: CartAbandonmentReason | None = None
    response: str | None = None
    language: str = "en"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Ending(_Part):
    outcome: VoiceCallOutcome
    end_reason: EndReason
    at_once: bool = False


class Progress(_Part):
    """Where a call stands after a turn; kept with the turn, so that whoever goes on knows it.

    `asked_at` is the row of the last question, None when it was not reached: a yes answers a question that was heard.
    `retries` and `silences` count in a row. `accepted` is the grant that the customer said yes to.
    """

    asked: Question | None = None
    asked_at: int | None = None
    identified: bool = False
    retries: int = 0
    silences: int = 0
    objections: tuple[CartAbandonmentReason, ...] = ()
    accepted: UUID | None = None
    ended: Ending | None = None

    @property
    def state(self) -> CallState:
        if self.ended is not None:
            return CallState.ENDED
        if self.asked is None:
            return CallState.DISCLOSURE
        return STATE_OF[self.asked] if self.identified else CallState.IDENTITY


STATE_OF: Mapping[Question, CallState] = {
    Question.IDENTITY: CallState.IDENTITY,
    Question.CONTINUE: CallState.DIAGNOSIS,
    Question.REASON: CallState.DIAGNOSIS,
    Question.OFFER: CallState.OFFER,
    Question.LINK: CallState.CLOSING,
    Question.MORE: CallState.CLOSING,
}


@dataclass(frozen=True)
class Changed:
    """What this call's tools have changed so far, read from their rows."""

    granted: bool = False
    link_sent: bool = False
    person_asked: bool = False
    opted_out: bool = False


class Line(StrEnum):
    """A sentence that code says; `wording` has its words."""

    DISCLOSURE = "DISCLOSURE"
    INTRODUCTION = "INTRODUCTION"
    PURPOSE = "PURPOSE"
    BOT_ANSWER = "BOT_ANSWER"
    NO_CARDS = "NO_CARDS"
    STILL_THERE = "STILL_THERE"
    NOT_UNDERSTOOD = "NOT_UNDERSTOOD"
    RESPONSE = "RESPONSE"  # the script's answer to what was objected
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    SCREENED = "SCREENED"  # who calls and what for, to a machine that asks
    SORRY = "SORRY"  # to who is not the one we called
    GOODBYE = "GOODBYE"
    ESCALATE = "ESCALATE"


@dataclass(frozen=True)
class Step:
    """A tool that code calls, whatever a model wants."""

    tool: str
    arguments: Mapping[str, JsonValue]


@dataclass(frozen=True)
class Move:
    """What comes of an input: sentences, tool calls, and then either a question or the end.

    `phrased`: a model may answer in its own words in the place of `lines`. `accepts`: it was a yes to the offer.
    """

    asks: Question | None
    lines: tuple[Line, ...] = ()
    tools: tuple[Step, ...] = ()
    ends: Ending | None = None
    phrased: bool = False
    asks_for_more: bool = False
    accepts: bool = False
    identifies: bool = False
    retries: bool = False
