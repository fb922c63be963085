"""The gate against the database: what it counts, what it keeps, and two sessions at the same wall."""

from collections.abc import Awaitable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.ids import uuid7
from db.session import transaction
from db.tables.carts import Cart, CartStatus
from db.tables.companies import Company
from db.tables.customers import (
    ConsentChannel,
    ConsentMethod,
    ConsentRecord,
    ConsentState,
    Customer,
    Suppression,
    SuppressionScope,
)
from db.tables.delivery import Message, MessageStatus
from db.tables.policy import Channel, ContactDecision, ContactPhase, ContactVerdict
from db.tables.recovery import FlowConfigVersion
from policy.contact import service
from policy.contact.addresses import InvalidAddress, normalise
from policy.contact.rules import Purpose
from policy.contact.service import ConsentGiven, GateDecision, NoSuchCustomer, NotInWriting
from tests import factories
from tests.factories import SIGNER
from tests.policy.races import race

# A Tuesday, 10:00 in Los Angeles, where Maya is.
NOW = datetime.fromisoformat("2026-11-03T18:00:00+00:00")
PHONE = "+15035550142"


class Shop:
    """A shop in New York, Maya with an email consent, and her abandoned cart."""

    def __init__(self, engine: AsyncEngine, company: Company, maya: Customer, cart: Cart) -> None:
        self.engine, self.id, self.maya, self.cart = engine, company.id, maya, cart

    async def decide(
        self,
        channel: Channel = Channel.EMAIL,
        *,
        phase: ContactPhase = ContactPhase.PLAN,
        purpose: Purpose = Purpose.MARKETING,
        now: datetime = NOW,
        message_id: UUID | None = None,
    ) -> GateDecision:
        async with transaction(self.engine, company_id=self.id) as session:
            return await self.ask(
                session, channel, phase=phase, purpose=purpose, now=now, cart=self.cart, message_id=message_id
            )

    async def ask(
        self,
        session: AsyncSession,
        channel: Channel,
        *,
        phase: ContactPhase,
        cart: Cart,
        purpose: Purpose = Purpose.MARKETING,
        now: datetime = NOW,
        message_id: UUID | None = None,
    ) -> GateDecision:
        return await service.decide_and_record(
            session,
            self.maya.id,
            company_id=self.id,
            channel=channel,
            purpose=purpose,
            phase=phase,
            signer=SIGNER,
            now=now,
            cart_id=cart.id,
            message_id=message_id,
        )

    async def consent(
        self,
        channel: ConsentChannel,
        *,
        state: ConsentState = ConsentState.CONFIRMED,
        method: ConsentMethod = ConsentMethod.WRITTEN,
        address: str | None = None,
        now: datetime = NOW - timedelta(days=1),
    ) -> None:
        phone = channel in (ConsentChannel.SMS, ConsentChannel.AI_VOICE)
        given = ConsentGiven(
            customer_id=self.maya.id,
            channel=channel,
            address=address or (PHONE if phone else "maya@example.com"),
            state=state,
            method=method,
            wording_version="test-1",
            wording="Yes, you may.",
        )
        async with transaction(self.engine, company_id=self.id) as session:
            await service.record_consent(session, given, company_id=self.id, now=now)

    async def stop(self, address: str, scope: SuppressionScope) -> bool:
        async with transaction(self.engine, company_id=self.id) as session:
            return await service.suppress(
                session,
                address,
                scope,
                company_id=self.id,
                reason="UNSUBSCRIBED",
                source="EMAIL_LINK",
                signer=SIGNER,
                now=NOW,
            )

    async def message(
        self,
        channel: Channel = Channel.EMAIL,
        status: MessageStatus = MessageStatus.SENT,
        *,
        hours_ago: float = 30,
        abandonment: int = 1,
        opened: bool = False,
    ) -> UUID:
        async with transaction(self.engine, company_id=self.id) as session:
            return (
                await self.write_message(
                    session,
                    self.cart,
                    channel,
                    status,
                    hours_ago=hours_ago,
                    abandonment=abandonment,
                    opened=opened,
                )
            ).id

    async def write_message(
        self,
        session: AsyncSession,
        cart: Cart,
        channel: Channel,
        status: MessageStatus,
        *,
        hours_ago: float = 30,
        abandonment: int = 1,
        opened: bool = False,
    ) -> Message:
        at = NOW - timedelta(hours=hours_ago)
        message = Message(
            company_id=self.id,
            id=uuid7(),
            cart_id=cart.id,
            customer_id=self.maya.id,
            abandonment=abandonment,
            channel=channel,
            to_address="maya@example.com",
            subject="Your cart",
            text="Your cart",
            html="",
            headers={},
            recovery_url="https://shop.example/r/x",
            request_key=uuid7().hex,
            status=status,
            created_at=at,
            sent_at=at if status in (MessageStatus.SENT, MessageStatus.UNKNOWN) else None,
            opened_at=at if opened else None,
        )
        session.add(message)
        await session.flush()
        return message

    async def configure(self, config: dict[str, object]) -> None:
        async with transaction(self.engine, company_id=self.id) as session:
            session.add(
                FlowConfigVersion(company_id=self.id, version=1, config=config, changed_by="a test", created_at=NOW)
            )

    async def decisions(self) -> list[ContactDecision]:
        async with transaction(self.engine, company_id=self.id) as session:
            return list(await session.scalars(select(ContactDecision).order_by(ContactDecision.id)))

    async def consents(self) -> list[tuple[ConsentChannel, ConsentState]]:
        async with transaction(self.engine, company_id=self.id) as session:
            rows = await session.scalars(select(ConsentRecord).order_by(ConsentRecord.id))
            return [(row.channel, row.state) for row in rows]

    async def suppressions(self) -> list[tuple[SuppressionScope, str]]:
        async with transaction(self.engine, company_id=self.id) as session:
            rows = await session.scalars(select(Suppression).order_by(Suppression.id))
            return [(row.scope, row.address_hash) for row in rows]


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    company = await factories.make_company(engine, timezone="America/New_York")
    async with transaction(engine, company_id=company.id) as session:
        maya = await factories.make_customer(session, company_id=company.id, phone=PHONE)
        cart = await factories.make_cart(
            session,
            company_id=company.id,
            customer=maya,
            status=CartStatus.ABANDONED,
            abandoned_at=NOW - timedelta(hours=31),
        )
    shop = Shop(engine, company, maya, cart)
    await shop.consent(ConsentChannel.EMAIL, method=ConsentMethod.WIDGET)
    return shop


