"""What the ledger sees of a cart: every fact from its own row, and the decision that follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import Cart, CartStatus
from db.tables.policy import Grant, GrantStatus
from policy.offers import rules
from policy.offers.facts import GivenGrant, Intent, OfferFacts
from policy.offers.repository import OfferRepository
from policy.offers.schemas import OfferPolicy, policy_of


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The merchant's offers under every cap; version 0 is the defaults."""

    version: int
    offers: OfferPolicy


@dataclass(frozen=True, slots=True)
class Assessment:
    """A decision beside what it was made under."""

    decision: rules.Decision
    policy: PolicyInForce
    person_key: str | None


async def assess(
    session: AsyncSession, cart: Cart, given: Sequence[Grant], intent: Intent, *, now: datetime, locking: bool = False
) -> Assessment:
    """Read every fact from its row and decide. With `locking` nobody else can spend on the same person or budget."""
    offers, company_id = OfferRepository(session), cart.company_id
    configured = await offers.configured(company_id=company_id)
    policy = PolicyInForce(configured.version, policy_of(configured.flow_config, configured.chat_config))
    person_key = await offers.person_of(cart, company_id=company_id)
    budgeted = policy.offers.daily_budget is not None or policy.offers.monthly_budget is not None
    if locking and person_key is not None:
        await offers.lock_person(person_key, company_id=company_id)
    if locking and budgeted:
        await offers.lock_budget(company_id=company_id)
    facts = await _facts(offers, cart, given, person_key, zone=ZoneInfo(configured.timezone), now=now)
    return Assessment(rules.decide(intent, facts, policy.offers), policy, person_key)


async def _facts(
    offers: OfferRepository,
    cart: Cart,
    given: Sequence[Grant],
    person_key: str | None,
    *,
    zone: ZoneInfo,
    now: datetime,
) -> OfferFacts:
    company_id = cart.company_id
    lines = await offers.lines(cart, company_id=company_id)
    amount, free_from = await offers.delivery(cart, company_id=company_id)
    goods = sum(line.unit_price_minor * line.quantity - line.line_discount_minor for line in lines)
    last, won = None, 0
    if person_key is not None:
        last = await offers.last_incentive_at(person_key, company_id=company_id, besides=cart.id)
        won = await offers.won_orders(person_key, company_id=company_id, since=now - rules.WON_ORDERS_WINDOW)
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    spent = await offers.spent(
        cart.currency,
        company_id=company_id,
        day_from=today,
        month_from=today.replace(day=1),
        now=now,
        besides=cart.id,
    )
    said = [(each, _given(each)) for each in given if each.committed_at is not None]
    return OfferFacts(
        now=now,
        currency=cart.currency,
        lines=lines,
        shipping_minor=0 if free_from is not None and goods >= free_from else amount,
        open=cart.status is not CartStatus.CONVERTED and not await offers.has_order(cart.id, company_id=company_id),
        live=next(
            (fact for each, fact in said if each.status is GrantStatus.COMMITTED and each.expires_at > now), None
        ),
        ended=tuple(
            fact
            for each, fact in said
            if each.status is GrantStatus.EXPIRED or (each.status is GrantStatus.COMMITTED and each.expires_at <= now)
        ),
        last_incentive_at=last,
        won_orders=won,
        spent_day_minor=spent.day_minor,
        spent_month_minor=spent.month_minor,
    )


def _given(grant: Grant) -> GivenGrant:
    return GivenGrant(grant.id, grant.kind, grant.percent, grant.committed_at or grant.created_at, grant.expires_at)
