"""The ledger against the database: what is written, what is refused, and two sessions at the same wall."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from db.session import transaction
from db.tables.carts import Cart, CartStatus
from db.tables.companies import Company
from db.tables.policy import GrantKind, GrantSource, GrantStatus
from db.tables.recovery import CartAbandonmentReason, CartSaveStage
from policy.offers import service
from policy.offers.rules import DeniedCode
from policy.offers.service import NoSuchCart, NoSuchGrant, PromiseStands
from tests import factories
from tests.factories import NOW
from tests.policy.offers.shops import DELIVERY, PRICE, Shop, code, granted


async def test_a_price_objection_is_granted_and_written_with_its_policy(shop: Shop) -> None:
    await shop.configure({"offers": {"offerValidHours": 48}}, version=4)
    cart = await shop.cart(shop.maya)
    await shop.grant(cart, key="turn-1")
    [row] = await shop.grants()
    assert (row.kind, row.percent, row.benefit_minor, row.currency) == (
        GrantKind.PERCENTAGE_DISCOUNT,
        Decimal("10.00"),
        600,
        "USD",
    )
    assert (row.status, row.policy_version, row.cap_percent, row.reason, row.source) == (
        GrantStatus.COMMITTED,
        4,
        Decimal(10),
        "TOO_EXPENSIVE",
        GrantSource.CHAT,
    )
    assert (row.person_key, row.personalised) == (shop.maya.person_key, False)
    assert (row.committed_at, row.expires_at, row.ended_at) == (NOW, NOW + timedelta(hours=48), None)


async def test_shipping_is_waived_at_its_rate_and_not_below_nothing(shop: Shop) -> None:
    row = granted(await shop.grant(await shop.cart(), DELIVERY))
    assert (row.kind, row.percent, row.benefit_minor, row.person_key) == (GrantKind.FREE_SHIPPING, None, 599, None)
    async with transaction(shop.engine, company_id=shop.id) as session:
        await factories.make_shipping_rate(session, company_id=shop.id, country="US", free_from_minor=6000)
    assert code(await shop.grant(await shop.cart(), DELIVERY)) is DeniedCode.NO_BENEFIT


async def test_a_repeated_call_gives_the_same_grant(shop: Shop) -> None:
    cart = await shop.cart()
    first = granted(await shop.grant(cart, key="turn-1"))
    again = granted(await shop.grant(cart, key="turn-1"), is_new=False)
    assert again.id == first.id
    other = await shop.cart()
    assert granted(await shop.grant(other, key="turn-1")).cart_id == other.id
    assert await shop.statuses() == [GrantStatus.COMMITTED] * 2


async def test_a_second_objection_keeps_what_stands(shop: Shop) -> None:
    cart = await shop.cart()
    first = granted(await shop.grant(cart))
    assert granted(await shop.grant(cart), is_new=False).id == first.id
    assert granted(await shop.grant(cart, DELIVERY), is_new=False).id == first.id
    assert granted(await shop.grant(cart, CartAbandonmentReason.OTHER), is_new=False).id == first.id
    assert await shop.statuses() == [GrantStatus.COMMITTED]


async def test_a_better_offer_replaces_and_never_adds(shop: Shop) -> None:
    cart = await shop.cart(shop.maya)
    await shop.grant(cart)
    better = granted(await shop.grant(cart, source=GrantSource.VOICE, days=1))
    assert better.benefit_minor == 1200
    old, new = await shop.grants()
    assert (old.status, old.ended_at) == (GrantStatus.REVOKED, NOW + timedelta(days=1))
    assert (new.id, new.status) == (better.id, GrantStatus.COMMITTED)
    async with transaction(shop.engine, company_id=shop.id) as session:
        live = await service.live_grant(session, cart.id, company_id=shop.id, now=NOW + timedelta(days=1))
    assert live is not None
    assert live.id == better.id


async def test_refusals_write_nothing(shop: Shop) -> None:
    empty = await shop.cart(quantity=1)
    async with transaction(shop.engine, company_id=shop.id) as session:
        await session.execute(text("DELETE FROM cart_lines"))
    assert code(await shop.grant(empty)) is DeniedCode.NO_ITEMS
    cart = await shop.cart()
    assert code(await shop.grant(cart, CartAbandonmentReason.JUST_BROWSING)) is DeniedCode.NOT_ELIGIBLE
    await shop.configure({"offers": {"marginFloorPercent": 45}})
    assert code(await shop.grant(cart)) is DeniedCode.MARGIN
    await shop.configure({"offers": {"excludedSkus": ["BEANS"]}}, version=2)
    assert code(await shop.grant(cart)) is DeniedCode.EXCLUDED
    async with transaction(shop.engine, company_id=shop.id) as session:
        (await session.get_one(Cart, (shop.id, cart.id))).status = CartStatus.CONVERTED
    await shop.configure({}, version=3)
    assert code(await shop.grant(cart)) is DeniedCode.NOT_ELIGIBLE
    assert await shop.grants() == []


@pytest.mark.parametrize(
    ("config", "source", "stage", "percent"),
    [
        (
            {"offers": {"caps": {"chat": 4, "branching": 15, "nuclear": 30, "voice": 30, "exitIntent": 10}}},
            "CHAT",
            None,
            4,
        ),
        ({"stages": {"nuclearOffer": {"maxDiscountPercent": 12}}}, "VOICE", None, 12),
        ({"stages": {"nuclearOffer": {"maxDiscountPercent": 12}}}, "STAGE", "NUCLEAR_OFFER", 12),
        ({"stages": {"branchingIntervention": {"maxDiscountPercent": 6.5}}}, "STAGE", "BRANCHING_INTERVENTION", 6.5),
    ],
)
async def test_every_cap_that_a_merchant_can_set_holds(
    shop: Shop, config: dict[str, object], source: str, stage: str | None, percent: float
) -> None:
    await shop.configure(config)
    row = granted(
        await shop.grant(
            await shop.cart(), source=GrantSource(source), stage=None if stage is None else CartSaveStage(stage)
        )
    )
    assert (row.percent, row.cap_percent) == (Decimal(str(percent)), Decimal(str(percent)))


async def test_the_chats_own_cap_holds(shop: Shop) -> None:
    async with transaction(shop.engine, company_id=shop.id) as session:
        (await session.get_one(Company, shop.id)).chat_config = {"aiCapabilities": {"maxDiscountPercent": 3}}
    assert granted(await shop.grant(await shop.cart())).percent == 3
    async with transaction(shop.engine, company_id=shop.id) as session:
        (await session.get_one(Company, shop.id)).chat_config = {"aiCapabilities": {"canApplyDiscounts": False}}
    assert code(await shop.grant(await shop.cart())) is DeniedCode.CAP


async def test_cooldown_is_across_carts_of_one_person(shop: Shop) -> None:
    await shop.grant(await shop.cart(shop.maya))
    second = await shop.cart(shop.maya)
    assert code(await shop.grant(second, days=89)) is DeniedCode.COOLDOWN
    assert granted(await shop.grant(await shop.cart())).person_key is None
    later = granted(await shop.grant(second, days=90))
    assert later.personalised is True


async def test_a_cart_that_became_hers_later_counts(shop: Shop) -> None:
    anonymous = await shop.cart()
    await shop.grant(anonymous)
    async with transaction(shop.engine, company_id=shop.id) as session:
        (await session.get_one(Cart, (shop.id, anonymous.id))).customer_id = shop.maya.id
    assert code(await shop.grant(await shop.cart(shop.maya))) is DeniedCode.COOLDOWN


async def test_who_won_two_orders_with_offers_gets_none(shop: Shop) -> None:
    async with transaction(shop.engine, company_id=shop.id) as session:
        for days in (100, 170):
            at = NOW - timedelta(days=days)
            cart = await factories.make_cart(session, (shop.beans, 1), company_id=shop.id, customer=shop.maya)
            used = await factories.make_grant(
                session, cart, status=GrantStatus.REDEEMED, committed_at=at, person_key=shop.maya.person_key
            )
            order = await factories.make_order(
                session, (shop.beans, 1), company_id=shop.id, customer=shop.maya, placed_at=at
            )
            order.grant_id = used.id
    cart = await shop.cart(shop.maya)
    assert code(await shop.grant(cart)) is DeniedCode.COOLDOWN
    assert granted(await shop.grant(cart, days=11)).personalised is True


async def test_budget_counts_the_shops_own_day_and_what_is_live(shop: Shop) -> None:
    await shop.configure({"offers": {"dailyBudget": {"USD": 13}, "monthlyBudget": {"USD": 18}}})
    await shop.grant(await shop.cart())
    await shop.grant(await shop.cart())
    third = await shop.cart()
    assert code(await shop.grant(third)) is DeniedCode.BUDGET
    # NOW is 10:00 in New York: 13 hours later it is still that day there, though a new one in UTC.
    assert code(await shop.grant(third, days=13 / 24)) is DeniedCode.BUDGET
    assert granted(await shop.grant(third, days=14 / 24)).benefit_minor == 600
    # The month is spent, until the first offers expire unused.
    fourth = await shop.cart()
    assert code(await shop.grant(fourth, days=2)) is DeniedCode.BUDGET
    assert granted(await shop.grant(fourth, days=3)).benefit_minor == 600


async def test_a_replacement_spends_only_what_it_adds(shop: Shop) -> None:
    await shop.configure({"offers": {"dailyBudget": {"USD": 12}}})
    cart = await shop.cart()
    await shop.grant(cart)
    assert granted(await shop.grant(cart, source=GrantSource.VOICE)).benefit_minor == 1200


async def test_a_grant_lives_until_its_expiry(shop: Shop) -> None:
    cart = await shop.cart()
    said = granted(await shop.grant(cart))
    async with transaction(shop.engine, company_id=shop.id) as session:
        just_before = said.expires_at - timedelta(microseconds=1)
        assert await service.live_grant(session, cart.id, company_id=shop.id, now=just_before) is not None
        assert await service.live_grant(session, cart.id, company_id=shop.id, now=said.expires_at) is None


async def test_an_offer_that_ran_out_does_not_come_back(shop: Shop) -> None:
    cart = await shop.cart()
    await shop.grant(cart)
    assert code(await shop.grant(cart, days=4)) is DeniedCode.ALREADY_OFFERED
    assert await shop.statuses() == [GrantStatus.EXPIRED]
    granted(await shop.grant(cart, source=GrantSource.VOICE, days=4))
    assert await shop.statuses() == [GrantStatus.EXPIRED, GrantStatus.COMMITTED]


async def test_a_proposal_gives_nothing_until_it_is_committed(shop: Shop) -> None:
    cart = await shop.cart(shop.maya)
    proposal = await shop.propose(cart)
    assert await shop.statuses() == [GrantStatus.PROPOSED]
    async with transaction(shop.engine, company_id=shop.id) as session:
        assert await service.live_grant(session, cart.id, company_id=shop.id, now=NOW) is None
    row = granted(await shop.commit(proposal, days=0.5))
    assert (row.percent, row.status, row.committed_at) == (
        Decimal(20),
        GrantStatus.COMMITTED,
        NOW + timedelta(days=0.5),
    )
    assert granted(await shop.commit(proposal), is_new=False).id == proposal


async def test_a_repeated_proposal_is_the_same_row(shop: Shop) -> None:
    cart = await shop.cart()
    proposal = await shop.propose(cart)
    async with transaction(shop.engine, company_id=shop.id) as session:
        again = await service.propose(
            session,
            cart.id,
            company_id=shop.id,
            reason=PRICE,
            source=GrantSource.VOICE,
            now=NOW,
            idempotency_key="step-1",
        )
    assert granted(again, is_new=False).id == proposal


async def test_commit_asks_again_and_drops_what_is_no_longer_allowed(shop: Shop) -> None:
    cart = await shop.cart(shop.maya)
    proposal = await shop.propose(cart)
    await shop.configure({"stages": {"nuclearOffer": {"maxDiscountPercent": 15}}})
    assert code(await shop.commit(proposal)) is DeniedCode.CAP
    assert await shop.statuses() == [GrantStatus.REVOKED]
    assert code(await shop.commit(proposal)) is DeniedCode.ALREADY_OFFERED


async def test_a_proposal_loses_against_an_offer_made_meanwhile(shop: Shop) -> None:
    cart = await shop.cart(shop.maya)
    proposal = await shop.propose(cart, source=GrantSource.CHAT)
    better = granted(await shop.grant(cart, source=GrantSource.VOICE))
    assert code(await shop.commit(proposal)) is DeniedCode.NO_BENEFIT
    live = [row.id for row in await shop.grants() if row.status is GrantStatus.COMMITTED]
    assert live == [better.id]


async def test_a_proposal_runs_out(shop: Shop) -> None:
    proposal = await shop.propose(await shop.cart())
    assert code(await shop.commit(proposal, days=3)) is DeniedCode.ALREADY_OFFERED
    assert await shop.statuses() == [GrantStatus.EXPIRED]


async def test_only_a_proposal_is_taken_back(shop: Shop) -> None:
    cart = await shop.cart()
    proposal = await shop.propose(cart)
    async with transaction(shop.engine, company_id=shop.id) as session:
        await service.revoke(session, proposal, company_id=shop.id, now=NOW)
    said = granted(await shop.grant(cart))
    with pytest.raises(PromiseStands):
        async with transaction(shop.engine, company_id=shop.id) as session:
            await service.revoke(session, said.id, company_id=shop.id, now=NOW)
    assert await shop.statuses() == [GrantStatus.REVOKED, GrantStatus.COMMITTED]


async def test_an_order_uses_the_live_grant_up(shop: Shop) -> None:
    cart = await shop.cart()
    said = granted(await shop.grant(cart))
    await shop.propose(cart)
    async with transaction(shop.engine, company_id=shop.id) as session:
        used = await service.redeem(session, cart.id, company_id=shop.id, now=NOW)
        again = await service.redeem(session, cart.id, company_id=shop.id, now=NOW)
    assert used is not None
    assert (used.id, again) == (said.id, None)
    assert await shop.statuses() == [GrantStatus.REDEEMED, GrantStatus.REVOKED]


async def test_another_companys_cart_and_grant_do_not_exist(shop: Shop) -> None:
    cart = await shop.cart()
    said = granted(await shop.grant(cart))
    other = await factories.make_company(shop.engine, name="Other")
    async with transaction(shop.engine, company_id=other.id) as session:
        with pytest.raises(NoSuchCart):
            await service.grant(
                session,
                cart.id,
                company_id=other.id,
                reason=PRICE,
                source=GrantSource.CHAT,
                now=NOW,
                idempotency_key="x",
            )
        with pytest.raises(NoSuchGrant):
            await service.commit(session, said.id, company_id=other.id, now=NOW)
        assert await service.live_grant(session, cart.id, company_id=other.id, now=NOW) is None
    assert len(await shop.grants()) == 1
