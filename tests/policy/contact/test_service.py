"""The gate against the database: what it counts, what it keeps, and two sessions at the same wall."""

from collections.abc import Awaitable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import transaction
from db.tables.carts import Cart
from db.tables.customers import (
    ConsentChannel,
    ConsentMethod,
    ConsentState,
    Customer,
)
from db.tables.delivery import MessageStatus
from db.tables.policy import Channel, ContactPhase, ContactVerdict
from policy.contact import service
from policy.contact.addresses import InvalidAddress, normalise
from policy.contact.rules import Purpose
from policy.contact.service import GateDecision, NoSuchCustomer, NotInWriting
from tests import factories
from tests.factories import SIGNER
from tests.policy.contact.shops import ALLOWED, NOW, Shop, answer, blocked
from tests.policy.races import race


async def test_a_decision_is_kept_with_its_facts_and_without_an_address(shop: Shop) -> None:
    await shop.message(hours_ago=5, opened=True)
    decision = await shop.decide()
    [row] = await shop.decisions()
    assert (row.id, row.verdict, row.until, row.reasons) == (decision.id, ContactVerdict.ALLOW, None, [])
    assert (row.channel, row.phase, row.cart_id, row.customer_id, row.person_key) == (
        Channel.EMAIL,
        ContactPhase.PLAN,
        shop.cart.id,
        shop.maya.id,
        shop.maya.person_key,
    )
    assert (row.decided_at, row.pack_version, decision.pack_version) == (NOW, "2026-01", "2026-01")
    assert row.facts == {
        "purpose": "MARKETING",
        "zones": ["America/Los_Angeles"],
        "zoneKnown": True,
        "country": "US",
        "consent": {"state": "CONFIRMED", "method": "WIDGET"},
        "suppressed": [],
        "sent": ["2026-11-03T13:00:00+00:00"],
        "messages": 1,
        "emails": 1,
        "sms": 0,
        "calls": 0,
        "engaged": True,
        "declinedCall": False,
        "wrongNumber": False,
        "abandonedAt": "2026-11-02T11:00:00+00:00",
        "ordered": False,
    }
    assert "maya" not in str(row.facts)


async def test_quiet_hours_are_the_persons_own(shop: Shop) -> None:
    early = NOW - timedelta(hours=3)  # 10:00 in New York, 07:00 in Los Angeles
    decision = await shop.decide(now=early)
    assert decision.verdict is ContactVerdict.DEFER
    assert (decision.until, decision.reasons) == (NOW - timedelta(hours=2), ("QUIET_HOURS",))
    [row] = await shop.decisions()
    assert (row.verdict, row.until, row.reasons) == (ContactVerdict.DEFER, decision.until, ["QUIET_HOURS"])


async def test_the_merchants_hours_and_limit_hold(shop: Shop) -> None:
    await shop.configure({"blackoutHours": {"start": 9, "end": 11}, "maxAttemptsPerCart": 1, "enabled": True})
    assert (await shop.decide()).until == NOW + timedelta(hours=1)
    await shop.message()
    assert answer(await shop.decide()) == blocked("TOO_MANY_MESSAGES")


async def test_a_zone_that_is_none_is_unknown(shop: Shop) -> None:
    async with transaction(shop.engine, company_id=shop.id) as session:
        maya = await session.get_one(Customer, (shop.id, shop.maya.id))
        # A number of no country: satellite phones are everywhere.
        maya.timezone, maya.phone = "Mars/Olympus", "+88213300000"
    await shop.consent(ConsentChannel.SMS, address="+88213300000")
    assert answer(await shop.decide()) == ALLOWED
    assert answer(await shop.decide(Channel.SMS)) == blocked("ZONE_UNKNOWN")


async def test_the_latest_record_of_the_address_in_use_counts(shop: Shop) -> None:
    assert answer(await shop.decide(Channel.SMS)) == blocked("NO_CONSENT")
    await shop.consent(ConsentChannel.SMS, address="+15035550199")
    assert answer(await shop.decide(Channel.SMS)) == blocked("NO_CONSENT")
    await shop.consent(ConsentChannel.SMS, state=ConsentState.PENDING, method=ConsentMethod.WIDGET)
    assert answer(await shop.decide(Channel.SMS)) == blocked("CONSENT_PENDING")
    await shop.consent(ConsentChannel.SMS, method=ConsentMethod.DOUBLE_OPT_IN, now=NOW)
    assert answer(await shop.decide(Channel.SMS)) == ALLOWED
    await shop.consent(ConsentChannel.SMS, state=ConsentState.REVOKED, now=NOW + timedelta(minutes=1))
    assert answer(await shop.decide(Channel.SMS)) == blocked("CONSENT_REVOKED")


