"""A shop with one shopper and abandoned carts, whose stages run at told instants and whose words are templates."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.session import transaction
from db.tables.carts import CartStatus
from db.tables.catalogue import ProductVariant
from db.tables.companies import Company
from db.tables.customers import ConsentChannel, ConsentMethod, ConsentState, Customer
from db.tables.delivery import Message
from db.tables.policy import ContactDecision, Grant, GrantSource
from db.tables.recovery import (
    CartAbandonmentReason,
    CartSaveStage,
    FlowConfigVersion,
    Intervention,
    SaveAttempt,
    StageEvent,
)
from delivery import jobs as delivery_jobs
from delivery.channels import transports
from delivery.schemas import Recorded, Skip
from policy.contact.service import ConsentGiven, record_consent
from policy.offers.service import OfferGranted, grant
from policy.offers.service import Refused as OfferRefused
from recovery import attempts, responses, service
from recovery.begin_stage import StagePlan, begin_stage
from recovery.dispatch import after_sending, may_leave
from recovery.emails import Mailing
from recovery.finish_stage import Written, finish_stage, template_of
from recovery.links import Links
from recovery.remedies import InterventionType
from tests import factories as make
from tests.factories import NOW, SIGNER

MAILING = Mailing(Links(SIGNER, "http://shop.test"), "hello@shop.test")
PRICE, DELIVERY = CartAbandonmentReason.TOO_EXPENSIVE, CartAbandonmentReason.SHIPPING_COST
TABLES = (SaveAttempt, StageEvent, Intervention, Message, Grant, ContactDecision)


def after(**time: float) -> datetime:
    return NOW + timedelta(**time)


@dataclass
class Shop:
    engine: AsyncEngine
    company: Company
    maya: Customer
    beans: ProductVariant
    mug: ProductVariant

    @property
    def id(self) -> UUID:
        return self.company.id

    @property
    def begin(self) -> Callable[[], AbstractAsyncContextManager[AsyncSession]]:
        return partial(transaction, self.engine, company_id=self.id)

    async def consent(self, state: ConsentState = ConsentState.CONFIRMED, *, at: datetime = NOW) -> None:
        given = ConsentGiven(
            self.maya.id, ConsentChannel.EMAIL, self.maya.email or "", state, ConsentMethod.WIDGET, "email-1", "Yes."
        )
        async with self.begin() as session:
            await record_consent(session, given, company_id=self.id, now=at)

    async def cart(
        self, quantity: int = 1, *, customer: Customer | None = None, status: CartStatus = CartStatus.ABANDONED
    ) -> UUID:
        """One that was abandoned at NOW, half an hour after its last activity."""
        async with self.begin() as session:
            made = await make.make_cart(
                session,
                (self.beans, quantity),
                company_id=self.id,
                customer=customer or self.maya,
                status=status,
                last_activity_at=NOW - timedelta(minutes=30),
                abandoned_at=NOW if status is CartStatus.ABANDONED else None,
                idle_due_at=NOW if status is CartStatus.ACTIVE else None,
            )
            return made.id

    async def start(self, cart_id: UUID, *, reason: CartAbandonmentReason | None = None) -> UUID:
        async with self.begin() as session:
            return (await service.start_attempt(session, cart_id, company_id=self.id, reason=reason, now=NOW)).id

    async def waiting_at(self, stage: CartSaveStage, *, diagnosis: CartAbandonmentReason | None = None) -> UUID:
        """An attempt whose `stage` is due at NOW, with nothing sent before it."""
        attempt_id = await self.start(await self.cart(), reason=diagnosis)
        async with self.begin() as session:
            attempt = await attempts.lock_running(session, attempt_id, company_id=self.id)
            attempt.current_stage, attempt.due_at = stage, NOW
        return attempt_id

    async def plan(self, attempt_id: UUID, *, at: datetime = NOW, step: int | None = None) -> StagePlan | None:
        if step is None:
            step = (await self.attempt(attempt_id)).step
        async with self.begin() as session:
            return await begin_stage(session, attempt_id, company_id=self.id, step=step, signer=SIGNER, now=at)

    async def planned(self, attempt_id: UUID, *, at: datetime = NOW) -> StagePlan:
        plan = await self.plan(attempt_id, at=at)
        assert plan is not None
        return plan

    async def finish(
        self,
        plan: StagePlan,
        *,
        remedy: InterventionType | None = None,
        written: Written | None = None,
        at: datetime = NOW,
    ) -> Intervention | None:
        written = written or template_of(plan, remedy or plan.remedies[0], plan.cart)
        async with self.begin() as session:
            return await finish_stage(session, plan, written, mailing=MAILING, now=at)

    async def run(self, attempt_id: UUID, *, at: datetime = NOW) -> Intervention | None:
        plan = await self.plan(attempt_id, at=at)
        return None if plan is None else await self.finish(plan, at=at)

    async def send(self, message_id: UUID, *, at: datetime = NOW, smtp_url: str | None = None) -> Recorded | Skip:
        async def recorded(session: AsyncSession, outcome: Recorded) -> None:
            await after_sending(session, outcome, company_id=self.id, signer=SIGNER, now=at)

        return await delivery_jobs.send(
            self.begin,
            transports(smtp_url=smtp_url),
            message_id,
            company_id=self.id,
            now=at,
            gate=partial(may_leave, signer=SIGNER, now=at),
            on_recorded=recorded,
        )

    async def answer(
        self, attempt_id: UUID, reason: CartAbandonmentReason, *, text: str | None = None, at: datetime = NOW
    ) -> None:
        async with self.begin() as session:
            await responses.answer(session, attempt_id, reason, company_id=self.id, text=text, now=at)

    async def chat_offer(
        self, cart_id: UUID, reason: CartAbandonmentReason = PRICE, *, at: datetime = NOW
    ) -> OfferGranted | OfferRefused:
        async with self.begin() as session:
            return await grant(
                session,
                cart_id,
                company_id=self.id,
                reason=reason,
                source=GrantSource.CHAT,
                idempotency_key=f"chat:{at}",
                now=at,
            )

    async def configure(self, config: dict[str, Any], *, version: int = 1) -> None:
        async with self.begin() as session:
            session.add(
                FlowConfigVersion(
                    company_id=self.id, version=version, config=config, changed_by="a test", created_at=NOW
                )
            )

    async def attempt(self, attempt_id: UUID) -> SaveAttempt:
        async with self.begin() as session:
            return await attempts.get_attempt(session, attempt_id, company_id=self.id)

    async def events(self, attempt_id: UUID) -> list[tuple[str, str, str | None]]:
        """(stage, kind, reason) in the order in which they happened."""
        query = (
            select(StageEvent)
            .where(StageEvent.attempt_id == attempt_id)
            .order_by(StageEvent.occurred_at, StageEvent.id)
        )
        return [(event.stage.value, event.kind.value, event.reason) for event in await self.rows(query)]

    async def messages(self) -> list[Message]:
        return await self.rows(select(Message).order_by(Message.created_at, Message.id))

    async def interventions(self) -> list[Intervention]:
        return await self.rows(select(Intervention).order_by(Intervention.scheduled_at, Intervention.step))

    async def grants(self) -> list[Grant]:
        return await self.rows(select(Grant).order_by(Grant.id))

    async def rows(self, query: Any) -> list[Any]:
        async with self.begin() as session:
            return list(await session.scalars(query))

    async def counts(self) -> dict[str, int]:
        """How many rows the flow has written, by table."""
        async with self.begin() as session:
            return {
                table.__tablename__: await session.scalar(select(func.count()).select_from(table)) or 0
                for table in TABLES
            }


async def open_shop(engine: AsyncEngine) -> Shop:
    """Beans at 24.99 (cost 10) and mugs at 17.99, delivery at 5.99 and free from 50; Maya lives by UTC."""
    company = await make.make_company(engine)
    async with transaction(engine, company_id=company.id) as session:
        maya = await make.make_customer(session, company_id=company.id, timezone="UTC")
        beans = await make.make_product(
            session, "BLEND", company_id=company.id, name="Signature Blend", unit_cost_minor=10_00, on_hand=20
        )
        mug = await make.make_product(session, "MUG", company_id=company.id, name="Wren Mug", prices={"USD": 17_99})
        await make.make_shipping_rate(session, company_id=company.id)
    return Shop(engine, company, maya, beans, mug)


def with_words(plan: StagePlan, *paragraphs: str, remedy: InterventionType | None = None) -> Written:
    """What a model might have written: the template's frame around these paragraphs."""
    by_template = template_of(plan, remedy or plan.remedies[0], plan.cart)
    content = by_template.content.model_copy(update={"paragraphs": paragraphs})
    return replace(by_template, content=content, author="a-model")
