"""What a customer's utterance on a call is, before any model hears it: pure, the same for the script and the model.

Opt-outs, wishes for a person and the question who is speaking come from the detectors in six languages; the rest is
phrases (hearing.json), the merchant's triggers, and for what is put in other words the intent classifier.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from agents import detectors
from agents.detectors import plain_words
from agents.models.offline_intents import Intent, needed_confidence
from agents.models.offline_plan import QUESTIONS
from agents.voice_call import names
from agents.voice_call.names import Named
from db.tables.customers import SuppressionScope
from db.tables.recovery import CartAbandonmentReason
from graphs.voice_call.course import Heard, Hearing, Progress, Question
from policy.redaction.rules import holds_mark
from recovery.voice_script import FollowUp, VoiceScript


class Classifier(Protocol):
    def classify(self, text: str) -> tuple[Intent, float]: ...


class _Phrases(BaseModel):
    """Alternatives over plain words.

    `yes` begins an answer that is one; `yes_alone` is one only if nothing but politeness follows ("it is", but not
    "it is what it is"). `takes_back` makes a no of what began like a yes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fillers: str
    yes: str
    yes_alone: str
    polite: str
    screening: str
    no: str
    takes_back: str
    wrong_person: str
    not_interested: str
    callback: str
    goodbye: str
    present: str
    question: str


_PHRASES = _Phrases.model_validate_json(Path(__file__).with_suffix(".json").read_bytes())


def _anywhere(alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{alternatives})\b")


_FILLERS = frozenset(_PHRASES.fillers.split("|"))
_YES = re.compile(
    rf"(?:{_PHRASES.yes})\b(?!.*\bbut\b)|(?:{_PHRASES.yes_alone})(?: (?:{_PHRASES.polite}|{_PHRASES.yes_alone}))*$"
)
_NO = re.compile(rf"(?:{_PHRASES.no})\b")
_TAKES_BACK = _anywhere(_PHRASES.takes_back)
_SCREENING = _anywhere(_PHRASES.screening)
_WRONG_PERSON = re.compile(rf"\b(?:{_PHRASES.wrong_person})")
_NOT_INTERESTED = _anywhere(_PHRASES.not_interested)
_CALLBACK = _anywhere(_PHRASES.callback)
_GOODBYE = re.compile(rf"(?:(?:{_PHRASES.polite}|{_PHRASES.yes_alone}|no) )*(?:{_PHRASES.goodbye})\b")
_PRESENT = re.compile(rf"(?:(?:{_PHRASES.polite}|{_PHRASES.yes}) )*(?:{_PHRASES.present})$")
_QUESTION = re.compile(rf"(?:{_PHRASES.question})\b")
_PART_END = re.compile(r"[.,;:!?\n–—]+|\s-+\s|\b(?:but|and)\b", re.IGNORECASE)
_ASKED_FIRST = re.compile(r"[^.,;:!?]*\?")
_WHOM_WE_MEAN = re.compile(r"\b(?:it['’]?s|it is) [\w'’-]+\s*\?", re.IGNORECASE)

_REASONS: Mapping[Intent, CartAbandonmentReason] = {
    Intent.PRICE_OBJECTION: CartAbandonmentReason.TOO_EXPENSIVE,
    Intent.SHIPPING_OBJECTION: CartAbandonmentReason.SHIPPING_COST,
    Intent.JUST_BROWSING: CartAbandonmentReason.JUST_BROWSING,
    Intent.COMPARING: CartAbandonmentReason.COMPARING_OPTIONS,
    Intent.SAVE_FOR_LATER: CartAbandonmentReason.SAVING_FOR_LATER,
    Intent.PAYMENT_PROBLEM: CartAbandonmentReason.PAYMENT_ISSUES,
}
# Answers to these begin with a yes or a no, whatever else they mention ("yes, at that price").
_CLOSED = frozenset({Question.OFFER, Question.LINK, Question.MORE, Question.IDENTITY})


def opts_out(text: str) -> SuppressionScope | None:
    """What a customer wants no more of. Who names calls alone is called no more; anything wider stops everything."""
    scope = detectors.opts_out(text)
    return scope if scope in {None, SuppressionScope.VOICE} else SuppressionScope.ALL


