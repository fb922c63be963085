import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
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
from storefront.customers import service
from storefront.customers.rules import ConsentNotTakenHere, InvalidCustomer, NoSuchCustomer, wording
from storefront.customers.schemas import CustomerDetails, Evidence
from tests import factories as make
from tests.factories import NOW, SIGNER

EVIDENCE = Evidence(ip="203.0.113.7", user_agent="Firefox")
EMAIL, SMS = ConsentChannel.EMAIL, ConsentChannel.SMS


async def identify(session: AsyncSession, details: CustomerDetails, *, shop: Company, minutes: int = 0) -> None:
    await service.identify(
        session,
        details,
        company_id=shop.id,
        evidence=EVIDENCE,
        signer=SIGNER,
        now=NOW + timedelta(minutes=minutes),
    )


async def consents(session: AsyncSession) -> list[tuple[ConsentChannel, str, ConsentState]]:
    rows = await session.execute(
        select(ConsentRecord.channel, ConsentRecord.address, ConsentRecord.state).order_by(ConsentRecord.recorded_at)
    )
    return [(channel, address, state) for channel, address, state in rows]


async def test_a_person_is_known_by_one_spelling_of_the_address(session: AsyncSession, shop: Company) -> None:
    typed = CustomerDetails("Maya.Okafor@Example.COM", first_name="Maya", phone="+1 (503) 555-0111")
    await identify(session, typed, shop=shop)
    await identify(session, CustomerDetails(" maya.okafor@example.com "), shop=shop)
    row = (await session.scalars(select(Customer))).one()
    assert (row.email, row.phone, row.first_name) == ("maya.okafor@example.com", "+15035550111", "Maya")
    assert row.person_key == SIGNER.keyed_hash("maya.okafor@example.com")
    assert "maya" not in row.person_key


async def test_an_address_alone_is_no_consent(session: AsyncSession, shop: Company) -> None:
    await identify(session, CustomerDetails("maya@example.com", phone="+15035550111"), shop=shop)
    assert await consents(session) == []


async def test_who_is_known_is_neither_changed_nor_told_apart(session: AsyncSession, shop: Company) -> None:
    known = await make.make_customer(session, "maya@example.com", company_id=shop.id, country="CA")
    typed = CustomerDetails(
        "MAYA@example.com", phone="+15035550199", first_name="Eve", last_name="Il", country="US", timezone="UTC"
    )
    found = await service.identify(session, typed, company_id=shop.id, evidence=EVIDENCE, signer=SIGNER, now=NOW)
    assert found == known.id
    rows = await session.execute(
        select(Customer.email, Customer.phone, Customer.first_name, Customer.last_name, Customer.country)
    )
    assert [tuple(row) for row in rows] == [("maya@example.com", None, "Maya", None, "CA")]


async def test_a_ticked_box_is_evidence_with_its_words(session: AsyncSession, shop: Company) -> None:
    details = CustomerDetails("maya@example.com", phone="+15035550111", locale="en_US", consents=(EMAIL, SMS, EMAIL))
    await identify(session, details, shop=shop)
    assert sorted(await consents(session)) == [
        (EMAIL, "maya@example.com", ConsentState.CONFIRMED),
        (SMS, "+15035550111", ConsentState.PENDING),
    ]
    for row in await session.scalars(select(ConsentRecord)):
        said = wording(row.channel, seller="Wren Coffee LLC")
        assert (row.method, row.seller) == (ConsentMethod.WIDGET, "Wren Coffee LLC")
        assert row.wording_version == said.version
        assert row.wording_hash == hashlib.sha256(said.text.encode()).hexdigest()
        assert (row.ip, row.user_agent, row.locale, row.recorded_at) == ("203.0.113.7", "Firefox", "en_US", NOW)


@pytest.mark.parametrize("channel", [each for each in ConsentChannel if each not in (EMAIL, SMS)])
async def test_a_box_is_not_enough_for_a_call(session: AsyncSession, shop: Company, channel: ConsentChannel) -> None:
    with pytest.raises(ConsentNotTakenHere) as refused:
        await identify(session, CustomerDetails("maya@example.com", consents=(channel,)), shop=shop)
    assert refused.value.status == 422
    assert await consents(session) == []


async def test_an_sms_consent_is_for_a_number(session: AsyncSession, shop: Company) -> None:
    with pytest.raises(InvalidCustomer, match="phone number"):
        await identify(session, CustomerDetails("maya@example.com", consents=(SMS,)), shop=shop)
    assert await consents(session) == []


@pytest.mark.parametrize(("scope", "left"), [("ALL", []), ("EMAIL", [SMS]), ("SMS", [EMAIL]), ("VOICE", [EMAIL, SMS])])
async def test_suppression_wins(session: AsyncSession, shop: Company, scope: str, left: list[ConsentChannel]) -> None:
    session.add(
        Suppression(
            company_id=shop.id,
            scope=SuppressionScope(scope),
            address_hash=SIGNER.keyed_hash("maya@example.com"),
            reason="asked",
            source="EMAIL",
            created_at=NOW,
        )
    )
    boxes = CustomerDetails("Maya@example.com", phone="+15035550111", consents=(EMAIL, SMS))
    await identify(session, boxes, shop=shop)
    assert sorted(channel for channel, _, _ in await consents(session)) == left


async def test_a_box_neither_weakens_nor_undoes_what_the_person_said(session: AsyncSession, shop: Company) -> None:
    maya = await make.make_customer(session, "maya@example.com", company_id=shop.id)
    said = [(EMAIL, "maya@example.com", ConsentState.REVOKED), (SMS, "+15035550111", ConsentState.CONFIRMED)]
    for channel, address, state in said:
        session.add(
            ConsentRecord(
                company_id=shop.id,
                customer_id=maya.id,
                channel=channel,
                address=address,
                state=state,
                method=ConsentMethod.IMPORT,
                seller="Wren Coffee LLC",
                wording_version="import",
                wording_hash="",
                recorded_at=NOW - timedelta(days=1),
            )
        )
    boxes = CustomerDetails("maya@example.com", phone="+15035550111", consents=(EMAIL, SMS))
    await identify(session, boxes, shop=shop)
    assert sorted(await consents(session)) == sorted(said)


async def test_the_same_box_twice_is_one_record_and_a_new_number_another(session: AsyncSession, shop: Company) -> None:
    for minutes, phone in enumerate(("+15035550111", "+15035550111", "+15035550122")):
        details = CustomerDetails("maya@example.com", phone=phone, consents=(EMAIL, SMS))
        await identify(session, details, shop=shop, minutes=minutes)
    assert sorted(await consents(session)) == [
        (EMAIL, "maya@example.com", ConsentState.CONFIRMED),
        (SMS, "+15035550111", ConsentState.PENDING),
        (SMS, "+15035550122", ConsentState.PENDING),
    ]


async def test_a_person_is_read_by_their_company(session: AsyncSession, shop: Company) -> None:
    row = await make.make_customer(session, company_id=shop.id, phone="+15035550111")
    found = await service.get(session, row.id, company_id=shop.id)
    assert (found.email, found.phone, found.first_name) == ("maya@example.com", "+15035550111", "Maya")
    assert (found.country, found.timezone, found.locale) == ("US", "America/Los_Angeles", None)
    with pytest.raises(NoSuchCustomer):
        await service.get(session, row.id, company_id=uuid7())
