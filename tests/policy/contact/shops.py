"""A shop whose shopper may or may not be contacted."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.ids import uuid7
from db.session import transaction
from db.tables.carts import Cart
from db.tables.companies import Company
from db.tables.customers import (
    ConsentChannel,
    ConsentMethod,
    ConsentRecord,
    ConsentState,
    Customer,
    Suppression,
    SuppressionScope,
)
from db.tables.delivery import Message, MessageStatus
from db.tables.policy import Channel, ContactDecision, ContactPhase, ContactVerdict
from db.tables.recovery import FlowConfigVersion
from policy.contact import service
from policy.contact.rules import Purpose
from policy.contact.service import ConsentGiven, GateDecision
from tests.factories import SIGNER

# A Tuesday, 10:00 in Los Angeles, where Maya is.
NOW = datetime.fromisoformat("2026-11-03T18:00:00+00:00")
PHONE = "+15035550142"


class Shop:
    """A shop in New York, Maya with an email consent, and her abandoned cart."""

    def __init__(self, engine: AsyncEngine, company: Company, maya: Customer, cart: Cart) -> None:
        self.engine, self.id, self.maya, self.cart = engine, company.id, maya, cart

    async def decide(
        self,
        channel: Channel = Channel.EMAIL,
        *,
        phase: ContactPhase = ContactPhase.PLAN,
        purpose: Purpose = Purpose.MARKETING,
        now: datetime = NOW,
        message_id: UUID | None = None,
    ) -> GateDecision:
        async with transaction(self.engine, company_id=self.id) as session:
            return await self.ask(
                session, channel, phase=phase, purpose=purpose, now=now, cart=self.cart, message_id=message_id
            )

    async def ask(
        self,
        session: AsyncSession,
        channel: Channel,
        *,
        phase: ContactPhase,
        cart: Cart,
        purpose: Purpose = Purpose.MARKETING,
        now: datetime = NOW,
        message_id: UUID | None = None,
    ) -> GateDecision:
        return await service.decide_and_record(
            session,
            self.maya.id,
            company_id=self.id,
            channel=channel,
            purpose=purpose,
            phase=phase,
            signer=SIGNER,
            now=now,
            cart_id=cart.id,
            message_id=message_id,
        )

    async def consent(
        self,
        channel: ConsentChannel,
        *,
        state: ConsentState = ConsentState.CONFIRMED,
        method: ConsentMethod = ConsentMethod.WRITTEN,
        address: str | None = None,
        now: datetime = NOW - timedelta(days=1),
    ) -> None:
        phone = channel in (ConsentChannel.SMS, ConsentChannel.AI_VOICE)
        given = ConsentGiven(
            customer_id=self.maya.id,
            channel=channel,
            address=address or (PHONE if phone else "maya@example.com"),
            state=state,
            method=method,
            wording_version="test-1",
            wording="Yes, you may.",
        )
        async with transaction(self.engine, company_id=self.id) as session:
            await service.record_consent(session, given, company_id=self.id, now=now)

    async def stop(self, address: str, scope: SuppressionScope) -> bool:
        async with transaction(self.engine, company_id=self.id) as session:
            return await service.suppress(
                session,
                address,
                scope,
                company_id=self.id,
                reason="UNSUBSCRIBED",
                source="EMAIL_LINK",
                signer=SIGNER,
                now=NOW,
            )

    async def message(
        self,
        channel: Channel = Channel.EMAIL,
        status: MessageStatus = MessageStatus.SENT,
        *,
        hours_ago: float = 30,
        abandonment: int = 1,
        opened: bool = False,
    ) -> UUID:
        async with transaction(self.engine, company_id=self.id) as session:
            return (
                await self.write_message(
                    session,
                    self.cart,
                    channel,
                    status,
                    hours_ago=hours_ago,
                    abandonment=abandonment,
                    opened=opened,
                )
            ).id

    async def write_message(
        self,
        session: AsyncSession,
        cart: Cart,
        channel: Channel,
        status: MessageStatus,
        *,
        hours_ago: float = 30,
        abandonment: int = 1,
        opened: bool = False,
    ) -> Message:
        at = NOW - timedelta(hours=hours_ago)
        message = Message(
            company_id=self.id,
            id=uuid7(),
            cart_id=cart.id,
            customer_id=self.maya.id,
            abandonment=abandonment,
            channel=channel,
            to_address="maya@example.com",
            subject="Your cart",
            text="Your cart",
            html="",
            headers={},
            recovery_url="https://shop.example/r/x",
            request_key=uuid7().hex,
            status=status,
            created_at=at,
            sent_at=at if status in (MessageStatus.SENT, MessageStatus.UNKNOWN) else None,
            opened_at=at if opened else None,
        )
        session.add(message)
        await session.flush()
        return message

    async def configure(self, config: dict[str, object]) -> None:
        async with transaction(self.engine, company_id=self.id) as session:
            session.add(
                FlowConfigVersion(company_id=self.id, version=1, config=config, changed_by="a test", created_at=NOW)
            )

    async def decisions(self) -> list[ContactDecision]:
        async with transaction(self.engine, company_id=self.id) as session:
            return list(await session.scalars(select(ContactDecision).order_by(ContactDecision.id)))

    async def consents(self) -> list[tuple[ConsentChannel, ConsentState]]:
        async with transaction(self.engine, company_id=self.id) as session:
            rows = await session.scalars(select(ConsentRecord).order_by(ConsentRecord.id))
            return [(row.channel, row.state) for row in rows]

    async def suppressions(self) -> list[tuple[SuppressionScope, str]]:
        async with transaction(self.engine, company_id=self.id) as session:
            rows = await session.scalars(select(Suppression).order_by(Suppression.id))
            return [(row.scope, row.address_hash) for row in rows]


def blocked(*reasons: str) -> tuple[ContactVerdict, tuple[str, ...]]:
    return ContactVerdict.BLOCK, reasons


def answer(decision: GateDecision) -> tuple[ContactVerdict, tuple[str, ...]]:
    return decision.verdict, decision.reasons


ALLOWED = (ContactVerdict.ALLOW, ())
