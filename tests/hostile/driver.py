"""Plays episodes: the production path below HTTP, and for a sample of dialogues the HTTP application itself."""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from agents import detectors
from agents.checkout_chat.agent import CheckoutChat
from agents.models.offline_intents import IntentClassifier
from agents.recovery_planner.agent import RecoveryPlanner
from agents.toolbox import VOICE_CALL
from agents.voice_call.agent import VoiceAgent
from agents.voice_call.turn import VoiceParts
from app.jobs import Jobs
from app.parts import Parts
from app.server import create_server
from db.clock import read_clock
from db.ids import uuid7
from db.jobs import Job
from db.session import transaction
from db.tables.conversations import Handoff, HandoffStatus
from db.tables.policy import Channel
from delivery.transport import Outcome, Outgoing, Sent
from graphs.checkout_chat.state import Delta, ToolRan, TurnDone, TurnEvent
from graphs.conversations import service as conversations
from graphs.conversations.schemas import Turn
from knowledge.embedding import get_embedder
from policy.errors import AppError
from policy.tokens import cart_token
from recovery.emails import Mailing
from recovery.links import Links
from storefront.carts import service as carts
from storefront.carts.schemas import CartView
from tests.hostile.arguments import Aim
from tests.hostile.episodes import Dialogue, Episode, Utterance
from tests.hostile.model import SCRIPT, Boom, HostileModel, Script
from tests.hostile.world import SIGNER, Seat, World

BASE = "http://127.0.0.1"
TURN_S = 30.0


@dataclass
class TurnSeen:
    """What the shopper sent and saw. `turn_key` finds the row of a turn that came over HTTP."""

    utterance: Utterance
    turn_id: UUID | None = None
    turn_key: str | None = None
    # The refusal that a repeat in time would not have got (409, 429), or what a client did wrong (422).
    refused: str | None = None
    shown: list[tuple[int | None, str]] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    response: str | None = None
    left: bool = False
    boomed: bool = False
    crash: str | None = None
    status: int | None = None
    seconds: float = 0.0
    began: float = 0.0
    ended: float = 0.0


@dataclass
class DialogueSeen:
    episode: Episode
    seat: Seat
    dialogue: Dialogue
    script: Script
    session_id: UUID
    turns: list[TurnSeen] = field(default_factory=list)


@dataclass
class Views:
    """What a cart looked like and when: the facts that a sentence may have rested on."""

    of_cart: dict[UUID, list[tuple[float, CartView]]] = field(default_factory=dict)

    def within(self, cart_id: UUID, began: float, ended: float) -> list[CartView]:
        """The last view before `began` and every one up to `ended`, and the one right after."""
        seen = sorted(self.of_cart[cart_id], key=lambda each: each[0])
        before = [view for at, view in seen if at <= began][-1:]
        after = [view for at, view in seen if at > ended][:1]
        return before + [view for at, view in seen if began < at <= ended] + after


class Mailbox:
    """A provider that takes everything."""

    def __init__(self) -> None:
        self.taken: list[Outgoing] = []

    async def send(self, outgoing: Outgoing) -> Outcome:
        self.taken.append(outgoing)
        return Sent(None)


