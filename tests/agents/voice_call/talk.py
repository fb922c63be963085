"""A call held in text: what the agent says is played at once, as far as the customer lets it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from agents.models.offline_intents import Intent
from agents.toolbox import VOICE_CALL
from agents.voice_call.agent import VoiceAgent
from agents.voice_call.line import Line
from agents.voice_call.turn import VoiceParts
from db.session import transaction
from db.tables.conversations import ChatMessage, ChatTurn, ToolCall
from db.tables.voice import VoiceCall
from graphs.model import Model
from graphs.voice_call.events import CallEvent, HangUp, Say
from graphs.voice_call.state import CallLimits
from tests.factories import NOW
from tests.recovery.shops import MAILING, Shop
from tests.voice.calls import make_call


class NoClassifier:
    """Knows nothing: what is neither phrase nor trigger stays unclear."""

    def classify(self, text: str) -> tuple[Intent, float]:
        return Intent.OUT_OF_SCOPE, 0.0


@dataclass
class Phone:
    """The customer's end of a call."""

    shop: Shop
    call: VoiceCall
    line: Line
    said: list[str] = field(default_factory=list)
    ended: HangUp | None = None
    at_ms: int = 0

    async def opening(self) -> list[str]:
        return await self.hear(self.line.opening())

    async def say(self, text: str) -> list[str]:
        self.at_ms += 1_000
        return await self.hear(self.line.heard(text, at_ms=self.at_ms, timings={"speechEndToTranscript": 40}))

    async def quiet(self) -> list[str]:
        return await self.hear(self.line.quiet())

    async def press(self, digit: str) -> list[str]:
        return await self.hear(self.line.pressed(digit))

    async def hear(self, events: AsyncGenerator[CallEvent], *, plays: int | None = None) -> list[str]:
        """The sentences of one turn; of these, the first `plays` are played (all, if not told) and the rest cut."""
        new: list[Say] = []
        async with aclosing(events):
            async for event in events:
                if isinstance(event, HangUp):
                    assert self.ended is None, "it hung up twice"
                    self.ended = event
                else:
                    assert self.ended is None, "it spoke after hanging up"
                    new.append(event)
        for number, each in enumerate(new):
            self.at_ms += 500
            whole = plays is None or number < plays
            await self.line.played(each.position, at_ms=self.at_ms, whole=whole)
        texts = [each.text for each in new]
        self.said += texts
        return texts

    def stay_on(self) -> None:
        """Say something before the line is down."""
        self.ended = None

    async def identified(self) -> None:
        await self.opening()
        await self.say("Yes, this is Maya.")

    async def rows(self, table: type[Any]) -> list[Any]:
        async with transaction(self.shop.engine, company_id=self.shop.id) as session:
            return list(await session.scalars(select(table).order_by(table.id)))

    async def tools(self) -> list[str]:
        return [each.name for each in sorted(await self.rows(ToolCall), key=lambda each: each.id)]

    async def utterances(self) -> list[ChatMessage]:
        return sorted(await self.rows(ChatMessage), key=lambda each: each.position)

    async def turns(self) -> list[ChatTurn]:
        return sorted(await self.rows(ChatTurn), key=lambda each: each.position)


def agent(engine: AsyncEngine, model: Model | None = None, *, limits: CallLimits | None = None) -> VoiceAgent:
    return VoiceAgent(
        VoiceParts(
            engine=engine,
            model=model,
            classifier=NoClassifier(),
            toolbox=VOICE_CALL,
            mailing=MAILING,
            price=lambda name, usage: 0,
            limits=limits or CallLimits(),
        )
    )


async def ring(shop: Shop, model: Model | None = None, *, limits: CallLimits | None = None, **columns: Any) -> Phone:
    """A call that was just answered."""
    call = await make_call(shop.engine, shop, at=NOW, **columns)
    line = await agent(shop.engine, model, limits=limits).answer(call.id, company_id=shop.id)
    return Phone(shop, call, line)


def joined(texts: Sequence[str]) -> str:
    return " ".join(texts)
