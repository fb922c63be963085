"""What a merchant's server may ask of the phone: who may be called, and why not."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import JsonValue

from api.dependencies import MerchantDep, Now, SessionDep
from api.problems import responses
from api.route import TransactionRoute
from api.schemas import Schema, example
from policy import money
from voice.eligibility import service
from voice.eligibility.rules import Eligibility, Facts

router = APIRouter(prefix="/voice", tags=["Voice"], route_class=TransactionRoute)

_FACTS: dict[str, JsonValue] = {
    "hasCarrier": True,
    "holdout": False,
    "abandoned": True,
    "abandonedAt": "2026-11-22T18:00:00Z",
    "ordered": False,
    "cartValue": 149.94,
    "currency": "USD",
    "orders": 3,
    "lifetimeValue": 420.5,
    "lifetimeCurrency": "USD",
    "emailsDelivered": 2,
    "lastEmailAt": "2026-11-23T00:00:00Z",
    "emailAnswered": False,
    "lastCallAt": None,
    "callsToday": 7,
    "callsNow": 1,
}


class EligibilityFacts(Schema):
    """What the answer rests on, as it is now. Money in major units; `callsToday` and `callsNow` are the company's."""

    model_config = example(_FACTS)

    has_carrier: bool
    holdout: bool
    abandoned: bool
    abandoned_at: datetime | None
    ordered: bool
    cart_value: float
    currency: str
    orders: int
    lifetime_value: float
    lifetime_currency: str
    emails_delivered: int
    last_email_at: datetime | None
    email_answered: bool
    last_call_at: datetime | None
    calls_today: int
    calls_now: int

    @classmethod
    def of(cls, facts: Facts) -> "EligibilityFacts":
        return cls(
            has_carrier=facts.has_carrier,
            holdout=facts.is_holdout,
            abandoned=facts.is_abandoned,
            abandoned_at=facts.abandoned_at,
            ordered=facts.ordered,
            cart_value=money.json_number(facts.value_minor, facts.currency),
            currency=facts.currency,
            orders=facts.orders,
            lifetime_value=money.json_number(facts.lifetime_minor, facts.shop_currency),
            lifetime_currency=facts.shop_currency,
            emails_delivered=facts.emails,
            last_email_at=facts.last_email_at,
            email_answered=facts.email_answered,
            last_call_at=facts.last_call_at,
            calls_today=facts.calls_today,
            calls_now=facts.live_calls,
        )


class EligibilityRead(Schema):
    """Eligible when no reason speaks against it. `until` is set where waiting is enough: ask again then."""

    model_config = example(
        {"eligible": False, "reasons": ["QUIET_HOURS"], "until": "2026-11-24T18:00:00Z", "facts": _FACTS}
    )

    eligible: bool
    reasons: list[str]
    until: datetime | None
    facts: EligibilityFacts

    @classmethod
    def of(cls, found: Eligibility) -> "EligibilityRead":
        return cls(
            eligible=found.eligible,
            reasons=list(found.reasons),
            until=found.until,
            facts=EligibilityFacts.of(found.facts),
        )


@router.get("/eligibility/{cart_id}", responses=responses(403, 404, 409))
async def read_eligibility(
    cart_id: UUID, merchant: MerchantDep, session: SessionDep, now: Now, request: Request
) -> EligibilityRead:
    """Whether an AI call about this cart would be placed now, with every reason against it. Asking changes nothing;
    a call is only ever placed by the cart's save flow. 409: the cart has no flow, or nobody is known to call."""
    policy: service.Policy = request.app.state.calling
    return EligibilityRead.of(await service.evaluate(session, cart_id, policy, company_id=merchant.company_id, now=now))
