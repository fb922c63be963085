"""What code says by itself must pass the gate that it stands behind: a sentence that is blocked is an answer lost."""

from uuid import UUID

import pytest

from agents.models import offline_replies
from db.tables.carts import CartStatus
from graphs.checkout_chat.nodes import NO_CARDS, NOTHING_TO_SAY, TAKEN_OVER
from graphs.checkout_chat.opening import opening
from graphs.checkout_chat.state import Escalation
from policy.claims.facts import Fact
from policy.claims.rules import check
from storefront.carts.schemas import CartView
from tests.factories import NOW

ESCALATION = Escalation(on_request=True, on_frustration=True, high_value_minor=None)
EMPTY = CartView(
    id=UUID(int=1),
    company_id=UUID(int=2),
    status=CartStatus.ACTIVE,
    currency="USD",
    country=None,
    customer_id=None,
    lines=(),
    subtotal_minor=0,
    discount_minor=0,
    shipping_minor=0,
    tax_minor=0,
    grand_total_minor=0,
    item_count=0,
    offer=None,
    free_shipping=None,
    hold_expires_at=None,
    checkout_started_at=None,
    last_activity_at=NOW,
    idle_due_at=None,
    abandoned_at=None,
    abandonment=0,
    converted_at=None,
)
FIXED = [
    NO_CARDS,
    NOTHING_TO_SAY,
    offline_replies.OFFER_HUMAN,
    offline_replies.UNKNOWN,
    offline_replies.NO_DISCOUNT,
    offline_replies.CANNOT_STOP_HERE,
    offline_replies.CANNOT_HAND_OVER,
    *offline_replies.BOT_ANSWERS.values(),
]


def facts_at_the_start(*, silenced: bool) -> tuple[Fact, ...]:
    return opening((), EMPTY, (), silenced=silenced, escalation=ESCALATION, tz="UTC")["facts"]


@pytest.mark.parametrize("sentence", FIXED)
def test_a_fixed_sentence_claims_nothing(sentence: str) -> None:
    assert check(sentence, (), now=NOW).passed


def test_only_a_person_who_took_over_is_said_to_answer() -> None:
    assert check(TAKEN_OVER, facts_at_the_start(silenced=True), now=NOW).passed
    assert not check(TAKEN_OVER, facts_at_the_start(silenced=False), now=NOW).passed