def hear(
    text: str, progress: Progress, script: VoiceScript, classifier: Classifier, *, first_name: str | None
) -> Hearing:
    """The one thing that an utterance is; `text` as it is stored, card numbers hidden."""
    words = plain_words(text)
    if (scope := opts_out(text)) is not None:
        return Hearing(Heard.OPT_OUT, scope=scope)
    if holds_mark(text):
        return Hearing(Heard.CARD)
    if (language := detectors.language_of_bot_question(text)) is not None:
        return Hearing(Heard.BOT_QUESTION, language=language)
    if not progress.identified and _SCREENING.search(words):
        return Hearing(Heard.SCREENING)
    if _WRONG_PERSON.search(words):
        return Hearing(Heard.WRONG_PERSON)
    if detectors.wants_human(text) and not _CALLBACK.search(words):
        return Hearing(Heard.HUMAN)
    if _NOT_INTERESTED.search(words):
        return Hearing(Heard.NOT_INTERESTED)
    if _CALLBACK.search(words):
        return Hearing(Heard.CALLBACK)
    bare = _without_fillers(words)
    if _PRESENT.match(bare):
        return Hearing(Heard.PRESENT)
    if not progress.identified:
        return _of_a_stranger(bare, text, first_name)
    return _of_the_customer(bare, text, words, progress, script, classifier)


def _of_a_stranger(bare: str, text: str, first_name: str | None) -> Hearing:
    if _WHOM_WE_MEAN.search(text):  # "it's Maya?" is our question given back
        return Hearing(Heard.QUESTION)
    match names.told(bare, first_name, parts=_parts(text)):
        case Named.OURS:
            return Hearing(Heard.NAMED)
        case Named.ANOTHER:
            return Hearing(Heard.WRONG_PERSON)
        case None:
            pass
    answer = _yes_or_no(bare)
    if answer is None and _GOODBYE.match(bare):
        return Hearing(Heard.GOODBYE)
    if answer is None and _asks(bare, text):
        return Hearing(Heard.QUESTION)
    return Hearing(answer or Heard.OTHER)


def _parts(text: str) -> list[str]:
    """What stands between marks and conjunctions. Who asks "Maya?" does not say who they are."""
    if _ASKED_FIRST.match(text):
        return []
    return [words for part in _PART_END.split(text) if (words := _without_fillers(plain_words(part)))]


def _of_the_customer(
    bare: str, text: str, words: str, progress: Progress, script: VoiceScript, classifier: Classifier
) -> Hearing:
    answer = _yes_or_no(bare)
    if answer is not None and progress.asked in _CLOSED:
        return Hearing(answer)
    if _GOODBYE.match(bare):
        return Hearing(Heard.GOODBYE)
    asks = _asks(bare, text)
    follow_up = None if asks else _follow_up(words, script)
    if follow_up is not None:
        return Hearing(Heard.OBJECTION, reason=follow_up.reason, response=follow_up.response)
    if answer is not None and len(bare.split()) <= 3:
        return Hearing(answer)
    intent, confidence = classifier.classify(text)
    known = intent if confidence >= needed_confidence(intent) else None
    if known is not None and known in _REASONS:
        reason = _REASONS[known]
        return Hearing(Heard.OBJECTION, reason=reason, response=_response_to(reason, script))
    if asks or known in QUESTIONS:
        return Hearing(Heard.QUESTION)
    if known is Intent.GOODBYE:
        return Hearing(Heard.GOODBYE)
    return Hearing(answer or Heard.OTHER)


def _without_fillers(words: str) -> str:
    kept = words.split()
    while kept and kept[0] in _FILLERS:
        kept.pop(0)
    return " ".join(kept)


def _yes_or_no(bare: str) -> Heard | None:
    if _NO.match(bare) or _TAKES_BACK.search(bare):
        return Heard.NO
    return Heard.YES if _YES.match(bare) else None


def _asks(bare: str, text: str) -> bool:
    return text.rstrip().endswith("?") or _QUESTION.match(bare) is not None


def _follow_up(words: str, script: VoiceScript) -> FollowUp | None:
    """The first of the merchant's answers with a trigger among the words."""
    padded = f" {words} "
    for each in script.follow_ups():
        if any(f" {plain_words(trigger)} " in padded for trigger in each.trigger.split("|")):
            return each
    return None


def _response_to(reason: CartAbandonmentReason, script: VoiceScript) -> str | None:
    return next((each.response for each in script.follow_ups() if each.reason is reason), None)