class Driver:
    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        mailing = Mailing(Links(SIGNER, BASE), "shop@hidden.example")
        self.chat = CheckoutChat(
            engine=engine, model=HostileModel(), detectors=detectors, mailing=mailing, price=lambda model, usage: 0
        )
        self.mailbox = Mailbox()
        transports = dict.fromkeys(Channel, self.mailbox)
        planner = RecoveryPlanner(engine, None, mailing, price=lambda model, usage: 0)
        classifier = IntentClassifier(get_embedder())
        voice = VoiceAgent(VoiceParts(engine, None, classifier, VOICE_CALL, mailing, lambda model, usage: 0))
        parts = Parts(engine, SIGNER, mailing, transports, self.chat, planner, voice, BASE)
        self.jobs = Jobs(parts)
        transport = httpx.ASGITransport(create_server(parts), raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url=f"{BASE}/api/momentum")
        self.views = Views()

    async def play(
        self, world: World, episodes: Sequence[Episode], seats: Sequence[Sequence[Seat]], *, at_once: int
    ) -> list[DialogueSeen]:
        """Run the episodes, `at_once` of them together; each one's dialogues run together."""
        gate = asyncio.Semaphore(at_once)

        async def one(episode: Episode, own: Sequence[Seat]) -> list[DialogueSeen]:
            async with gate:
                seen = [await self._open(world, episode, own, index) for index in range(len(episode.dialogues))]
                await asyncio.gather(*(self._talk(each, index) for index, each in enumerate(seen)))
                return seen

        played = await asyncio.gather(*(one(*each) for each in zip(episodes, seats, strict=True)))
        # Shoppers who left have turns that go on without them.
        await self.chat.drain()
        return [seen for each in played for seen in each]

    async def send(self, planned: Sequence[Job]) -> Sequence[Outgoing]:
        """Run the send job of each message, as a worker would; what left."""
        for job in planned:
            await self.jobs.send_message(job)
        return self.mailbox.taken

    async def _open(self, world: World, episode: Episode, own: Sequence[Seat], index: int) -> DialogueSeen:
        dialogue = episode.dialogues[index]
        seat = own[dialogue.cart]
        shop = seat.shop
        elsewhere = next(other for other in world.shops if other.id != shop.id)
        foreign = (str(shop.bystander_cart), str(shop.bystander.id), str(elsewhere.bystander_cart), str(elsewhere.id))
        script = Script(
            rng=episode.random(index),
            aim=Aim(foreign, episode.cards[0]),
            secrets=shop.secrets[:2],
            forbidden=world.forbidden(shop),
            loops=episode.random("loops").random() < 0.05,
        )
        async with transaction(self.engine, company_id=shop.id) as session:
            now = await read_clock(session)
            opened = await self.chat.open(session, seat.cart_id, company_id=shop.id, checkout_step="payment", now=now)
            if dialogue.taken_over:
                await session.execute(insert(Handoff), [_takeover(seat, opened.id, now)])
            view = await carts.read(session, seat.cart_id, company_id=shop.id, now=now)
        self.views.of_cart.setdefault(seat.cart_id, []).append((perf_counter(), view))
        return DialogueSeen(episode, seat, dialogue, script, opened.id)

    async def _talk(self, seen: DialogueSeen, index: int) -> None:
        SCRIPT.set(seen.script)
        rng = seen.episode.random(f"shopper {index}")
        running: list[asyncio.Task[None]] = []
        for utterance in seen.dialogue.utterances:
            turn = TurnSeen(utterance)
            seen.turns.append(turn)
            if seen.dialogue.http:
                turn.turn_key = f"{seen.episode.number}-{index}-{len(seen.turns)}"
                doing = self._over_http(seen, turn, streamed=rng.random() < 0.5, again=rng.random() < 0.1)
            else:
                doing = self._below_http(seen, turn)
            task = asyncio.create_task(self._timed(seen, turn, doing))
            running.append(task)
            if not seen.dialogue.impatient:
                await task
        await asyncio.gather(*running)

    async def _timed(self, seen: DialogueSeen, turn: TurnSeen, doing: Coroutine[Any, Any, None]) -> None:
        turn.began = perf_counter()
        task = asyncio.create_task(doing)
        await asyncio.wait([task], timeout=TURN_S)
        if not task.done():
            task.cancel()
            turn.crash = "no answer"
        elif isinstance(error := task.exception(), Boom):
            turn.boomed = True
        elif error is not None:
            turn.crash = f"{type(error).__name__}: {error}"[:300]
        turn.ended = perf_counter()
        turn.seconds = turn.ended - turn.began
        # Only a tool changes what a cart costs; a JSON answer does not tell which ran.
        if turn.tools or turn.turn_key is not None or turn.left or turn.crash is not None:
            await self._look(seen.seat)

    async def _look(self, seat: Seat) -> None:
        async with transaction(self.engine, company_id=seat.shop.id) as session:
            view = await carts.read(session, seat.cart_id, company_id=seat.shop.id, now=await read_clock(session))
        self.views.of_cart.setdefault(seat.cart_id, []).append((perf_counter(), view))

    async def _below_http(self, seen: DialogueSeen, turn: TurnSeen) -> None:
        company_id = seen.seat.shop.id
        try:
            async with transaction(self.engine, company_id=company_id) as session:
                asked = await conversations.begin_turn(
                    session,
                    seen.session_id,
                    turn.utterance.text[:2000],
                    company_id=company_id,
                    request_key=None,
                    now=await read_clock(session),
                )
        except AppError as error:
            turn.refused = error.code
            return
        assert isinstance(asked, Turn)
        turn.turn_id = asked.id
        async for event in self.chat.answer(asked):
            _note(turn, event)
            if seen.dialogue.leaves:
                turn.left = True
                return

    async def _over_http(self, seen: DialogueSeen, turn: TurnSeen, *, streamed: bool, again: bool) -> None:
        token = cart_token(SIGNER, company_id=seen.seat.shop.id, cart_id=seen.seat.cart_id)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": turn.turn_key or ""}
        if streamed:
            headers["Accept"] = "text/event-stream"
        body = json.dumps({"content": turn.utterance.text[:2000]})
        path = f"/cs/sessions/{seen.session_id}/messages"
        for _ in range(2 if again else 1):
            answer = await self.http.post(path, content=body, headers={**headers, "Content-Type": "application/json"})
            turn.status = max(turn.status or 0, answer.status_code)
            turn.refused = None
            if answer.status_code in (409, 422, 429):
                turn.refused = str(answer.status_code)
            elif answer.is_success:
                turn.shown, turn.tools = [], []
                _read(turn, answer.text, streamed=streamed)


def _note(turn: TurnSeen, event: TurnEvent) -> None:
    match event:
        case Delta():
            turn.shown.append((event.position, event.text))
        case ToolRan():
            turn.tools.append(event.name)
        case TurnDone():
            turn.response = event.answer.response


def _read(turn: TurnSeen, text: str, *, streamed: bool) -> None:
    if not streamed:
        turn.response = json.loads(text)["response"]
        return
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        match fields.get("event"):
            case "message.delta":
                turn.shown.append((int(fields["id"]), json.loads(fields["data"])["text"]))
            case "tool":
                turn.tools.append(json.loads(fields["data"])["name"])
            case "message.done":
                turn.response = json.loads(fields["data"])["response"]


def _takeover(seat: Seat, session_id: UUID, now: datetime) -> dict[str, object]:
    return {
        "company_id": seat.shop.id,
        "id": uuid7(),
        "session_id": session_id,
        "cart_id": seat.cart_id,
        "status": HandoffStatus.ACCEPTED,
        "reason": "asked",
        "summary": "",
        "requested_at": now,
        "accepted_at": now,
    }
