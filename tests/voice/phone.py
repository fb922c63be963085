"""A shop whose shopper may be called, the application on a real port, and a carrier that calls back over sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import httpx
import uvicorn
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.parts import Parts, assemble
from app.phone import open_phone
from app.server import create_server
from app.settings import Settings
from app.simulator.twilio import FakeCall, FakeTwilio, Stream
from db.ids import uuid7
from db.session import transaction
from db.tables.carts import CartStatus, Order
from db.tables.companies import Company
from db.tables.customers import ConsentChannel, ConsentMethod, ConsentState, Customer
from db.tables.delivery import Message, MessageStatus
from db.tables.policy import Channel, ContactDecision
from db.tables.recovery import CartSaveStage, FlowConfigVersion, SaveAttempt
from db.tables.voice import VoiceCall
from policy.contact.service import ConsentGiven, record_consent
from recovery import attempts
from recovery import service as recovery
from tests import factories as make
from tests.app.living import World

PHONE = "+15035550142"
SID, TOKEN = f"AC{'1' * 32}", "a token of the tests"
# A Monday and a Tuesday, 11:00 where Maya lives, far enough ahead that the real clock never gets there.
ABANDONED = datetime(2031, 3, 3, 19, 0, tzinfo=UTC)
CALL = ABANDONED + timedelta(hours=24)
CALLING: dict[str, Any] = {
    "voice": {"enabled": True},
    "stages": {"nuclearOffer": {"voiceCallEnabled": True, "channels": ["VOICE"]}},
}


@dataclass
class Phone:
    """Maya lives in Oregon, agreed in writing to AI calls, had two emails, and left 149.94 in her cart."""

    engine: AsyncEngine
    parts: Parts
    world: World
    twilio: FakeTwilio
    company: Company
    maya: Customer
    cart_id: UUID
    attempt_id: UUID
    streams: list[tuple[FakeCall, Stream]] = field(default_factory=list)

    @property
    def id(self) -> UUID:
        return self.company.id

    def session(self) -> Any:
        return transaction(self.engine, company_id=self.id)

    async def at(self, instant: datetime) -> None:
        """Do all that is due up to then, and let the carrier do its part."""
        await self.world.live_until(instant)
        await self.twilio.settled()

    async def configure(self, config: dict[str, Any], *, version: int = 2) -> None:
        async with self.session() as session:
            session.add(
                FlowConfigVersion(
                    company_id=self.id, version=version, config=config, changed_by="a test", created_at=ABANDONED
                )
            )

    async def consent(self, state: ConsentState = ConsentState.CONFIRMED) -> None:
        async with self.session() as session:
            await agree(session, self.maya, ConsentChannel.AI_VOICE, ConsentMethod.WRITTEN, state=state)

    async def calls(self) -> list[VoiceCall]:
        return await self.rows(select(VoiceCall).order_by(VoiceCall.id))

    async def call(self) -> VoiceCall:
        (only,) = await self.calls()
        return only

    async def message(self, attempt_id: UUID | None = None) -> Message:
        """The contact that is this attempt's call; Maya's, if none is named."""
        of_attempt = Message.attempt_id == (attempt_id or self.attempt_id)
        found: list[Message] = await self.rows(select(Message).where(Message.channel == Channel.VOICE, of_attempt))
        (only,) = found
        return only

    async def decisions(self) -> list[tuple[str, str, list[str]]]:
        """(phase, verdict, reasons) of each decision about a call, in order."""
        query = select(ContactDecision).where(ContactDecision.channel == Channel.VOICE)
        found: list[ContactDecision] = await self.rows(query.order_by(ContactDecision.decided_at, ContactDecision.id))
        return [(each.phase.value, each.verdict.value, each.reasons) for each in found]

    async def buys_elsewhere(self, *, at: datetime) -> None:
        """An order of Maya's that came from no cart of ours."""
        async with self.session() as session:
            await make.make_order(session, company_id=self.id, customer=self.maya, placed_at=at)

    async def orders(self) -> list[Order]:
        return await self.rows(select(Order))

    async def set_attempt(self, **columns: Any) -> None:
        async with self.session() as session:
            await session.execute(update(SaveAttempt).where(SaveAttempt.id == self.attempt_id).values(**columns))

    async def rows(self, query: Any) -> list[Any]:
        async with self.session() as session:
            return list(await session.scalars(query))


