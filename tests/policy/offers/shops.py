"""A shop that has offers to give."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.ids import uuid7
from db.session import transaction
from db.tables.carts import Cart
from db.tables.catalogue import ProductVariant
from db.tables.companies import Company
from db.tables.customers import Customer
from db.tables.policy import Grant, GrantSource, GrantStatus
from db.tables.recovery import CartAbandonmentReason, CartSaveStage, FlowConfigVersion
from policy.offers import service
from policy.offers.rules import DeniedCode
from policy.offers.service import OfferGranted, Refused
from tests import factories
from tests.factories import NOW

PRICE, DELIVERY = CartAbandonmentReason.TOO_EXPENSIVE, CartAbandonmentReason.SHIPPING_COST


class Shop:
    """A shop with beans at 30.00 (cost 15.00), delivery at 5.99 and one shopper."""

    def __init__(self, engine: AsyncEngine, company: Company, beans: ProductVariant, maya: Customer) -> None:
        self.engine, self.company, self.beans, self.maya = engine, company, beans, maya
        self.id = company.id

    async def cart(self, customer: Customer | None = None, *, quantity: int = 2) -> Cart:
        async with transaction(self.engine, company_id=self.id) as session:
            return await factories.make_cart(session, (self.beans, quantity), company_id=self.id, customer=customer)

    async def configure(self, config: dict[str, object], *, version: int = 1) -> None:
        async with transaction(self.engine, company_id=self.id) as session:
            session.add(
                FlowConfigVersion(
                    company_id=self.id, version=version, config=config, changed_by="a test", created_at=NOW
                )
            )

    async def grant(
        self,
        cart: Cart,
        reason: CartAbandonmentReason | None = PRICE,
        source: GrantSource = GrantSource.CHAT,
        *,
        key: str | None = None,
        days: float = 0,
        stage: CartSaveStage | None = None,
    ) -> OfferGranted | Refused:
        async with transaction(self.engine, company_id=self.id) as session:
            return await service.grant(
                session,
                cart.id,
                company_id=self.id,
                reason=reason,
                source=source,
                stage=stage,
                now=NOW + timedelta(days=days),
                idempotency_key=key or uuid7().hex,
            )

    async def propose(self, cart: Cart, *, source: GrantSource = GrantSource.VOICE, key: str = "step-1") -> UUID:
        async with transaction(self.engine, company_id=self.id) as session:
            proposed = await service.propose(
                session, cart.id, company_id=self.id, reason=PRICE, source=source, now=NOW, idempotency_key=key
            )
        return granted(proposed).id

    async def commit(self, grant_id: UUID, *, days: float = 0) -> OfferGranted | Refused:
        async with transaction(self.engine, company_id=self.id) as session:
            return await service.commit(session, grant_id, company_id=self.id, now=NOW + timedelta(days=days))

    async def grants(self) -> list[Grant]:
        async with transaction(self.engine, company_id=self.id) as session:
            return list(await session.scalars(select(Grant).order_by(Grant.id)))

    async def statuses(self) -> list[GrantStatus]:
        return [each.status for each in await self.grants()]


def granted(outcome: OfferGranted | Refused, *, is_new: bool = True) -> Grant:
    assert isinstance(outcome, OfferGranted), outcome
    assert outcome.is_new is is_new
    return outcome.grant


def code(outcome: OfferGranted | Refused) -> DeniedCode:
    assert isinstance(outcome, Refused), outcome
    assert outcome.say
    return outcome.code
