"""Gathers the facts of one possible call, evaluates them, and keeps the decision as the gate's own kind of row."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from agents.voice_call import names
from db.base import type_json
from db.tables.carts import CartStatus
from db.tables.customers import Customer
from db.tables.policy import Channel, ContactPhase
from db.tables.recovery import SaveAttempt
from experiments.rules import Arm
from policy.contact import service as contact
from policy.contact.assessment import Question
from policy.contact.rules import Purpose
from policy.contact.service import Asked, GateDecision
from policy.errors import Conflict, NotFound
from policy.tokens import Signer
from recovery import attempts
from recovery.configuration import flow_in_force
from storefront.carts import service as carts
from storefront.carts.schemas import CartView
from voice.eligibility import rules
from voice.eligibility.repository import FactRepository
from voice.eligibility.rules import Eligibility, Facts, GateAnswer


class NothingToCallAbout(Conflict):
    code = "nothing_to_call_about"
    title = "There is no call to be made about this cart"


class NoSuchCart(NotFound):
    code = "no_such_cart"
    title = "No such cart"


@dataclass(frozen=True)
class Policy:
    """What every evaluation needs besides its rows. `has_carrier`: calls can be placed at all."""

    signer: Signer
    has_carrier: bool


async def evaluate(
    session: AsyncSession, cart_id: UUID, policy: Policy, *, company_id: UUID, now: datetime
) -> Eligibility:
    """Whether a call about this cart would be placed now, with every reason; nothing is written.

    Raises:
        NoSuchCart, NothingToCallAbout: the cart has no flow, or nobody it belongs to.
    """
    repository = FactRepository(session)
    if await repository.cart(cart_id, company_id=company_id) is None:
        raise NoSuchCart("There is no such cart.")
    found = await attempts.list_attempts(session, company_id=company_id, cart_id=cart_id, after=None, limit=1)
    if not found or found[0].customer_id is None:
        raise NothingToCallAbout("Calls belong to the save flow of an abandoned cart whose shopper is known.")
    _, eligibility = await _evaluate(
        session, found[0], policy, company_id=company_id, phase=None, message_id=None, stale=None, now=now
    )
    return eligibility


async def decide(
    session: AsyncSession,
    attempt: SaveAttempt,
    policy: Policy,
    *,
    company_id: UUID,
    phase: ContactPhase,
    now: datetime,
    message_id: UUID | None = None,
    stale: str | None = None,
) -> GateDecision:
    """Evaluate and keep the answer, with the gate's reasons and facts and its own.

    At DISPATCH person and lines stay locked until the transaction ends: claim the call in it. `stale` is what else
    speaks against it. Locks after cart and attempt.
    """
    asked, found = await _evaluate(
        session, attempt, policy, company_id=company_id, phase=phase, message_id=message_id, stale=stale, now=now
    )
    tightened = asked.tightened(until=found.until, reasons=found.reasons, facts={"call": as_json(found.facts)})
    return await contact.keep(session, tightened, phase=phase, attempt_id=attempt.id, now=now)


async def _evaluate(
    session: AsyncSession,
    attempt: SaveAttempt,
    policy: Policy,
    *,
    company_id: UUID,
    phase: ContactPhase | None,
    message_id: UUID | None,
    stale: str | None,
    now: datetime,
) -> tuple[Asked, Eligibility]:
    assert attempt.customer_id is not None  # the caller has looked
    question = Question(Channel.VOICE, Purpose.MARKETING, attempt.cart_id, message_id)
    asked = await contact.ask(
        session, attempt.customer_id, question, company_id=company_id, phase=phase, signer=policy.signer, now=now
    )
    if phase is ContactPhase.DISPATCH:
        await FactRepository(session).lock_lines(company_id=company_id)
    facts = await _facts(session, attempt, asked, policy, company_id=company_id, stale=stale, now=now)
    flow = await flow_in_force(session, company_id=company_id)
    return asked, rules.evaluate(facts, flow.config, now)


async def _facts(
    session: AsyncSession,
    attempt: SaveAttempt,
    asked: Asked,
    policy: Policy,
    *,
    company_id: UUID,
    stale: str | None,
    now: datetime,
) -> Facts:
    repository, customer = FactRepository(session), asked.customer
    cart = await carts.read(session, attempt.cart_id, company_id=company_id, now=now)
    shop = await repository.shop(company_id=company_id)
    emails = await repository.emails(attempt.id, company_id=company_id)
    purchases = await repository.purchases(customer, company_id=company_id, currency=shop.currency)
    day_begins_at, day_ends_at = day_of(now, ZoneInfo(shop.timezone))
    calls = await repository.calls(
        customer.person_key,
        number_hash(customer, policy.signer),
        company_id=company_id,
        day_begins_at=day_begins_at,
        besides=asked.question.message_id,
    )
    return Facts(
        gate=GateAnswer(asked.verdict, asked.until, asked.reasons),
        has_carrier=policy.has_carrier,
        has_name=names.can_be_told(customer.first_name),
        is_holdout=attempt.experiment_arm == Arm.HOLDOUT,
        stale=stale,
        is_abandoned=cart.status is CartStatus.ABANDONED,
        abandoned_at=cart.abandoned_at,
        ordered=await _has_ordered(repository, customer, cart, company_id=company_id),
        value_minor=cart.grand_total_minor,
        currency=cart.currency,
        shop_currency=shop.currency,
        orders=purchases.orders,
        lifetime_minor=purchases.paid_minor,
        emails=emails.arrived,
        last_email_at=emails.last_at,
        email_answered=emails.answered,
        last_call_at=calls.last_at,
        calls_today=calls.today,
        live_calls=calls.live,
        day_ends_at=day_ends_at,
    )


async def _has_ordered(repository: FactRepository, customer: Customer, cart: CartView, *, company_id: UUID) -> bool:
    row = await repository.cart(cart.id, company_id=company_id)
    assert row is not None  # its view was just read
    return await repository.has_ordered(customer, row, company_id=company_id)


def number_hash(customer: Customer, signer: Signer) -> str | None:
    """What a call keeps of the number."""
    return None if customer.phone is None else signer.keyed_hash(customer.phone)


def day_of(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of the local day, and of the next."""
    local = now.astimezone(zone)
    begins = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    # The next local midnight, however long the day is.
    ends = (begins + timedelta(days=1)).replace(tzinfo=zone)
    return begins, ends


def as_json(facts: Facts) -> type_json:
    """The facts as evidence: no address, no name."""

    def at(instant: datetime | None) -> str | None:
        return None if instant is None else instant.isoformat()

    return {
        "hasCarrier": facts.has_carrier,
        "hasName": facts.has_name,
        "holdout": facts.is_holdout,
        "stale": facts.stale,
        "abandoned": facts.is_abandoned,
        "ordered": facts.ordered,
        "valueMinor": facts.value_minor,
        "currency": facts.currency,
        "orders": facts.orders,
        "lifetimeMinor": facts.lifetime_minor,
        "emails": facts.emails,
        "lastEmailAt": at(facts.last_email_at),
        "emailAnswered": facts.email_answered,
        "lastCallAt": at(facts.last_call_at),
        "callsToday": facts.calls_today,
        "liveCalls": facts.live_calls,
        "dayEndsAt": at(facts.day_ends_at),
    }
