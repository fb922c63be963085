"""The facts behind an eligibility, each from its own rows."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import Cart, CartLine, Order, OrderLine, PaymentState
from db.tables.companies import Company
from db.tables.customers import Customer
from db.tables.delivery import Message, MessageEvent, MessageEventKind, MessageStatus
from db.tables.policy import Channel
from db.tables.voice import VoiceCall, VoiceCallStatus


@dataclass(frozen=True, slots=True)
class Shop:
    currency: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Emails:
    arrived: int
    last_at: datetime | None
    answered: bool


@dataclass(frozen=True, slots=True)
class Purchases:
    orders: int
    paid_minor: int


@dataclass(frozen=True, slots=True)
class Calls:
    """The last one to the person or number; how many of the company's day; how many right now."""

    last_at: datetime | None
    today: int
    live: int


class FactRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def lock_lines(self, *, company_id: UUID) -> None:
        """One call of a company is allowed at a time: its day's count and its lines stay as they are read."""
        name = f"calls:{company_id}"
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

    async def shop(self, *, company_id: UUID) -> Shop:
        row = (
            await self.session.execute(select(Company.currency, Company.timezone).where(Company.id == company_id))
        ).one()
        return Shop(row.currency, row.timezone)

    async def emails(self, attempt_id: UUID, *, company_id: UUID) -> Emails:
        """Emails of the attempt that the receiving server took and did not send back.

        Few providers tell of each delivery: what has not bounced within `rules.EMAIL_REST` counts as delivered.
        """
        of_attempt = and_(
            Message.company_id == company_id, Message.attempt_id == attempt_id, Message.channel == Channel.EMAIL
        )
        row = (
            await self.session.execute(
                select(func.count(), func.max(func.coalesce(Message.delivered_at, Message.sent_at))).where(
                    of_attempt, Message.status == MessageStatus.SENT, Message.bounced_at.is_(None)
                )
            )
        ).one()
        answered = await self.session.scalar(
            select(
                exists()
                .where(MessageEvent.company_id == company_id, MessageEvent.message_id == Message.id, of_attempt)
                .where(MessageEvent.kind.in_([MessageEventKind.REPLIED, MessageEventKind.COMPLAINED]))
            )
        )
        return Emails(row[0], row[1], bool(answered))

    async def purchases(self, customer: Customer, *, company_id: UUID, currency: str) -> Purchases:
        """What the person has ordered so far; only what was paid in the shop's own currency adds to its value."""
        paid = and_(Order.payment_state == PaymentState.PAID, Order.currency == currency)
        row = (
            await self.session.execute(
                select(func.count(), func.coalesce(func.sum(Order.total_minor).filter(paid), 0)).where(
                    Order.company_id == company_id, Order.customer_id.in_(_same_person(customer, company_id=company_id))
                )
            )
        ).one()
        return Purchases(row[0], int(row[1]))

    async def has_ordered(self, customer: Customer, cart: Cart, *, company_id: UUID) -> bool:
        """Whether the person, or somebody at the same number, has bought since: anything after they left the cart,
        or one of its articles after they opened it. Any payment state counts."""
        wanted = select(CartLine.variant_id).where(CartLine.company_id == company_id, CartLine.cart_id == cart.id)
        overlapping = exists().where(
            OrderLine.company_id == company_id, OrderLine.order_id == Order.id, OrderLine.variant_id.in_(wanted)
        )
        left_at = cart.abandoned_at or cart.last_activity_at
        found = await self.session.scalar(
            select(Order.id)
            .where(
                Order.company_id == company_id,
                or_(Order.cart_id == cart.id, Order.customer_id.in_(_same_person(customer, company_id=company_id))),
                or_(
                    Order.cart_id == cart.id,
                    Order.placed_at >= left_at,
                    and_(Order.placed_at >= cart.created_at, overlapping),
                ),
            )
            .limit(1)
        )
        return found is not None

    async def calls(
        self,
        person_key: str,
        number_hash: str | None,
        *,
        company_id: UUID,
        day_begins_at: datetime,
        besides: UUID | None,
    ) -> Calls:
        """What was called so far, `besides` the call of the message under decision."""
        to_them = or_(VoiceCall.person_key == person_key, VoiceCall.number_hash == number_hash)
        row = (
            await self.session.execute(
                select(
                    func.max(VoiceCall.initiated_at).filter(to_them),
                    func.count().filter(VoiceCall.initiated_at >= day_begins_at),
                    func.count().filter(VoiceCall.status != VoiceCallStatus.ENDED),
                ).where(
                    VoiceCall.company_id == company_id,
                    or_(to_them, VoiceCall.initiated_at >= day_begins_at, VoiceCall.status != VoiceCallStatus.ENDED),
                    *([] if besides is None else [VoiceCall.message_id != besides]),
                )
            )
        ).one()
        return Calls(row[0], row[1], row[2])

    async def cart(self, cart_id: UUID, *, company_id: UUID) -> Cart | None:
        return await self.session.scalar(select(Cart).where(Cart.company_id == company_id, Cart.id == cart_id))


def _same_person(customer: Customer, *, company_id: UUID) -> Select[UUID]:
    """Every customer row of the person or of their number."""
    one_of_them = Customer.person_key == customer.person_key
    if customer.phone is not None:
        one_of_them = or_(one_of_them, Customer.phone == customer.phone)
    return select(Customer.id).where(Customer.company_id == company_id, one_of_them)
