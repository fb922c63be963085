"""Lost, restored, sold."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.ids import uuid7
from db.session import transaction
from db.tables.carts import Cart, CartStatus, HoldStatus, InventoryHold, Order, OrderLine, PaymentState
from db.tables.catalogue import ProductVariant, Stock, StockPolicy
from db.tables.companies import Company
from db.tables.customers import Customer
from storefront.carts import service
from storefront.carts.rules import AlreadyOrdered, EmptyCart, OtherOrder
from tests import factories as make
from tests.factories import NOW
from tests.storefront.carts.shopping import MAYA, open_cart, start_checkout

MINUTE = timedelta(minutes=1)


async def stored(session: AsyncSession, cart_id: UUID) -> Cart:
    found = select(Cart).where(Cart.id == cart_id).execution_options(populate_existing=True)
    return (await session.scalars(found)).one()


async def on_hand(session: AsyncSession, variant: ProductVariant) -> int:
    found = select(Stock).where(Stock.variant_id == variant.id).execution_options(populate_existing=True)
    return (await session.scalars(found)).one().on_hand


async def test_a_cart_was_abandoned_when_its_time_was_up_not_when_somebody_looked(
    session: AsyncSession, shop: Company
) -> None:
    await make.make_product(session, "MUG", company_id=shop.id)
    cart = await open_cart(session, ("MUG", 1), company_id=shop.id, customer=MAYA)
    early = NOW + 30 * MINUTE - timedelta(microseconds=1)
    assert not await service.mark_abandoned(session, cart.id, company_id=shop.id, now=early)
    assert (await stored(session, cart.id)).status is CartStatus.ACTIVE
    assert await service.mark_abandoned(session, cart.id, company_id=shop.id, now=NOW + 47 * MINUTE)
    row = await stored(session, cart.id)
    assert (row.status, row.abandoned_at, row.abandonment) == (CartStatus.ABANDONED, NOW + 30 * MINUTE, 1)
    assert (row.idle_due_at, row.released_at) == (None, None)
    # The job may run twice.
    assert not await service.mark_abandoned(session, cart.id, company_id=shop.id, now=NOW + 48 * MINUTE)
    assert (await stored(session, cart.id)).abandonment == 1


async def test_the_sweep_releases_exactly_what_is_due(engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)
        left = await open_cart(session, ("MUG", 1), company_id=shop.id, customer=MAYA)
        await open_cart(session, ("MUG", 1), company_id=shop.id, customer=MAYA, now=NOW + MINUTE)
        await open_cart(session, ("MUG", 1), company_id=shop.id)
    released = text("SELECT id FROM release_carts(:at, 100)")
    async with transaction(engine, company_id=None) as session:
        rows = await session.scalars(released, {"at": NOW + 30 * MINUTE})
        assert rows.all() == [left.id]
    async with transaction(engine, company_id=shop.id) as session:
        assert (await stored(session, left.id)).released_at is not None
        assert await service.mark_abandoned(session, left.id, company_id=shop.id, now=NOW + 30 * MINUTE)
        assert (await stored(session, left.id)).released_at is None


async def test_a_job_that_comes_after_the_shopper_puts_the_cart_back(engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)
        cart = await open_cart(session, ("MUG", 1), company_id=shop.id, customer=MAYA)
    async with transaction(engine, company_id=None) as session:
        await session.execute(text("SELECT release_carts(:at, 100)"), {"at": NOW + 30 * MINUTE})
    async with transaction(engine, company_id=shop.id) as session:
        await service.add_item(session, cart.id, company_id=shop.id, sku="MUG", quantity=1, now=NOW + 30 * MINUTE)
    async with transaction(engine, company_id=shop.id) as session:
        assert not await service.mark_abandoned(session, cart.id, company_id=shop.id, now=NOW + 31 * MINUTE)
        row = await stored(session, cart.id)
        assert (row.status, row.idle_due_at, row.released_at) == (CartStatus.ACTIVE, NOW + 60 * MINUTE, None)


async def test_a_cart_with_an_order_or_with_nobody_left_is_not_abandoned(session: AsyncSession, shop: Company) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id)
    maya = await make.make_customer(session, company_id=shop.id)
    ordered = await make.make_cart(session, (mug, 1), company_id=shop.id, customer=maya, idle_due_at=NOW)
    order = await make.make_order(session, (mug, 1), company_id=shop.id, payment_state=PaymentState.FAILED)
    order.cart_id = ordered.id
    gone = await make.make_customer(session, "gone@example.com", company_id=shop.id)
    erased = await make.make_cart(session, (mug, 1), company_id=shop.id, customer=gone, idle_due_at=NOW)
    gone.email = None
    emptied = await make.make_cart(session, company_id=shop.id, customer=maya, idle_due_at=NOW)
    for cart in (ordered, erased, emptied):
        assert not await service.mark_abandoned(session, cart.id, company_id=shop.id, now=NOW + 60 * MINUTE)
        row = await stored(session, cart.id)
        assert (row.status, row.idle_due_at, row.abandoned_at) == (CartStatus.ACTIVE, None, None)


async def test_a_restored_cart_reopens_and_is_lost_again_later(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id)
    cart = await open_cart(session, ("MUG", 1), company_id=shop.id)
    await start_checkout(session, cart.id, company_id=shop.id, customer=MAYA)
    assert await service.mark_abandoned(session, cart.id, company_id=shop.id, now=NOW + 10 * MINUTE)
    back = NOW + 300 * MINUTE
    restored = await service.restore(session, cart.id, company_id=shop.id, now=back)
    assert (restored.status, restored.abandonment) == (CartStatus.ACTIVE, 1)
    assert [line.sku for line in restored.lines] == ["MUG"]
    assert restored.hold_expires_at == back + 15 * MINUTE
    # Back in the cart, not in the checkout that was left: half an hour again.
    assert restored.idle_due_at == back + 30 * MINUTE
    assert await service.mark_abandoned(session, cart.id, company_id=shop.id, now=back + 31 * MINUTE)
    row = await stored(session, cart.id)
    assert (row.abandonment, row.abandoned_at) == (2, back + 30 * MINUTE)


async def test_any_change_reopens_a_lost_cart(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id)
    cart = await open_cart(session, ("MUG", 1), company_id=shop.id, customer=MAYA)
    await service.mark_abandoned(session, cart.id, company_id=shop.id, now=NOW + 30 * MINUTE)
    later = NOW + 90 * MINUTE
    changed = await service.change_quantity(
        session, cart.id, company_id=shop.id, item_id=cart.lines[0].id, quantity=2, now=later
    )
    assert (changed.status, changed.idle_due_at) == (CartStatus.ACTIVE, later + 30 * MINUTE)


async def test_what_is_gone_by_then_is_restored_without_a_hold(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id, on_hand=1)
    await make.make_product(session, "BLEND", company_id=shop.id)
    cart = await open_cart(session, ("MUG", 1), ("BLEND", 1), company_id=shop.id, customer=MAYA)
    later = NOW + 60 * MINUTE
    await open_cart(session, ("MUG", 1), company_id=shop.id, now=later)
    restored = await service.restore(session, cart.id, company_id=shop.id, now=later)
    assert [(line.sku, line.hold_expires_at) for line in restored.lines] == [
        ("MUG", None),
        ("BLEND", later + 15 * MINUTE),
    ]


async def test_an_order_is_written_once_with_the_totals_of_its_moment(session: AsyncSession, shop: Company) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 18_00}, on_hand=5)
    beans = await make.make_product(
        session, "BEANS", company_id=shop.id, prices={"USD": 10_00}, on_hand=1, policy=StockPolicy.CONTINUE
    )
    note = await make.make_product(
        session, "NOTE", company_id=shop.id, prices={"USD": 1_00}, on_hand=0, policy=StockPolicy.UNTRACKED
    )
    await make.make_shipping_rate(session, company_id=shop.id)
    cart = await open_cart(session, ("MUG", 1), ("BEANS", 2), ("NOTE", 1), company_id=shop.id, customer=MAYA)
    grant = await make.make_grant(session, await stored(session, cart.id))
    message = uuid7()
    first = await service.convert(
        session,
        cart.id,
        company_id=shop.id,
        order_id="1001",
        payment_state=PaymentState.PENDING,
        now=NOW + MINUTE,
        credited_message_id=message,
    )
    assert (first.total_minor, first.grant_id, first.repeated) == (41_09, grant.id, False)
    order = (await session.scalars(select(Order))).one()
    assert (order.external_id, order.cart_id, order.customer_id) == ("1001", cart.id, cart.customer_id)
    assert (order.subtotal_minor, order.discount_minor, order.shipping_minor, order.tax_minor) == (39_00, 3_90, 5_99, 0)
    assert (order.credited_message_id, order.placed_at) == (message, NOW + MINUTE)
    lines = await session.execute(
        select(OrderLine.variant_id, OrderLine.quantity, OrderLine.unit_price_minor).order_by(OrderLine.id)
    )
    assert [tuple(line) for line in lines] == [(mug.id, 1, 18_00), (beans.id, 2, 10_00), (note.id, 1, 1_00)]
    assert [await on_hand(session, each) for each in (mug, beans, note)] == [4, -1, 0]
    hold = (await session.scalars(select(InventoryHold))).one()
    assert (hold.status, hold.ended_at) == (HoldStatus.CONSUMED, NOW + MINUTE)

    again = await service.convert(
        session, cart.id, company_id=shop.id, order_id="1001", payment_state=PaymentState.PAID, now=NOW + 9 * MINUTE
    )
    assert (again.id, again.total_minor, again.placed_at) == (first.id, 41_09, NOW + MINUTE)
    assert (again.payment_state, again.repeated) == (PaymentState.PAID, True)
    assert await on_hand(session, mug) == 4
    assert len((await session.scalars(select(Order))).all()) == 1


async def test_the_amounts_of_an_order_stay_what_they_were(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 18_00})
    rate = await make.make_shipping_rate(session, company_id=shop.id)
    cart = await open_cart(session, ("MUG", 1), company_id=shop.id, customer=MAYA)
    await make.make_grant(session, await stored(session, cart.id))
    await service.convert(
        session, cart.id, company_id=shop.id, order_id="1001", payment_state=PaymentState.COD, now=NOW
    )
    rate.amount_minor = 9_99
    await session.flush()
    sold = await service.read(session, cart.id, company_id=shop.id, now=NOW + timedelta(days=30))
    assert (sold.status, sold.converted_at, sold.idle_due_at) == (CartStatus.CONVERTED, NOW, None)
    assert (sold.discount_minor, sold.shipping_minor, sold.grand_total_minor) == (1_80, 5_99, 22_19)
    assert (sold.offer, sold.free_shipping) == (None, None)


@pytest.mark.parametrize("state", list(PaymentState))
async def test_an_order_in_any_state_ends_the_cart(session: AsyncSession, shop: Company, state: PaymentState) -> None:
    await make.make_product(session, "MUG", company_id=shop.id)
    cart = await open_cart(session, ("MUG", 1), company_id=shop.id, customer=MAYA)
    await service.convert(session, cart.id, company_id=shop.id, order_id="1", payment_state=state, now=NOW)
    assert not await service.mark_abandoned(session, cart.id, company_id=shop.id, now=NOW + 60 * MINUTE)
    with pytest.raises(AlreadyOrdered):
        await service.restore(session, cart.id, company_id=shop.id, now=NOW + 60 * MINUTE)


async def test_one_cart_one_order_one_order_one_cart(session: AsyncSession, shop: Company) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id)
    first = await open_cart(session, ("MUG", 1), company_id=shop.id)
    second = await open_cart(session, ("MUG", 1), company_id=shop.id)
    empty = await open_cart(session, company_id=shop.id)

    async def order(cart_id: UUID, order_id: str) -> None:
        await service.convert(
            session, cart_id, company_id=shop.id, order_id=order_id, payment_state=PaymentState.PAID, now=NOW
        )

    await order(first.id, "1001")
    with pytest.raises(OtherOrder, match="become another order"):
        await order(first.id, "1002")
    with pytest.raises(OtherOrder, match="belongs to another cart"):
        await order(second.id, "1001")
    with pytest.raises(EmptyCart):
        await order(empty.id, "1003")
    assert (await session.scalars(select(Order.external_id))).all() == ["1001"]
    assert await on_hand(session, mug) == 9
    assert (await stored(session, second.id)).status is CartStatus.ACTIVE


async def test_an_order_after_the_hold_takes_the_stock_all_the_same(session: AsyncSession, shop: Company) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id, on_hand=1)
    first = await open_cart(session, ("MUG", 1), company_id=shop.id, customer=MAYA)
    later = NOW + 20 * MINUTE
    second = await open_cart(session, ("MUG", 1), company_id=shop.id, now=later)
    for cart, number in ((first, "1"), (second, "2")):
        await service.convert(
            session, cart.id, company_id=shop.id, order_id=number, payment_state=PaymentState.PAID, now=later
        )
    assert await on_hand(session, mug) == -1


async def test_the_ticker_closes_what_has_run_out(engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)
        cart = await open_cart(session, ("MUG", 1), company_id=shop.id)
    for at, status in ((15 * MINUTE - timedelta(microseconds=1), HoldStatus.ACTIVE), (15 * MINUTE, HoldStatus.EXPIRED)):
        async with transaction(engine, company_id=None) as session:
            await session.execute(text("SELECT expire_due(:at)"), {"at": NOW + at})
        async with transaction(engine, company_id=shop.id) as session:
            assert (await session.scalars(select(InventoryHold.status))).all() == [status]
    async with transaction(engine, company_id=shop.id) as session:
        restored = await service.restore(session, cart.id, company_id=shop.id, now=NOW + 16 * MINUTE)
        assert restored.hold_expires_at == NOW + 31 * MINUTE


async def test_an_anonymous_cart_that_is_identified_can_be_lost(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id)
    cart = await open_cart(session, ("MUG", 1), company_id=shop.id)
    assert not await service.mark_abandoned(session, cart.id, company_id=shop.id, now=NOW + 60 * MINUTE)
    paying = await start_checkout(session, cart.id, company_id=shop.id, customer=MAYA, now=NOW + 60 * MINUTE)
    assert paying.idle_due_at == NOW + 70 * MINUTE
    assert (await session.scalars(select(Customer.email))).all() == ["maya@example.com"]