def blocked(*reasons: str) -> tuple[ContactVerdict, tuple[str, ...]]:
    return ContactVerdict.BLOCK, reasons


def answer(decision: GateDecision) -> tuple[ContactVerdict, tuple[str, ...]]:
    return decision.verdict, decision.reasons


ALLOWED = (ContactVerdict.ALLOW, ())


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
        (await session.get_one(Customer, (shop.id, shop.maya.id))).timezone = "Mars/Olympus"
    await shop.consent(ConsentChannel.SMS)
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


async def test_suppression_wins_over_consent_and_revokes_it(shop: Shop) -> None:
    assert await shop.stop("  MAYA@Example.com ", SuppressionScope.EMAIL) is True
    assert await shop.suppressions() == [(SuppressionScope.EMAIL, SIGNER.keyed_hash("maya@example.com"))]
    assert await shop.consents() == [
        (ConsentChannel.EMAIL, ConsentState.CONFIRMED),
        (ConsentChannel.EMAIL, ConsentState.REVOKED),
    ]
    assert answer(await shop.decide()) == blocked("SUPPRESSED", "CONSENT_REVOKED")
    await shop.consent(ConsentChannel.EMAIL, now=NOW + timedelta(days=1))
    assert answer(await shop.decide(now=NOW + timedelta(days=1))) == blocked("SUPPRESSED")
    assert answer(await shop.decide(purpose=Purpose.TRANSACTIONAL)) == blocked("SUPPRESSED")


