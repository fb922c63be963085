"""Saying something: check the sentence, store it, then show it. Nothing reaches the shopper another way."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from db.base import type_json
from db.session import transaction
from graphs.conversations import service as conversations
from graphs.conversations.schemas import Said, Turn
from graphs.conversations.telling import separated
from graphs.model import (
    NO_USAGE,
    Finished,
    Model,
    ModelEvent,
    ModelRequest,
    ModelUnavailable,
    SwitchedModel,
    TextDelta,
    ToolUse,
    UnavailableReason,
    Usage,
)
from policy.claims.facts import Fact
from policy.claims.rules import check
from policy.claims.sentences import SentenceBuffer
from policy.redaction.rules import redact

_SENTENCE_ENDS = (".", "!", "?", "…", ":", ")", '"', "”", "*")


class Speaker(Protocol):
    """The turn in which something is said, written or spoken."""

    @property
    def engine(self) -> AsyncEngine: ...

    @property
    def turn(self) -> Turn: ...

    @property
    def now(self) -> datetime: ...

    def worded(self, sentence: str) -> str:
        """The sentence as this medium has it, before it is checked."""
        ...

    def show(self, position: int, text: str) -> None:
        """Let the shopper have a sentence that is stored at `position`."""
        ...


@dataclass(frozen=True)
class Patience:
    """How long a model is listened to.

    `first_sentence_s`: until something of it may be said, None for as long as the rest. `characters`: what a model
    that disregards max_tokens may say. `switching`: whether what another model says in its place is wanted.
    """

    total_s: float
    characters: int
    first_sentence_s: float | None = None
    switching: bool = True


async def say(context: Speaker, sentence: str, facts: Sequence[Fact], said: Sequence[Said]) -> tuple[Said, ...]:
    """`said`, and the sentence after it if each of its claims is bound to a fact.

    One that is not is kept for the merchant and never shown.
    """
    plain = separated(context.worded(redact(sentence).text), said)
    verdict = check(plain, facts, now=context.now)
    async with transaction(context.engine, company_id=context.turn.company_id) as session:
        if not verdict.passed:
            unbound: type_json = {"claims": [{"kind": claim.kind, "text": claim.text} for claim in verdict.unbound]}
            await conversations.keep_blocked(session, context.turn, plain.strip(), unbound, now=context.now)
            return tuple(said)
        bound = list(dict.fromkeys(binding.fact_id for binding in verdict.bindings))
        position = await conversations.keep_sentence(session, context.turn, plain, {"facts": bound}, now=context.now)
    context.show(position, plain)
    return (*said, Said(plain, frozenset(bound), position))


@dataclass
class Speech:
    """One model call, as it is heard: finished sentences are said at once, tool calls wait for its end."""

    context: Speaker
    model: Model
    facts: Sequence[Fact]
    said: tuple[Said, ...]
    patience: Patience
    # What the models used, by name.
    spend: Callable[[str, Usage], None]
    # Whether a sentence may be tried at all; the gate asks for facts afterwards.
    wanted: Callable[[str], bool] = lambda _: True
    uses: list[ToolUse] = field(default_factory=list)
    usage: Usage = NO_USAGE
    model_name: str | None = None
    fallback_reason: str | None = None
    first_event_ms: int = 0
    _started: float = field(default_factory=perf_counter)
    _buffer: SentenceBuffer = field(default_factory=SentenceBuffer)
    _characters: int = 0
    _spoke: bool = False
    _end: Finished | None = None

    async def hear(self, request: ModelRequest) -> None:
        """Listen to the end, the deadline or the fault, whichever is first. A call that is not whole is not run."""
        try:
            async with (
                aclosing(self.model.stream(request)) as events,
                aclosing(self._in_time(events)) as heard,
            ):
                async for event in heard:
                    await self._take(event)
        except ModelUnavailable as error:
            self.fallback_reason = error.reason
            self._spend(error.model, error.usage)
        except TimeoutError:
            self.fallback_reason = UnavailableReason.TIMEOUT
        if self._end is None:
            self.uses = []
            self.fallback_reason = self.fallback_reason or UnavailableReason.CUT_STREAM
            return
        self.model_name = self._end.model
        for sentence in self._buffer.flush():
            # At the token limit the last sentence breaks off: half a sentence may say what the whole does not.
            if self._end.stop != "max_tokens" or sentence.rstrip().endswith(_SENTENCE_ENDS):
                await self._say(sentence)

    async def _in_time(self, events: AsyncGenerator[ModelEvent]) -> AsyncGenerator[ModelEvent]:
        """The events until the turn's time is over. A timeout never spans a yield."""
        while True:
            async with asyncio.timeout(self._seconds_left()):
                event = await anext(events, None)
            if event is None:
                return
            yield event
            unwanted = isinstance(event, SwitchedModel) and not self.patience.switching
            if unwanted or self._characters > self.patience.characters:
                return

    def _seconds_left(self) -> float:
        limit_s = self.patience.total_s
        if self.patience.first_sentence_s is not None and not self._spoke:
            limit_s = min(limit_s, self.patience.first_sentence_s)
        return limit_s - (perf_counter() - self._started)

    async def _take(self, event: ModelEvent) -> None:
        self.first_event_ms = self.first_event_ms or round((perf_counter() - self._started) * 1000)
        match event:
            case TextDelta():
                text = _storable(event.text)
                self._characters += len(text)
                for sentence in self._buffer.feed(text):
                    await self._say(sentence)
            case ToolUse():
                self.uses.append(event)
            case SwitchedModel():
                self._buffer, self.uses = SentenceBuffer(), []
                self.fallback_reason = event.reason
                self._spend(event.failed_model, event.usage)
            case Finished():
                self._end = event
                self._spend(event.model, event.usage)

    async def _say(self, sentence: str) -> None:
        if sentence.strip() and self.wanted(sentence):
            said = await say(self.context, sentence, self.facts, self.said)
            self._spoke = self._spoke or len(said) > len(self.said)
            self.said = said

    def _spend(self, model: str, usage: Usage) -> None:
        self.usage += usage
        self.spend(model, usage)


def _storable(text: str) -> str:
    """What a database can hold as text."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()
