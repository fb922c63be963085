"""Two sessions at once: what each lock and each unique index is there for."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.session import transaction
from db.tables.carts import Cart, CartStatus, HoldStatus, InventoryHold, Order, PaymentState
from db.tables.catalogue import Stock
from db.tables.companies import Company
from db.tables.customers import Customer
from policy.errors import AppError
from storefront.carts import service
from storefront.carts.rules import AlreadyOrdered, OtherOrder, OutOfStock
from tests import factories as make
from tests.factories import NOW
from tests.storefront.carts.shopping import MAYA, open_cart, start_checkout

Step = Callable[[AsyncSession], Awaitable[object]]


async def race(engine: AsyncEngine, shop: Company, first: Step, second: Step) -> AppError | None:
    """Run `second` while `first` has done its work and not committed; returns what `second` was refused with."""
    blocked = asyncio.Event()

    async def run_second() -> AppError | None:
        try:
            async with transaction(engine, company_id=shop.id) as session:
                pid = await session.scalar(text("SELECT pg_backend_pid()"))
                waits_for_pid.set_result(pid)
                await second(session)
        except AppError as error:
            return error
        finally:
            blocked.set()
        return None

    waits_for_pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with transaction(engine, company_id=shop.id) as session:
        await first(session)
        other = asyncio.create_task(run_second())
        await _waiting(engine, await waits_for_pid, blocked)
    return await other


async def _waiting(engine: AsyncEngine, pid: int, done: asyncio.Event) -> None:
    """Until that backend waits for a lock, or its work is over because nothing made it wait."""
    waits = text("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = :pid")
    async with engine.connect() as connection:
        while not done.is_set():
            if await connection.scalar(waits, {"pid": pid}):
                return
            await connection.rollback()


async def test_the_last_unit_goes_to_one_of_two(engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id, on_hand=1)

    async def want(session: AsyncSession) -> None:
        await open_cart(session, ("MUG", 1), company_id=shop.id)

    assert isinstance(await race(engine, shop, want, want), OutOfStock)
    async with transaction(engine, company_id=shop.id) as session:
        assert await session.scalar(select(func.count()).select_from(Cart)) == 1
        assert await session.scalar(select(func.sum(InventoryHold.quantity))) == 1


async def test_two_carts_that_want_the_same_things_never_block_each_other_for_good(
    engine: AsyncEngine, shop: Company
) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        for sku in ("A", "B", "C"):
            await make.make_product(session, sku, company_id=shop.id, on_hand=100)

    async def buy(*skus: str) -> None:
        async with transaction(engine, company_id=shop.id) as session:
            await open_cart(session, *((sku, 1) for sku in skus), company_id=shop.id)

    orders = [("A", "B", "C"), ("C", "B", "A"), ("B", "A", "C"), ("C", "A", "B")]
    await asyncio.gather(*(buy(*skus) for _ in range(5) for skus in orders))
    async with transaction(engine, company_id=shop.id) as session:
        held = select(func.sum(InventoryHold.quantity)).group_by(InventoryHold.variant_id)
        assert [int(quantity) for quantity in await session.scalars(held)] == [20, 20, 20]


async def test_the_same_item_added_twice_at_once_is_two(engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)
        cart = await open_cart(session, company_id=shop.id)

    async def add(session: AsyncSession) -> None:
        await service.add_item(session, cart.id, company_id=shop.id, sku="MUG", quantity=1, now=NOW)

    assert await race(engine, shop, add, add) is None
    async with transaction(engine, company_id=shop.id) as session:
        both = await service.read(session, cart.id, company_id=shop.id, now=NOW)
        assert [(line.sku, line.quantity) for line in both.lines] == [("MUG", 2)]


async def test_one_address_typed_twice_at_once_is_one_person(engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)

    async def come(session: AsyncSession) -> None:
        await open_cart(session, ("MUG", 1), company_id=shop.id, customer=MAYA)

    assert await race(engine, shop, come, come) is None
    async with transaction(engine, company_id=shop.id) as session:
        maya = (await session.scalars(select(Customer.id))).one()
        assert (await session.scalars(select(Cart.customer_id))).all() == [maya, maya]


async def test_an_order_told_twice_at_once_is_written_once(engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        mug = await make.make_product(session, "MUG", company_id=shop.id)
        cart = await open_cart(session, ("MUG", 1), company_id=shop.id)
    repeated: list[bool] = []

    def tell(order_id: str) -> Step:
        async def convert(session: AsyncSession) -> None:
            order = await service.convert(
                session,
                cart.id,
                company_id=shop.id,
                order_id=order_id,
                payment_state=PaymentState.PAID,
                now=NOW,
            )
            repeated.append(order.repeated)

        return convert

    assert await race(engine, shop, tell("1001"), tell("1001")) is None
    assert repeated == [False, True]
    assert isinstance(await race(engine, shop, tell("1001"), tell("1002")), OtherOrder)
    async with transaction(engine, company_id=shop.id) as session:
        assert (await session.scalars(select(Order.external_id))).all() == ["1001"]
        assert (await session.get_one(Stock, (shop.id, mug.id))).on_hand == 9


async def test_one_order_number_for_two_carts_at_once_is_one_order(engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)
        carts = [await open_cart(session, ("MUG", 1), company_id=shop.id) for _ in range(2)]

    def tell(cart_id: UUID) -> Step:
        async def convert(session: AsyncSession) -> None:
            await service.convert(
                session, cart_id, company_id=shop.id, order_id="7", payment_state=PaymentState.PAID, now=NOW
            )

        return convert

    refused = await race(engine, shop, tell(carts[0].id), tell(carts[1].id))
    assert isinstance(refused, OtherOrder)
    async with transaction(engine, company_id=shop.id) as session:
        assert (await session.scalars(select(Order.cart_id))).all() == [carts[0].id]


@pytest.mark.parametrize("shopper_first", [True, False])
async def test_the_sweep_and_the_shopper_meet(engine: AsyncEngine, shop: Company, shopper_first: bool) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)
        cart = await open_cart(session, ("MUG", 1), company_id=shop.id, customer=MAYA)
    later = NOW + timedelta(minutes=31)
    marked: list[bool] = []

    async def sweep(session: AsyncSession) -> None:
        marked.append(await service.mark_abandoned(session, cart.id, company_id=shop.id, now=later))

    async def come_back(session: AsyncSession) -> None:
        await service.add_item(session, cart.id, company_id=shop.id, sku="MUG", quantity=1, now=later)

    steps = (come_back, sweep) if shopper_first else (sweep, come_back)
    assert await race(engine, shop, *steps) is None
    assert marked == [not shopper_first]
    async with transaction(engine, company_id=shop.id) as session:
        row = await session.get_one(Cart, (shop.id, cart.id))
        # Whoever came first: the shopper is back, and one abandonment is counted if there was one.
        assert (row.status, row.abandonment) == (CartStatus.ACTIVE, 0 if shopper_first else 1)
        assert row.idle_due_at == later + timedelta(minutes=30)


async def test_a_change_that_meets_the_order_is_refused(engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)
        cart = await open_cart(session, ("MUG", 1), company_id=shop.id)

    async def order(session: AsyncSession) -> None:
        await service.convert(
            session, cart.id, company_id=shop.id, order_id="1", payment_state=PaymentState.PAID, now=NOW
        )

    async def add(session: AsyncSession) -> None:
        await service.add_item(session, cart.id, company_id=shop.id, sku="MUG", quantity=1, now=NOW)

    assert isinstance(await race(engine, shop, order, add), AlreadyOrdered)
    async with transaction(engine, company_id=shop.id) as session:
        assert (await service.read(session, cart.id, company_id=shop.id, now=NOW)).item_count == 1


async def test_a_hold_that_the_ticker_is_closing_is_placed_anew(engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)
        cart = await open_cart(session, ("MUG", 1), company_id=shop.id)
    ends = NOW + timedelta(minutes=15)

    async def expire(session: AsyncSession) -> None:
        await session.execute(text("SELECT expire_due(:at)"), {"at": ends})

    async def pay(session: AsyncSession) -> None:
        # The request read its clock while the hold was alive.
        await start_checkout(session, cart.id, company_id=shop.id, now=ends - timedelta(seconds=1))

    assert await race(engine, shop, expire, pay) is None
    async with transaction(engine, company_id=shop.id) as session:
        rows = await session.scalars(select(InventoryHold.status).order_by(InventoryHold.id))
        assert rows.all() == [HoldStatus.EXPIRED, HoldStatus.ACTIVE]