async def test_stop_on_one_channel_leaves_the_others_and_stop_to_all_does_not(shop: Shop) -> None:
    await shop.consent(ConsentChannel.SMS)
    assert await shop.stop(PHONE, SuppressionScope.SMS) is True
    assert answer(await shop.decide()) == ALLOWED
    assert await shop.stop(PHONE, SuppressionScope.SMS) is False
    assert await shop.consents() == [
        (ConsentChannel.EMAIL, ConsentState.CONFIRMED),
        (ConsentChannel.SMS, ConsentState.CONFIRMED),
        (ConsentChannel.SMS, ConsentState.REVOKED),
    ]
    assert await shop.stop(PHONE, SuppressionScope.ALL) is True
    assert answer(await shop.decide()) == blocked("SUPPRESSED", "CONSENT_REVOKED")
    # Narrower words later take nothing back.
    assert await shop.stop(PHONE, SuppressionScope.EMAIL) is True
    async with transaction(shop.engine, company_id=shop.id) as session:
        stopped = [
            await service.is_suppressed(session, shop.maya.id, channel, company_id=shop.id, signer=SIGNER)
            for channel in Channel
        ]
    assert stopped == [True] * len(Channel)


async def test_stop_to_texts_leaves_the_calls(shop: Shop) -> None:
    await shop.consent(ConsentChannel.AI_VOICE)
    assert await shop.stop(PHONE, SuppressionScope.SMS) is True
    assert answer(await shop.decide(Channel.VOICE)) == ALLOWED


async def test_stop_at_one_number_leaves_the_consent_of_another(shop: Shop) -> None:
    await shop.consent(ConsentChannel.SMS, address="+15035550199")
    assert await shop.stop(PHONE, SuppressionScope.SMS) is True
    assert (ConsentChannel.SMS, ConsentState.REVOKED) not in await shop.consents()


async def test_a_person_is_stopped_at_every_address(shop: Shop) -> None:
    async with transaction(shop.engine, company_id=shop.id) as session:
        is_news = await service.suppress_person(
            session,
            shop.maya.id,
            SuppressionScope.ALL,
            company_id=shop.id,
            reason="SAID_STOP",
            source="CHAT",
            signer=SIGNER,
            now=NOW,
        )
    assert is_news is True
    assert await shop.suppressions() == [
        (SuppressionScope.ALL, SIGNER.keyed_hash("maya@example.com")),
        (SuppressionScope.ALL, SIGNER.keyed_hash(PHONE)),
    ]
    async with transaction(shop.engine, company_id=shop.id) as session:
        twin = await factories.make_customer(session, "other@example.com", company_id=shop.id, phone=PHONE)
        assert await service.is_suppressed(session, twin.id, Channel.EMAIL, company_id=shop.id, signer=SIGNER)


async def test_who_nobody_knows_yet_can_be_stopped(shop: Shop) -> None:
    assert await shop.stop("+1 (503) 555-0177", SuppressionScope.ALL) is True
    assert await shop.suppressions() == [(SuppressionScope.ALL, SIGNER.keyed_hash("+15035550177"))]
    with pytest.raises(InvalidAddress):
        await shop.stop("stop", SuppressionScope.ALL)


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


async def test_race_of_two_suppressions_leaves_one_row(shop: Shop) -> None:
    async def stop(session: AsyncSession) -> bool:
        return await service.suppress(
            session,
            "maya@example.com",
            SuppressionScope.ALL,
            company_id=shop.id,
            reason="UNSUBSCRIBED",
            source="EMAIL_LINK",
            signer=SIGNER,
            now=NOW,
        )

    assert await race(shop.engine, stop, stop, company_id=shop.id) == (True, False)
    assert len(await shop.suppressions()) == 1


async def test_the_index_allows_one_suppression_whoever_writes(shop: Shop) -> None:
    async def write(session: AsyncSession) -> None:
        session.add(
            Suppression(
                company_id=shop.id,
                id=uuid7(),
                scope=SuppressionScope.ALL,
                address_hash="x",
                reason="x",
                source="x",
                created_at=NOW,
            )
        )
        await session.flush()

    with pytest.raises(IntegrityError, match="uq_suppressions_address"):
        await race(shop.engine, write, write, company_id=shop.id)
    assert len(await shop.suppressions()) == 1
