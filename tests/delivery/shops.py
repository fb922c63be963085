"""A shop with one abandoned cart and an intervention on it, to hang messages on."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.ids import uuid7
from db.session import transaction
from db.tables.carts import Cart, CartStatus
from db.tables.companies import Company
from db.tables.customers import Customer
from db.tables.delivery import Message, MessageEvent, MessageStatus
from db.tables.policy import Channel, ContactVerdict
from db.tables.recovery import (
    CartSaveStage,
    CartSaveStatus,
    Intervention,
    InterventionStatus,
    SaveAttempt,
)
from delivery import service
from delivery.schemas import Claimed, PlannedMessage, Recorded, Skip
from delivery.transport import Outcome
from tests.delivery.email.letters import outgoing

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Answer:
    verdict: ContactVerdict = ContactVerdict.ALLOW
    until: datetime | None = None
    reasons: tuple[str, ...] = ()


class Gate:
    """A gate that locks the cart, as the real one does, and answers what it is told to."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, session: AsyncSession, message: Message) -> Answer:
        self.asked += 1
        await session.execute(select(Cart.id).where(Cart.id == message.cart_id).with_for_update())
        return self.answers.pop(0) if self.answers else Answer()


@dataclass
class Shop:
    engine: AsyncEngine
    company_id: UUID
    customer_id: UUID
    cart_id: UUID
    attempt_id: UUID
    intervention_id: UUID

    @property
    def begin(self) -> Callable[[], AbstractAsyncContextManager[AsyncSession]]:
        return partial(transaction, self.engine, company_id=self.company_id)

    def draft(self, **changed: Any) -> PlannedMessage:
        sent = outgoing(message_id=uuid7())
        fields: dict[str, Any] = {
            "id": sent.message_id,
            "cart_id": self.cart_id,
            "customer_id": self.customer_id,
            "abandonment": 1,
            "channel": Channel.EMAIL,
            "to_address": sent.to_address,
            "subject": sent.subject,
            "text": sent.text,
            "html": sent.html,
            "headers": sent.headers,
            "recovery_url": "https://shop.example/r/token",
            "due_at": NOW,
            "intervention_id": self.intervention_id,
            "attempt_id": self.attempt_id,
            "stage": "PATTERN_INTERRUPT",
        }
        return PlannedMessage(**(fields | changed))

    async def plan(self, **changed: Any) -> UUID:
        async with self.begin() as session:
            draft = self.draft(**changed)
            message = await service.plan_message(session, draft, company_id=self.company_id, now=NOW)
            return message.id

    async def message(self, message_id: UUID) -> Message:
        async with self.begin() as session:
            return (await session.scalars(select(Message).where(Message.id == message_id))).one()

    async def messages(self) -> list[Message]:
        async with self.begin() as session:
            return list((await session.scalars(select(Message).order_by(Message.id))).all())

    async def events(self) -> list[MessageEvent]:
        async with self.begin() as session:
            return list((await session.scalars(select(MessageEvent).order_by(MessageEvent.id))).all())

    async def add_intervention(self, step: int) -> UUID:
        async with self.begin() as session:
            row = _intervention(self.company_id, self.attempt_id, self.cart_id, step=step)
            session.add(row)
            return row.id


async def open_shop(engine: AsyncEngine) -> Shop:
    company_id = uuid7()
    async with transaction(engine, company_id=company_id) as session:
        session.add(
            Company(
                id=company_id,
                name="Meridian",
                legal_name="Meridian Coffee Roasters GmbH",
                postal_address="Speicherstraße 12",
                support_email="help@meridian.example",
                currency="EUR",
                timezone="Europe/Berlin",
                country="DE",
                created_at=NOW,
            )
        )
        await session.flush()
        customer = Customer(id=uuid7(), company_id=company_id, email="ana@example.org", person_key="p", created_at=NOW)
        session.add(customer)
        await session.flush()
        cart = Cart(
            id=uuid7(),
            company_id=company_id,
            status=CartStatus.ABANDONED,
            currency="EUR",
            customer_id=customer.id,
            last_activity_at=NOW,
            abandoned_at=NOW,
            abandonment=1,
            created_at=NOW,
        )
        session.add(cart)
        await session.flush()
        attempt = SaveAttempt(
            id=uuid7(),
            company_id=company_id,
            cart_id=cart.id,
            customer_id=customer.id,
            current_stage=CartSaveStage.PATTERN_INTERRUPT,
            cart_value_minor=5430,
            currency="EUR",
            status=CartSaveStatus.IN_PROGRESS,
            experiment_arm="TREATED",
            abandoned_at=NOW,
            started_at=NOW,
        )
        session.add(attempt)
        await session.flush()
        intervention = _intervention(company_id, attempt.id, cart.id, step=1)
        session.add(intervention)
        return Shop(engine, company_id, customer.id, cart.id, attempt.id, intervention.id)


def _intervention(company_id: UUID, attempt_id: UUID, cart_id: UUID, *, step: int) -> Intervention:
    return Intervention(
        id=uuid7(),
        company_id=company_id,
        attempt_id=attempt_id,
        cart_id=cart_id,
        stage=CartSaveStage.PATTERN_INTERRUPT,
        step=step,
        channels=["EMAIL"],
        content={},
        author="TEMPLATE",
        triggers_used=[],
        status=InterventionStatus.SCHEDULED,
        scheduled_at=NOW,
    )


class Ledger:
    """What the recording hook was told, inside the recording transaction."""

    def __init__(self) -> None:
        self.recorded: list[Recorded] = []

    async def __call__(self, session: AsyncSession, recorded: Recorded) -> None:
        assert session.in_transaction()
        self.recorded.append(recorded)


async def claim(
    shop: Shop, message_id: UUID, *, gate: Gate | None = None, now: datetime = NOW
) -> Claimed | Recorded | Skip:
    async with shop.begin() as session:
        return await service.claim(session, message_id, company_id=shop.company_id, now=now, gate=gate or Gate())


async def take(shop: Shop, message_id: UUID, *, now: datetime = NOW) -> Claimed:
    claimed = await claim(shop, message_id, now=now)
    assert isinstance(claimed, Claimed)
    return claimed


async def record(shop: Shop, claimed: Claimed, outcome: Outcome, *, now: datetime = NOW) -> None:
    async with shop.begin() as session:
        await service.record_result(session, claimed, outcome, now=now)


def standing(message: Message) -> tuple[MessageStatus, datetime | None, str | None, int, datetime | None]:
    return message.status, message.due_at, message.reason, message.tries, message.sent_at


async def someone_waits(shop: Shop) -> None:
    """Return once another session of this database waits for a lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10):
        while True:
            async with shop.engine.connect() as connection:
                if await connection.scalar(query):
                    return