async def agree(
    session: AsyncSession,
    customer: Customer,
    channel: ConsentChannel,
    method: ConsentMethod,
    *,
    state: ConsentState = ConsentState.CONFIRMED,
) -> None:
    address = customer.email if channel is ConsentChannel.EMAIL else customer.phone
    given = ConsentGiven(customer.id, channel, address or "", state, method, "wording-1", "Yes, you may.")
    await record_consent(session, given, company_id=customer.company_id, now=ABANDONED - timedelta(days=1))


async def caller(
    engine: AsyncEngine, company: Company, email: str = "maya@example.com", phone: str = PHONE, *, emails: int = 2
) -> tuple[Customer, UUID, UUID]:
    """A person with consent, emails and an abandoned cart whose next stage is the call: customer, cart, attempt."""
    async with transaction(engine, company_id=company.id) as session:
        who = await make.make_customer(session, email, company_id=company.id, phone=phone)
        await agree(session, who, ConsentChannel.EMAIL, ConsentMethod.WIDGET)
        await agree(session, who, ConsentChannel.AI_VOICE, ConsentMethod.WRITTEN)
        sku = uuid7().hex
        beans = await make.make_product(session, sku, company_id=company.id, name="Blend", on_hand=50)
        cart = await make.make_cart(
            session,
            (beans, 6),
            company_id=company.id,
            customer=who,
            status=CartStatus.ABANDONED,
            last_activity_at=ABANDONED - timedelta(minutes=30),
            abandoned_at=ABANDONED,
        )
        attempt = await recovery.start_attempt(session, cart.id, company_id=company.id, now=ABANDONED)
        for hours in range(1, emails + 1):
            session.add(sent_email(who, cart.id, attempt.id, at=ABANDONED + timedelta(hours=hours)))
        await session.flush()
        waiting = await attempts.lock_running(session, attempt.id, company_id=company.id)
        waiting.current_stage, waiting.due_at = CartSaveStage.NUCLEAR_OFFER, CALL
    return who, cart.id, attempt.id


def sent_email(who: Customer, cart_id: UUID, attempt_id: UUID, *, at: datetime, **columns: Any) -> Message:
    return Message(
        company_id=who.company_id,
        id=uuid7(),
        attempt_id=attempt_id,
        cart_id=cart_id,
        customer_id=who.id,
        abandonment=1,
        channel=Channel.EMAIL,
        to_address=who.email,
        subject="Your cart",
        text="",
        html="",
        headers={},
        recovery_url="",
        request_key=uuid7().hex,
        created_at=at,
        sent_at=at,
        **{"status": MessageStatus.SENT, **columns},
    )


@asynccontextmanager
async def calling_shop(engine: AsyncEngine, *, holds_calls: bool = False) -> AsyncIterator[Phone]:
    """Everything that a call needs, on this machine; its time is a minute before the call is due.

    With `holds_calls` whoever answers is talked with; else the stream is only noted.
    """
    async with FakeTwilio(SID, TOKEN) as twilio, serving(engine, twilio, holds_calls=holds_calls) as (parts, client):
        company = await make.make_company(engine)
        maya, cart_id, attempt_id = await caller(engine, company)
        phone = Phone(engine, parts, World(engine, parts, client), twilio, company, maya, cart_id, attempt_id)
        await phone.configure(CALLING, version=1)
        await phone.world.set_time(CALL - timedelta(minutes=1))

        async def on_stream(call: FakeCall, stream: Stream) -> None:
            phone.streams.append((call, stream))

        twilio.on_stream = on_stream
        yield phone


@asynccontextmanager
async def serving(
    engine: AsyncEngine, twilio: FakeTwilio, *, holds_calls: bool = False
) -> AsyncIterator[tuple[Parts, httpx.AsyncClient]]:
    """The application on a port of its own, in this event loop."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        public_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        url = engine.url.render_as_string(hide_password=False)
        settings = Settings.model_validate(
            {
                "signing_key": "a signing key for tests, 32 characters or more",
                "database_url": url,
                "public_url": public_url,
                "twilio_account_sid": SID,
                "twilio_auth_token": TOKEN,
                "twilio_from": "+15005550006",
                "twilio_base_url": twilio.base_url,
                "smtp_url": None,
                "ANTHROPIC_API_KEY": None,
            }
        )
        parts = assemble(settings, url)
        app = create_server(parts, phone=open_phone(settings, parts) if holds_calls else None)
        ws: Literal["websockets-sansio", "none"] = "websockets-sansio" if holds_calls else "none"
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws=ws))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            async with httpx.AsyncClient(base_url=public_url) as client:
                yield parts, client
        finally:
            server.should_exit = True
            await running
            await parts.aclose()
