"""The offline responder: a Model that needs no provider.

It classifies the shopper's message, calls the same tools into the same graph, and answers from fixed sentences, from
what tools returned to be said and from FAQ passages. An outage costs tone, never safety.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from agents.detectors import language_of_bot_question
from agents.models.offline_intents import Intent, IntentClassifier, needed_confidence, plain_words
from agents.models.offline_plan import Step, plan
from agents.models.offline_replies import OFFER_HUMAN, Outcome, claim_to_use, read_outcome, reply
from db.ids import uuid7
from graphs.model import (
    NO_USAGE,
    Finished,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    ModelUnavailable,
    SearchResultPart,
    TextDelta,
    TextPart,
    ToolResultPart,
    ToolUse,
    ToolUsePart,
    UnavailableReason,
)

NAME = "offline"

_CALL_PREFIX = "offline_"
_YES = frozenset({"yes", "yes please", "yeah", "yep", "sure", "ok", "okay", "please", "please do", "yes do", "y"})


@dataclass(frozen=True)
class _Turn:
    """The turn that the request ends in, and what was said before it."""

    text: str
    passages: tuple[SearchResultPart, ...]
    outcomes: tuple[Outcome, ...]
    said: str
    said_before: str


class OfflineModel:
    """Deterministic but for the ids of its calls. It has no structured output: the planner has templates."""

    name = NAME

    def __init__(self, classifier: IntentClassifier) -> None:
        self._classifier = classifier

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Call the tools that the message needs, or answer; never both in one stream."""
        if request.output_schema is not None:
            raise ModelUnavailable(UnavailableReason.UNSUPPORTED, model=NAME)
        turn = _read(request.messages)
        intent = await self._intent(turn)
        steps = _steps(intent, turn, request)
        if steps:
            for step in steps:
                yield ToolUse(id=f"{_CALL_PREFIX}{uuid7().hex}", name=step.tool, input=step.arguments)
            yield Finished(stop="tool_use", usage=NO_USAGE, model=NAME)
            return
        for sentence in self._sentences(intent, turn):
            yield TextDelta(f"{sentence} ")
        yield Finished(stop="end_turn", usage=NO_USAGE, model=NAME)

    async def _intent(self, turn: _Turn) -> Intent | None:
        if OFFER_HUMAN in turn.said_before and plain_words(turn.text) in _YES:
            return Intent.HUMAN_REQUEST
        intent, confidence = await asyncio.to_thread(self._classifier.classify, turn.text)
        return intent if confidence >= needed_confidence(intent) else None

    def _sentences(self, intent: Intent | None, turn: _Turn) -> list[str]:
        """The reply without what the shopper has read in this turn already, when another model broke off."""
        language = language_of_bot_question(turn.text) or "en"
        sentences = reply(intent, turn.outcomes, turn.passages, bot_language=language)
        return [sentence for sentence in sentences if sentence not in turn.said]


def continues_offline(request: ModelRequest) -> bool:
    """Whether the request brings back the results of calls that the offline responder made in this turn."""
    results = [part for part in request.messages[-1].parts if isinstance(part, ToolResultPart)]
    return bool(results) and all(part.tool_use_id.startswith(_CALL_PREFIX) for part in results)


def _steps(intent: Intent | None, turn: _Turn, request: ModelRequest) -> list[Step]:
    """What to call now: the plan, as long as nothing came of this turn that can be said; then a claim's use."""
    called = [outcome.tool for outcome in turn.outcomes]
    if not any(outcome.can_be_said for outcome in turn.outcomes):
        steps = plan(intent, turn.text, tools=request.tools, called=called, has_passages=bool(turn.passages))
        if steps:
            return steps
    claim = claim_to_use(intent, turn.outcomes)
    if claim is None or "log_trigger" in called or not any(tool.name == "log_trigger" for tool in request.tools):
        return []
    return [Step("log_trigger", {"handle": claim.handle})]


def _read(messages: Sequence[ModelMessage]) -> _Turn:
    start = max((index for index, message in enumerate(messages) if _is_from_shopper(message)), default=0)
    opening = messages[start].parts if messages else ()
    parts = [part for message in messages[start + 1 :] for part in message.parts]
    tools = {part.id: part.name for part in parts if isinstance(part, ToolUsePart)}
    return _Turn(
        text=" ".join(part.text for part in opening if isinstance(part, TextPart)).strip(),
        passages=tuple(part for part in opening if isinstance(part, SearchResultPart)),
        outcomes=tuple(
            read_outcome(tools.get(part.tool_use_id, ""), part.content)
            for part in parts
            if isinstance(part, ToolResultPart)
        ),
        said="".join(part.text for part in parts if isinstance(part, TextPart)),
        said_before=_text(messages[start - 1]) if start else "",
    )


def _is_from_shopper(message: ModelMessage) -> bool:
    return message.role == "user" and any(isinstance(part, TextPart) for part in message.parts)


def _text(message: ModelMessage) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, TextPart))
