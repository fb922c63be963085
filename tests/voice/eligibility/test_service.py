"""The facts behind an eligibility, from rows; and the endpoint that shows them to a merchant's server."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from api.keys import issue_key
from db.ids import uuid7
from db.session import transaction
from db.tables.carts import PaymentState
from db.tables.catalogue import ProductVariant
from db.tables.companies import KeyKind
from db.tables.customers import ConsentChannel, ConsentMethod, ConsentState, Customer
from db.tables.delivery import MessageEvent, MessageEventKind, MessageStatus
from db.tables.policy import ContactDecision
from db.tables.voice import EndReason, VoiceCallOutcome, VoiceCallStatus
from tests import factories as make
from tests.recovery.shops import Shop
from tests.voice.calls import make_call
from tests.voice.phone import ABANDONED, CALL, Phone, agree, sent_email
from voice.eligibility import service
from voice.eligibility.rules import Eligibility


async def evaluate(phone: Phone) -> Eligibility:
    async with phone.session() as session:
        return await service.evaluate(session, phone.cart_id, phone.parts.calling, company_id=phone.id, now=CALL)


async def email(phone: Phone, hours_ago: float, **columns: Any) -> None:
    async with phone.session() as session:
        at = CALL - timedelta(hours=hours_ago)
        session.add(sent_email(phone.maya, phone.cart_id, phone.attempt_id, at=at, **columns))


async def test_what_is_known_of_an_eligible_person(phone: Phone) -> None:
    found = await evaluate(phone)
    assert (found.eligible, found.reasons) == (True, ())
    facts = found.facts
    assert (facts.value_minor, facts.currency, facts.abandoned_at) == (149_94, "USD", ABANDONED)
    assert (facts.emails, facts.last_email_at) == (2, ABANDONED + timedelta(hours=2))
    assert (facts.orders, facts.lifetime_minor, facts.calls_today, facts.live_calls) == (0, 0, 0, 0)
    assert await phone.rows(select(ContactDecision)) == []


async def test_an_email_that_did_not_arrive_does_not_count(phone: Phone) -> None:
    for status in (MessageStatus.FAILED, MessageStatus.UNKNOWN, MessageStatus.BLOCKED):
        await email(phone, 10, status=status)
    await email(phone, 10, bounced_at=CALL)
    await email(phone, 10)
    assert (await evaluate(phone)).facts.emails == 3
    await email(phone, 3)
    assert (await evaluate(phone)).reasons == ("EMAIL_TOO_RECENT",)


async def test_who_has_written_back_is_not_called(phone: Phone) -> None:
    message = sent_email(phone.maya, phone.cart_id, phone.attempt_id, at=CALL - timedelta(hours=9))
    async with phone.session() as session:
        session.add(message)
        await session.flush()
        session.add(
            MessageEvent(
                company_id=phone.id, message_id=message.id, kind=MessageEventKind.REPLIED, occurred_at=CALL, detail={}
            )
        )
    assert (await evaluate(phone)).reasons == ("EMAIL_ANSWERED",)


@pytest.mark.parametrize("state", [PaymentState.PENDING, PaymentState.PAID, PaymentState.COD, PaymentState.CANCELLED])
async def test_an_order_of_the_person_in_any_state_ends_it(phone: Phone, state: PaymentState) -> None:
    async with phone.session() as session:
        await make.make_order(
            session, company_id=phone.id, customer=phone.maya, payment_state=state, placed_at=ABANDONED
        )
    found = await evaluate(phone)
    assert found.reasons == ("ORDERED",)
    assert found.facts.lifetime_minor == 0


async def test_orders_before_the_cart_was_left(phone: Phone) -> None:
    """Older ones tell of a good customer; one with the same article, after the cart was opened, has replaced it."""
    variants = await phone.rows(select(ProductVariant))
    before = ABANDONED - timedelta(minutes=20)
    async with phone.session() as session:
        other = await make.make_product(session, "OTHER", company_id=phone.id)
        await make.make_order(session, (other, 2), company_id=phone.id, customer=phone.maya, placed_at=before)
    found = await evaluate(phone)
    assert (found.eligible, found.facts.orders, found.facts.lifetime_minor) == (True, 1, 20_00)
    async with phone.session() as session:
        await make.make_order(session, (variants[0], 1), company_id=phone.id, customer=phone.maya, placed_at=before)
    assert (await evaluate(phone)).reasons == ("ORDERED",)


async def test_a_household_is_one_buyer(phone: Phone) -> None:
    """Somebody else at the same number has ordered."""
    async with phone.session() as session:
        noor = await make.make_customer(session, "noor@example.com", company_id=phone.id, phone=phone.maya.phone)
        stranger = await make.make_customer(session, "kim@example.com", company_id=phone.id, phone="+15035550144")
        await make.make_order(session, company_id=phone.id, customer=stranger, placed_at=CALL)
    assert (await evaluate(phone)).eligible
    async with phone.session() as session:
        await make.make_order(session, company_id=phone.id, customer=noor, placed_at=CALL)
    assert (await evaluate(phone)).reasons == ("ORDERED",)


def test_a_day_is_the_shops_own() -> None:
    begins, ends = service.day_of(CALL, ZoneInfo("America/New_York"))
    assert (begins.isoformat(), ends.isoformat()) == ("2031-03-04T00:00:00-05:00", "2031-03-05T00:00:00-05:00")
    # The day on which the clocks change has 23 hours.
    begins, ends = service.day_of(CALL + timedelta(days=5), ZoneInfo("America/New_York"))
    assert (begins.isoformat(), ends.isoformat()) == ("2031-03-09T00:00:00-05:00", "2031-03-10T00:00:00-04:00")


async def test_a_merchants_server_may_ask(phone: Phone) -> None:
    async with phone.session() as session:
        sk = await issue_key(session, KeyKind.SECRET, company_id=phone.id)
        pk = await issue_key(session, KeyKind.PUBLISHABLE, company_id=phone.id)
    other = await make.make_company(phone.engine, name="Another")
    async with transaction(phone.engine, company_id=other.id) as session:
        foreign = await issue_key(session, KeyKind.SECRET, company_id=other.id)
    path = f"/api/momentum/voice/eligibility/{phone.cart_id}"

    async def ask(key: str | None, at: str = path) -> tuple[int, dict[str, Any]]:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        answer = await phone.world.client.get(at, headers=headers)
        return answer.status_code, answer.json()

    await phone.world.set_time(CALL)
    status, body = await ask(sk)
    assert status == 200
    facts = body.pop("facts")
    assert body == {"eligible": True, "reasons": [], "until": None}
    assert (facts["cartValue"], facts["currency"], facts["emailsDelivered"]) == (149.94, "USD", 2)
    assert "maya" not in str(facts)
    await phone.consent(state=ConsentState.REVOKED)
    assert (await ask(sk))[1]["reasons"] == ["CONSENT_REVOKED"]
    assert [(await ask(key))[0] for key in (None, pk, foreign)] == [401, 403, 404]
    assert (await ask(sk, f"/api/momentum/voice/eligibility/{uuid7()}"))[1]["code"] == "no_such_cart"
    async with phone.session() as session:
        lonely = await make.make_cart(session, company_id=phone.id)
    status, body = await ask(sk, f"/api/momentum/voice/eligibility/{lonely.id}")
    assert (status, body["code"]) == (409, "nothing_to_call_about")
    assert await phone.rows(select(ContactDecision)) == []


@pytest.mark.parametrize("known_by", ["person_key", "number_hash"])
@pytest.mark.parametrize(
    ("outcome", "end_reason", "reasons"),
    [
        (VoiceCallOutcome.NO_ANSWER, EndReason.NO_ANSWER, ("FREQUENCY", "CALLED_RECENTLY", "TOO_LATE")),
        (VoiceCallOutcome.DECLINED, EndReason.DECLINED, ("NOT_INTERESTED", "CALLED_RECENTLY")),
        # Who took the link said no to nothing.
        (VoiceCallOutcome.DECLINED, EndReason.COMPLETED, ("FREQUENCY", "CALLED_RECENTLY", "TOO_LATE")),
        # The number may be right for somebody else, and the person have another one.
        (VoiceCallOutcome.DISCONNECTED, EndReason.WRONG_PERSON, ("FREQUENCY", "CALLED_RECENTLY", "TOO_LATE")),
    ],
)
async def test_a_call_is_remembered_by_person_and_by_number(
    phone: Phone, known_by: str, outcome: VoiceCallOutcome, end_reason: EndReason, reasons: tuple[str, ...]
) -> None:
    """Whichever cart it was about, and under whichever name somebody has the number."""
    other: dict[str, Any] = {"person_key": "another", "number_hash": "another"}
    del other[known_by]
    await called(phone, outcome, end_reason, days_ago=4, **other)
    assert (await evaluate(phone)).reasons == reasons


async def called(
    phone: Phone, outcome: VoiceCallOutcome, end_reason: EndReason, *, days_ago: int, **columns: Any
) -> None:
    (beans,) = await phone.rows(select(ProductVariant))
    await make_call(
        phone.engine,
        Shop(phone.engine, phone.company, phone.maya, beans, beans),
        at=CALL - timedelta(days=days_ago),
        status=VoiceCallStatus.ENDED,
        slot=None,
        outcome=outcome,
        end_reason=end_reason,
        **columns,
    )


async def test_a_wrong_number_is_not_called_again_until_the_person_has_another(phone: Phone) -> None:
    await called(phone, VoiceCallOutcome.DISCONNECTED, EndReason.WRONG_PERSON, days_ago=400)
    assert (await evaluate(phone)).reasons == ("WRONG_NUMBER",)
    async with phone.session() as session:
        await session.execute(update(Customer).where(Customer.id == phone.maya.id).values(phone="+15035550177"))
        await agree(
            session,
            await session.get_one(Customer, (phone.id, phone.maya.id), populate_existing=True),
            ConsentChannel.AI_VOICE,
            ConsentMethod.WRITTEN,
        )
    assert (await evaluate(phone)).eligible
