"""The gate's own queries: who somebody is, what they agreed to, what reached them, and the evidence of decisions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, String, Uuid, and_, bindparam, false, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import UtcDateTime, type_json
from db.ids import uuid7
from db.session import run_statement
from db.statements import Query, Reading
from db.tables.carts import Cart, Order
from db.tables.companies import Company
from db.tables.conversations import ChatSession
from db.tables.customers import ConsentRecord, Customer, Suppression, SuppressionScope
from db.tables.delivery import Message, MessageStatus
from db.tables.policy import Channel, ContactDecision
from db.tables.recovery import FlowConfigVersion
from db.tables.voice import VoiceCall
from policy.contact.rules import EndedCall

# What reached nobody, and never will.
_VOID = (MessageStatus.BLOCKED, MessageStatus.CANCELLED, MessageStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Configured:
    """What the merchant set, as it is stored, and where the shop is."""

    flow_config: type_json
    timezone: str
    legal_name: str


@dataclass(frozen=True, slots=True)
class AbandonmentCounts:
    """Messages of one abandonment that were sent or still may be."""

    messages: int = 0
    emails: int = 0
    sms: int = 0
    engaged: bool = False


@dataclass(frozen=True, slots=True)
class CartState:
    abandonment: int
    abandoned_at: datetime | None
    ordered: bool


_BESIDES = Message.id.is_distinct_from(bindparam("besides", type_=Uuid))
# Built once: every stage asks these, and every message asks them again before it leaves.
_CONFIGURED = Query(
    select(FlowConfigVersion.config, Company.timezone, Company.legal_name)
    .select_from(Company)
    .outerjoin(FlowConfigVersion, FlowConfigVersion.company_id == Company.id)
    .where(Company.id == bindparam("company"))
    .order_by(FlowConfigVersion.version.desc().nulls_last())
    .limit(1)
)
_SUPPRESSIONS = Query(
    select(Suppression.scope).where(
        Suppression.company_id == bindparam("company"),
        Suppression.address_hash == func.any(bindparam("hashes", type_=ARRAY(String))),
    )
)
_CART_STATE = Query(
    select(
        Cart.abandonment,
        Cart.abandoned_at,
        or_(Cart.converted_at.is_not(None), Order.id.is_not(None)).label("ordered"),
    )
    .outerjoin(Order, and_(Order.company_id == Cart.company_id, Order.cart_id == Cart.id))
    .where(Cart.company_id == bindparam("company"), Cart.id == bindparam("cart"))
)
_ABANDONMENT_COUNTS = Query(
    select(
        func.count().label("messages"),
        func.count().filter(Message.channel == Channel.EMAIL).label("emails"),
        func.count().filter(Message.channel == Channel.SMS).label("sms"),
        (func.count().filter(or_(Message.opened_at.is_not(None), Message.clicked_at.is_not(None))) > 0).label(
            "engaged"
        ),
    ).where(
        Message.company_id == bindparam("company"),
        Message.cart_id == bindparam("cart"),
        Message.abandonment == bindparam("abandonment"),
        *(Message.status != status for status in _VOID),
        _BESIDES,
    )
)
_SENT = Query(
    select(func.coalesce(Message.sent_at, bindparam("now", type_=UtcDateTime)).label("sent_at")).where(
        Message.company_id == bindparam("company"),
        Message.customer_id == bindparam("customer"),
        Message.channel == bindparam("channel"),
        or_(Message.sent_at >= bindparam("since", type_=UtcDateTime), Message.status == MessageStatus.SENDING),
        _BESIDES,
    )
)

_CUSTOMER = Reading(
    select(Customer).where(Customer.company_id == bindparam("company"), Customer.id == bindparam("customer"))
)
_LATEST_CONSENTS = Reading(
    select(ConsentRecord)
    .where(ConsentRecord.company_id == bindparam("company"), ConsentRecord.customer_id == bindparam("customer"))
    .ext(distinct_on(ConsentRecord.channel, ConsentRecord.address))
    .order_by(ConsentRecord.channel, ConsentRecord.address, ConsentRecord.recorded_at.desc(), ConsentRecord.id.desc())
)


class ContactRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def customer(self, customer_id: UUID, *, company_id: UUID) -> Customer | None:
        return await _CUSTOMER.first(self.session, company=company_id, customer=customer_id)

    async def customers_at(self, address: str, *, company_id: UUID) -> list[Customer]:
        """Everybody who is reached at this address."""
        rows = await self.session.scalars(
            select(Customer).where(
                Customer.company_id == company_id, or_(Customer.email == address, Customer.phone == address)
            )
        )
        return list(rows)

    async def lock_person(self, person_key: str, *, company_id: UUID) -> None:
        """One contact of a person at a time, whichever carts it is about; held until the transaction ends."""
        name = f"contact:person:{company_id}:{person_key}"
        await run_statement(self.session, "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", name=name)

    async def configured(self, *, company_id: UUID) -> Configured:
        [row] = await _CONFIGURED.rows(self.session, company=company_id)
        return Configured(row.config or {}, row.timezone, row.legal_name)

    async def latest_consents(self, customer_id: UUID, *, company_id: UUID) -> list[ConsentRecord]:
        """The latest record of each channel and address."""
        return await _LATEST_CONSENTS.all(self.session, company=company_id, customer=customer_id)

    def add_consent(self, record: ConsentRecord) -> None:
        self.session.add(record)

    async def suppressions(self, hashes: Collection[str], *, company_id: UUID) -> frozenset[SuppressionScope]:
        rows = await _SUPPRESSIONS.rows(self.session, company=company_id, hashes=list(hashes))
        return frozenset(row.scope for row in rows)

    async def add_suppression(
        self,
        address_hash: str,
        scope: SuppressionScope,
        *,
        company_id: UUID,
        reason: str,
        source: str,
        now: datetime,
    ) -> bool:
        """Whether the row is new. Who comes second finds the first one's, committed or not."""
        written = await self.session.scalar(
            insert(Suppression)
            .values(
                company_id=company_id,
                id=uuid7(),
                scope=scope,
                address_hash=address_hash,
                reason=reason,
                source=source,
                created_at=now,
            )
            .on_conflict_do_nothing(index_elements=["company_id", "address_hash", "scope"])
            .returning(Suppression.id)
        )
        return written is not None

    async def cart_state(self, cart_id: UUID, *, company_id: UUID) -> CartState | None:
        rows = await _CART_STATE.rows(self.session, company=company_id, cart=cart_id)
        return CartState(*rows[0]) if rows else None

    async def abandonment_counts(
        self, cart_id: UUID, abandonment: int, *, company_id: UUID, besides: UUID | None
    ) -> AbandonmentCounts:
        """What this abandonment has cost the person, `besides` the message under decision."""
        [row] = await _ABANDONMENT_COUNTS.rows(
            self.session, company=company_id, cart=cart_id, abandonment=abandonment, besides=besides
        )
        return AbandonmentCounts(row.messages, row.emails, row.sms, engaged=bool(row.engaged))

    async def sent(
        self,
        customer_id: UUID,
        channel: Channel,
        *,
        company_id: UUID,
        since: datetime,
        now: datetime,
        besides: UUID | None,
    ) -> list[datetime]:
        """When this person was sent something on the channel; what a worker holds right now counts as now."""
        rows = await _SENT.rows(
            self.session,
            company=company_id,
            customer=customer_id,
            channel=channel.value,
            since=since,
            now=now,
            besides=besides,
        )
        return [row.sent_at for row in rows]

    async def calls(
        self, person_key: str, number_hash: str | None, *, company_id: UUID, since: datetime, besides: UUID | None
    ) -> list[datetime]:
        """When this person, or whoever has this number, was called, `besides` by the message under decision."""
        rows = await self.session.scalars(
            select(VoiceCall.initiated_at).where(
                VoiceCall.company_id == company_id,
                or_(VoiceCall.person_key == person_key, VoiceCall.number_hash == number_hash),
                VoiceCall.initiated_at >= since,
                *([] if besides is None else [VoiceCall.message_id != besides]),
            )
        )
        return list(rows)

    async def ended_calls(self, person_key: str, number_hash: str | None, *, company_id: UUID) -> tuple[EndedCall, ...]:
        """Every call to this person or number that is over."""
        same_person = VoiceCall.person_key == person_key
        same_number = func.coalesce(VoiceCall.number_hash == number_hash, false())
        rows = await self.session.execute(
            select(VoiceCall.end_reason, same_person, same_number).where(
                VoiceCall.company_id == company_id, or_(same_person, same_number)
            )
        )
        return tuple(EndedCall(reason, person, number) for reason, person, number in rows if reason is not None)

    async def numbers_dialled(self, conversation_id: UUID, *, company_id: UUID) -> list[str]:
        """The keyed hash of the number that was called for this conversation; nothing where it is no call's."""
        rows = await self.session.scalars(
            select(VoiceCall.number_hash)
            # By way of the cart, by which calls can be found without reading all of them.
            .join(ChatSession, and_(ChatSession.company_id == company_id, ChatSession.cart_id == VoiceCall.cart_id))
            .where(
                VoiceCall.company_id == company_id,
                VoiceCall.session_id == ChatSession.id,
                ChatSession.id == conversation_id,
            )
        )
        return list(rows)

    async def calls_about(self, cart_id: UUID, *, company_id: UUID, since: datetime, besides: UUID | None) -> int:
        """Calls about the cart since it was abandoned, `besides` that of the message under decision."""
        found = await self.session.scalar(
            select(func.count())
            .select_from(VoiceCall)
            .where(
                VoiceCall.company_id == company_id,
                VoiceCall.cart_id == cart_id,
                VoiceCall.initiated_at >= since,
                *([] if besides is None else [VoiceCall.message_id != besides]),
            )
        )
        return found or 0

    async def decisions_about(self, cart_id: UUID, *, company_id: UUID, limit: int) -> list[ContactDecision]:
        """The latest of them, oldest first."""
        rows = await self.session.scalars(
            select(ContactDecision)
            .where(ContactDecision.company_id == company_id, ContactDecision.cart_id == cart_id)
            .order_by(ContactDecision.decided_at.desc(), ContactDecision.id.desc())
            .limit(limit)
        )
        return list(rows)[::-1]

    def add_decision(self, decision: ContactDecision) -> None:
        self.session.add(decision)

    async def flush(self) -> None:
        await self.session.flush()
