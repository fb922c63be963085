"""What a console's browser tests need beside the browser: people, shoppers who chat, and a call that was held."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.embedded import running
from db.ids import uuid7
from db.session import open_engine, transaction
from db.tables.access import ConsoleSession
from db.tables.companies import Role
from db.tables.conversations import (
    ChatMessage,
    ChatTurn,
    ConversationChannel,
    MessageRole,
    ToolCall,
    ToolOutcome,
    TurnStatus,
)
from db.tables.delivery import Message
from db.tables.recovery import SaveAttempt
from db.tables.voice import EndReason, VoiceCall, VoiceCallOutcome, VoiceCallStatus
from graphs.conversations import service as conversations
from policy.access import service as access
from policy.access.passwords import Passwords
from policy.access.schemas import COMMAND_LINE
from tests.e2e.demo import Demo

T = TypeVar("T")
PASSWORD = "a few words in a row"


def in_database(demo: Demo, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Run `work` as the demo's company, in a thread: Playwright's loop has this one."""

    async def run() -> T:
        with running(demo.data_dir) as server:
            engine = open_engine(server.app_url)
            try:
                async with transaction(engine, company_id=demo.company_id) as session:
                    return await work(session)
            finally:
                await engine.dispose()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


def add_user(demo: Demo, email: str, role: Role) -> None:
    async def work(session: AsyncSession) -> None:
        hashed = await Passwords().hash(PASSWORD)
        await access.add_user(session, email, hashed, role, company_id=demo.company_id, by=COMMAND_LINE)

    in_database(demo, work)


def let_sessions_expire(demo: Demo) -> None:
    """As if nobody had touched the console for two hours."""

    async def work(session: AsyncSession) -> None:
        await session.execute(update(ConsoleSession).values(last_seen_at=datetime.now(UTC) - timedelta(hours=2)))

    in_database(demo, work)


def chat(demo: Demo, email: str, *questions: str) -> list[dict[str, Any]]:
    """A new shopper with a cart asks in a new conversation; the answers over the API."""
    with httpx.Client(base_url=demo.api, timeout=120) as client:
        cart = client.post(
            "/carts",
            headers={"authorization": f"Bearer {demo.publishable_key}"},
            json={
                "currency": "USD",
                "items": [{"sku": "WF-SIG-1LB-WB", "quantity": 2}],
                "customer": {"email": email, "firstName": "Maya", "country": "US", "consents": ["EMAIL"]},
            },
        ).json()
        client.headers["authorization"] = f"Bearer {cart['cartToken']}"
        opened = client.post("/cs/sessions", json={}).json()
        return [client.post(f"/cs/sessions/{opened['id']}/messages", json={"content": q}).json() for q in questions]


def advance(demo: Demo, minutes: int) -> None:
    """Let the shop live on, as `POST /demo/clock` does."""
    headers = {"authorization": f"Bearer {demo.secret_key}"}
    moved = httpx.post(f"{demo.api}/demo/clock", headers=headers, json={"advanceMinutes": minutes}, timeout=300)
    assert moved.status_code == 200, moved.text


def held_call(demo: Demo) -> UUID:
    """The rows that a recovery call leaves: its conversation and the call itself. Some flow must have sent mail."""

    async def work(session: AsyncSession) -> UUID:
        of_flows = select(Message).where(Message.attempt_id.is_not(None)).order_by(Message.id).limit(1)
        first = (await session.scalars(of_flows)).one()
        attempt = (await session.scalars(select(SaveAttempt).where(SaveAttempt.id == first.attempt_id))).one()
        at = datetime(2026, 11, 25, 18, 30, tzinfo=UTC)
        talk = await conversations.open_conversation(
            session,
            attempt.cart_id,
            company_id=demo.company_id,
            channel=ConversationChannel.VOICE,
            policy_version=0,
            disclosure="This is an automated call from Wrenfold Coffee. Say stop or press 9 to end it.",
            attempt_id=attempt.id,
            now=at,
        )
        for position, (asked, said) in enumerate(SPOKEN, 1):
            await _spoken(
                session, demo.company_id, talk.id, position, asked, said, at=at + timedelta(seconds=9 * position)
            )
        session.add(
            VoiceCall(
                company_id=demo.company_id,
                id=uuid7(),
                attempt_id=attempt.id,
                cart_id=attempt.cart_id,
                customer_id=first.customer_id,
                message_id=first.id,
                session_id=talk.id,
                abandonment=1,
                person_key="a person",
                number_hash="a number",
                called_on=at.date(),
                status=VoiceCallStatus.ENDED,
                script_type="CART_RECOVERY",
                initiated_at=at - timedelta(seconds=12),
                answered_at=at,
                completed_at=at + timedelta(seconds=74),
                duration_s=74,
                heartbeat_at=at,
                outcome=VoiceCallOutcome.DISCOUNT_ACCEPTED,
                end_reason=EndReason.COMPLETED,
            )
        )
        return talk.id

    return in_database(demo, work)


SPOKEN = (
    ("Yes, this is Maya.", "Thank you. I'm calling about the cart that you left in our shop."),
    ("It was a bit too expensive.", "10% off is applied to your cart."),
    ("That is great, thanks.", "I have sent you the link to your cart. Goodbye."),
)


async def _spoken(
    session: AsyncSession, company_id: UUID, talk_id: UUID, position: int, asked: str, said: str, *, at: datetime
) -> None:
    turn_id = uuid7()
    session.add(
        ChatTurn(
            company_id=company_id,
            id=turn_id,
            session_id=talk_id,
            position=position,
            status=TurnStatus.DONE,
            model="offline",
            timings={
                "speechEndToTranscript": 380,
                "firstToken": 12,
                "sentencePassed": 20,
                "firstAudio": 460,
                "total": 470,
            },
            started_at=at,
            finished_at=at,
        )
    )
    await session.flush()
    rows = ((MessageRole.USER, asked), (MessageRole.ASSISTANT, said))
    for offset, (role, content) in enumerate(rows):
        session.add(
            ChatMessage(
                company_id=company_id,
                session_id=talk_id,
                turn_id=turn_id,
                position=2 * position + offset,
                role=role,
                content=content,
                bindings={"facts": ["grant:1"]} if "10%" in content else {},
                created_at=at,
            )
        )
    if "10%" in said:
        session.add(
            ToolCall(
                company_id=company_id,
                session_id=talk_id,
                turn_id=turn_id,
                call_key=uuid7().hex,
                name="apply_discount",
                input={"reason": "TOO_EXPENSIVE"},
                outcome=ToolOutcome.OK,
                result={"ok": True, "percent": "10"},
                policy_version=0,
                latency_ms=14,
                called_at=at,
            )
        )