async def test_an_ai_call_needs_a_signature(shop: Shop) -> None:
    with pytest.raises(NotInWriting):
        await shop.consent(ConsentChannel.AI_VOICE, method=ConsentMethod.WIDGET)
    assert answer(await shop.decide(Channel.VOICE)) == blocked("NO_PEWC")
    await shop.consent(ConsentChannel.AI_VOICE)
    assert answer(await shop.decide(Channel.VOICE)) == ALLOWED
    assert await shop.consents() == [
        (ConsentChannel.EMAIL, ConsentState.CONFIRMED),
        (ConsentChannel.AI_VOICE, ConsentState.CONFIRMED),
    ]


async def test_messages_of_this_abandonment_are_counted(shop: Shop) -> None:
    for hours in range(30, 35):
        await shop.message(hours_ago=hours)
    for status in (MessageStatus.BLOCKED, MessageStatus.CANCELLED, MessageStatus.FAILED):
        await shop.message(status=status)
    await shop.message(abandonment=0, hours_ago=200)
    assert answer(await shop.decide()) == ALLOWED
    planned = await shop.message(status=MessageStatus.PLANNED)
    assert answer(await shop.decide()) == blocked("TOO_MANY_UNANSWERED")
    assert answer(await shop.decide(message_id=planned, phase=ContactPhase.DISPATCH)) == ALLOWED
    await shop.message(hours_ago=40, opened=True)
    assert answer(await shop.decide()) == ALLOWED
    await shop.message(hours_ago=41)
    week = await shop.decide()
    assert (week.until, week.reasons) == (NOW + timedelta(days=7, hours=-41), ("FREQUENCY",))


async def test_what_a_worker_holds_counts_as_sent_now(shop: Shop) -> None:
    mine = await shop.message(status=MessageStatus.SENDING)
    assert answer(await shop.decide(message_id=mine)) == ALLOWED
    decision = await shop.decide()
    assert (decision.until, decision.reasons) == (NOW + timedelta(hours=1), ("FREQUENCY",))


async def test_one_sms_an_abandonment_and_within_48_hours(shop: Shop) -> None:
    await shop.consent(ConsentChannel.SMS)
    assert answer(await shop.decide(Channel.SMS, now=NOW + timedelta(hours=17))) == blocked("SMS_TOO_LATE")
    await shop.message(Channel.SMS)
    assert answer(await shop.decide(Channel.SMS)) == blocked("SMS_USED")


async def test_an_ordered_cart_is_left_alone(shop: Shop) -> None:
    async with transaction(shop.engine, company_id=shop.id) as session:
        order = await factories.make_order(session, company_id=shop.id, customer=shop.maya)
        order.cart_id = shop.cart.id
    assert answer(await shop.decide()) == blocked("ORDERED")


@pytest.mark.parametrize(
    ("written", "known_as"),
    [(" Maya@Example.COM", "maya@example.com"), ("+44 20 7946 0018", "+442079460018"), ("a@B.test", "a@b.test")],
)
def test_an_address_has_one_spelling(written: str, known_as: str) -> None:
    assert normalise(written) == known_as


@pytest.mark.parametrize("written", ["", "maya@", "5035550142", "+0123456789", "+1503555014212345", "maya"])
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(InvalidAddress):
        normalise(written)


async def test_another_companys_customer_does_not_exist(shop: Shop) -> None:
    other = await factories.make_company(shop.engine, name="Other")
    with pytest.raises(NoSuchCustomer):
        async with transaction(shop.engine, company_id=other.id) as session:
            await service.decide_and_record(
                session,
                shop.maya.id,
                company_id=other.id,
                channel=Channel.EMAIL,
                purpose=Purpose.MARKETING,
                phase=ContactPhase.PLAN,
                signer=SIGNER,
                now=NOW,
            )
    assert await shop.decisions() == []


@pytest.mark.parametrize("table", ["consent_records", "suppressions", "contact_decisions"])
async def test_evidence_cannot_be_changed(shop: Shop, table: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with transaction(shop.engine, company_id=shop.id) as session:
            await session.execute(text(f"DELETE FROM {table}"))


async def test_race_of_two_messages_to_one_person_lets_one_pass(shop: Shop) -> None:
    """Two carts, a message each, one hour's limit: the second worker waits and is deferred."""
    async with transaction(shop.engine, company_id=shop.id) as session:
        other = await factories.make_cart(session, company_id=shop.id, customer=shop.maya)

    async def dispatch(session: AsyncSession, cart: Cart) -> GateDecision:
        decision = await shop.ask(session, Channel.EMAIL, phase=ContactPhase.DISPATCH, cart=cart)
        if decision.verdict is ContactVerdict.ALLOW:
            await shop.write_message(session, cart, Channel.EMAIL, MessageStatus.SENDING)
        return decision

    def first(session: AsyncSession) -> Awaitable[GateDecision]:
        return dispatch(session, shop.cart)

    def second(session: AsyncSession) -> Awaitable[GateDecision]:
        return dispatch(session, other)

    one, two = await race(shop.engine, first, second, company_id=shop.id)
    assert answer(one) == ALLOWED
    assert (two.verdict, two.until) == (ContactVerdict.DEFER, NOW + timedelta(hours=1))
