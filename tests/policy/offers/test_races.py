"""Two sessions at the walls of the ledger."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import Cart
from db.tables.policy import Grant, GrantSource, GrantStatus
from policy.offers import service
from policy.offers.rules import DeniedCode
from policy.offers.service import OfferGranted, Refused
from tests import factories
from tests.factories import NOW
from tests.policy.offers.shops import PRICE, Shop, code, granted
from tests.policy.races import T, race


async def race_in(
    shop: Shop,
    first: Callable[[AsyncSession], Awaitable[T]],
    second: Callable[[AsyncSession], Awaitable[T]],
) -> tuple[T, T]:
    return await race(shop.engine, first, second, company_id=shop.id)


def asking(shop: Shop, cart: Cart, key: str) -> Callable[[AsyncSession], Awaitable[OfferGranted | Refused]]:
    def ask(session: AsyncSession) -> Awaitable[OfferGranted | Refused]:
        return service.grant(
            session, cart.id, company_id=shop.id, reason=PRICE, source=GrantSource.CHAT, now=NOW, idempotency_key=key
        )

    return ask


async def test_race_for_one_cart_gives_one_grant(shop: Shop) -> None:
    cart = await shop.cart()
    first, second = await race_in(shop, asking(shop, cart, "a"), asking(shop, cart, "b"))
    assert granted(second, is_new=False).id == granted(first).id
    assert await shop.statuses() == [GrantStatus.COMMITTED]


async def test_race_with_one_key_gives_one_grant(shop: Shop) -> None:
    cart = await shop.cart()
    first, second = await race_in(shop, asking(shop, cart, "a"), asking(shop, cart, "a"))
    assert granted(second, is_new=False).id == granted(first).id
    assert len(await shop.grants()) == 1


async def test_race_of_one_person_over_two_carts_gives_one_grant(shop: Shop) -> None:
    one, other = await shop.cart(shop.maya), await shop.cart(shop.maya)
    first, second = await race_in(shop, asking(shop, one, "a"), asking(shop, other, "b"))
    assert granted(first).cart_id == one.id
    assert code(second) is DeniedCode.COOLDOWN
    assert len(await shop.grants()) == 1


async def test_race_for_the_last_of_the_budget_gives_one_grant(shop: Shop) -> None:
    await shop.configure({"offers": {"dailyBudget": {"USD": 11.99}}})
    one, other = await shop.cart(), await shop.cart()
    first, second = await race_in(shop, asking(shop, one, "a"), asking(shop, other, "b"))
    assert granted(first).benefit_minor == 600
    assert code(second) is DeniedCode.BUDGET
    assert len(await shop.grants()) == 1


async def test_race_to_commit_one_proposal_commits_it_once(shop: Shop) -> None:
    proposal = await shop.propose(await shop.cart())

    def commit(session: AsyncSession) -> Awaitable[OfferGranted | Refused]:
        return service.commit(session, proposal, company_id=shop.id, now=NOW)

    first, second = await race_in(shop, commit, commit)
    assert granted(first).id == granted(second, is_new=False).id
    assert await shop.statuses() == [GrantStatus.COMMITTED]


async def test_the_index_allows_one_live_grant_whoever_writes(shop: Shop) -> None:
    """Two writers that take no lock at all: the schema keeps the promise."""
    cart = await shop.cart()

    async def write(session: AsyncSession) -> Grant:
        return await factories.make_grant(session, cart)

    with pytest.raises(IntegrityError, match="uq_grants_live"):
        await race_in(shop, write, write)
    assert await shop.statuses() == [GrantStatus.COMMITTED]
