"""Who said stop: at which address, on which channel, and what it takes along."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.session import transaction
from db.tables.customers import (
    ConsentChannel,
    ConsentState,
    Suppression,
    SuppressionScope,
)
from db.tables.policy import Channel
from policy.contact import service
from policy.contact.addresses import InvalidAddress
from policy.contact.rules import Purpose
from tests import factories
from tests.factories import SIGNER
from tests.policy.contact.shops import ALLOWED, NOW, PHONE, Shop, answer, blocked
from tests.policy.races import race


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
    assert sorted(await shop.suppressions()) == sorted(
        (SuppressionScope.ALL, SIGNER.keyed_hash(address)) for address in ("maya@example.com", PHONE)
    )
    async with transaction(shop.engine, company_id=shop.id) as session:
        twin = await factories.make_customer(session, "other@example.com", company_id=shop.id, phone=PHONE)
        assert await service.is_suppressed(session, twin.id, Channel.EMAIL, company_id=shop.id, signer=SIGNER)


async def test_who_nobody_knows_yet_can_be_stopped(shop: Shop) -> None:
    assert await shop.stop("+1 (503) 555-0177", SuppressionScope.ALL) is True
    assert await shop.suppressions() == [(SuppressionScope.ALL, SIGNER.keyed_hash("+15035550177"))]
    with pytest.raises(InvalidAddress):
        await shop.stop("stop", SuppressionScope.ALL)


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
