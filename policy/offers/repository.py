"""The ledger's own queries over carts, lines and grants: it locks and sums for itself and trusts no caller's facts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.tables.carts import Cart, CartLine, Order, PaymentState
from db.tables.catalogue import VariantPrice
from db.tables.companies import Company, ShippingRate
from db.tables.customers import Customer
from db.tables.policy import Grant, GrantStatus
from db.tables.recovery import FlowConfigVersion
from policy.offers.facts import OfferLine


@dataclass(frozen=True, slots=True)
class Spent:
    """Benefits given in one currency: redeemed, or live and not yet expired."""

    day_minor: int
    month_minor: int


@dataclass(frozen=True, slots=True)
class Configured:
    """What the merchant set, as it is stored."""

    version: int
    flow_config: type_json
    chat_config: type_json
    timezone: str


class OfferRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def lock_cart(self, cart_id: UUID, *, company_id: UUID) -> Cart | None:
        """Lock the cart until the transaction ends: everybody who gives or takes on it queues here."""
        return await self.session.scalar(
            select(Cart)
            .where(Cart.company_id == company_id, Cart.id == cart_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def lock_grants(self, cart_id: UUID, *, company_id: UUID) -> list[Grant]:
        """Lock and read every grant of the cart, oldest first. The cart is locked before."""
        rows = await self.session.scalars(
            select(Grant)
            .where(Grant.company_id == company_id, Grant.cart_id == cart_id)
            .order_by(Grant.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return list(rows)

    async def lock_person(self, person_key: str, *, company_id: UUID) -> None:
        """One incentive at a time for a person, whichever carts ask; held until the transaction ends."""
        await self._lock(f"offers:person:{company_id}:{person_key}")

    async def lock_budget(self, *, company_id: UUID) -> None:
        """One spender of the company's budget at a time, held until the transaction ends."""
        await self._lock(f"offers:budget:{company_id}")

    async def _lock(self, name: str) -> None:
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

    async def cart(self, cart_id: UUID, *, company_id: UUID) -> Cart | None:
        return await self.session.scalar(select(Cart).where(Cart.company_id == company_id, Cart.id == cart_id))

    async def grants(self, cart_id: UUID, *, company_id: UUID) -> list[Grant]:
        """Every grant of the cart, oldest first, without a lock."""
        rows = await self.session.scalars(
            select(Grant).where(Grant.company_id == company_id, Grant.cart_id == cart_id).order_by(Grant.id)
        )
        return list(rows)

    async def grant(self, grant_id: UUID, *, company_id: UUID) -> Grant | None:
        return await self.session.scalar(select(Grant).where(Grant.company_id == company_id, Grant.id == grant_id))

    async def live(self, cart_id: UUID, *, company_id: UUID, now: datetime) -> Grant | None:
        return await self.session.scalar(
            select(Grant).where(
                Grant.company_id == company_id,
                Grant.cart_id == cart_id,
                Grant.status == GrantStatus.COMMITTED,
                Grant.expires_at > now,
            )
        )

    def add(self, grant: Grant) -> None:
        self.session.add(grant)

    async def configured(self, *, company_id: UUID) -> Configured:
        """The flow config in force (version 0 while there is none) beside what the company row holds."""
        row = (
            await self.session.execute(
                select(FlowConfigVersion.version, FlowConfigVersion.config, Company.chat_config, Company.timezone)
                .select_from(Company)
                .outerjoin(FlowConfigVersion, FlowConfigVersion.company_id == Company.id)
                .where(Company.id == company_id)
                .order_by(FlowConfigVersion.version.desc().nulls_last())
                .limit(1)
            )
        ).one()
        return Configured(row.version or 0, row.config or {}, row.chat_config, row.timezone)

    async def lines(self, cart: Cart, *, company_id: UUID) -> tuple[OfferLine, ...]:
        """The cart's lines with their unit cost in its currency, where the merchant told it."""
        rows = await self.session.execute(
            select(
                CartLine.sku,
                CartLine.unit_price_minor,
                CartLine.quantity,
                VariantPrice.unit_cost_minor,
                CartLine.discount_minor,
            )
            .outerjoin(
                VariantPrice,
                and_(
                    VariantPrice.company_id == CartLine.company_id,
                    VariantPrice.variant_id == CartLine.variant_id,
                    VariantPrice.currency == cart.currency,
                ),
            )
            .where(CartLine.company_id == company_id, CartLine.cart_id == cart.id)
            .order_by(CartLine.created_at, CartLine.id)
        )
        return tuple(OfferLine(*row) for row in rows)

    async def delivery(self, cart: Cart, *, company_id: UUID) -> tuple[int, int | None]:
        """Flat rate and free-from value of the cart's country, else of everywhere; nothing without a rate."""
        row = (
            await self.session.execute(
                select(ShippingRate.amount_minor, ShippingRate.free_from_minor)
                .where(
                    ShippingRate.company_id == company_id,
                    ShippingRate.currency == cart.currency,
                    or_(ShippingRate.country == cart.country, ShippingRate.country.is_(None)),
                )
                .order_by(ShippingRate.country.is_(None))
                .limit(1)
            )
        ).first()
        return (0, None) if row is None else (row.amount_minor, row.free_from_minor)

    async def person_of(self, cart: Cart, *, company_id: UUID) -> str | None:
        """The pseudonym of whose cart it is; None for nobody's."""
        return await self.session.scalar(
            select(Customer.person_key).where(Customer.company_id == company_id, Customer.id == cart.customer_id)
        )

    async def last_incentive_at(self, person_key: str, *, company_id: UUID, besides: UUID) -> datetime | None:
        """When this person was last given anything on another cart, also on one that became theirs later."""
        given = select(func.max(Grant.committed_at)).where(Grant.company_id == company_id, Grant.cart_id != besides)
        carts = (
            select(Cart.id)
            .join(Customer, and_(Customer.company_id == Cart.company_id, Customer.id == Cart.customer_id))
            .where(Cart.company_id == company_id, Customer.person_key == person_key)
        )
        by_key = given.where(Grant.person_key == person_key).scalar_subquery()
        by_cart = given.where(Grant.cart_id.in_(carts)).scalar_subquery()
        return await self.session.scalar(select(func.greatest(by_key, by_cart)))

    async def won_orders(self, person_key: str, *, company_id: UUID, since: datetime) -> int:
        """Orders of this person since then that redeemed a grant and were not called off."""
        called_off = (PaymentState.FAILED, PaymentState.CANCELLED)
        found = await self.session.scalar(
            select(func.count())
            .select_from(Order)
            .join(Customer, and_(Customer.company_id == Order.company_id, Customer.id == Order.customer_id))
            .where(
                Order.company_id == company_id,
                Customer.person_key == person_key,
                Order.grant_id.is_not(None),
                Order.placed_at >= since,
                Order.payment_state.not_in(called_off),
            )
        )
        return found or 0

    async def has_order(self, cart_id: UUID, *, company_id: UUID) -> bool:
        found = await self.session.scalar(
            select(Order.id).where(Order.company_id == company_id, Order.cart_id == cart_id).limit(1)
        )
        return found is not None

    async def spent(
        self, currency: str, *, company_id: UUID, day_from: datetime, month_from: datetime, now: datetime, besides: UUID
    ) -> Spent:
        """What other carts were given since the start of the day and of the month."""
        total = func.coalesce(func.sum(Grant.benefit_minor), 0)
        row = (
            await self.session.execute(
                select(
                    func.coalesce(func.sum(Grant.benefit_minor).filter(Grant.committed_at >= day_from), 0), total
                ).where(
                    Grant.company_id == company_id,
                    Grant.currency == currency,
                    Grant.committed_at >= month_from,
                    Grant.cart_id != besides,
                    or_(
                        Grant.status == GrantStatus.REDEEMED,
                        and_(Grant.status == GrantStatus.COMMITTED, Grant.expires_at > now),
                    ),
                )
            )
        ).one()
        return Spent(int(row[0]), int(row[1]))

    async def flush(self) -> None:
        await self.session.flush()
