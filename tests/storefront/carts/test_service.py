from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.ids import uuid7
from db.session import transaction
from db.tables.carts import Cart, CartLine, CartStatus, HoldStatus, InventoryHold
from db.tables.catalogue import ProductStatus, Stock, StockPolicy, VariantPrice
from db.tables.companies import Company
from db.tables.customers import Customer
from policy.contact.addresses import InvalidAddress
from policy.errors import AppError
from policy.money import UnknownCurrency
from storefront.carts import service
from storefront.carts.rules import (
    AlreadyOrdered,
    CartPolicy,
    EmptyCart,
    InvalidQuantity,
    NoSuchCart,
    NoSuchItem,
    NoSuchProduct,
    NotForSale,
    OutOfStock,
    TooManyItems,
)
from storefront.customers.rules import InvalidCustomer
from storefront.customers.schemas import CustomerDetails
from storefront.holds.rules import HoldPolicy
from tests import factories as make
from tests.factories import NOW
from tests.storefront.carts.shopping import MAYA, open_cart, start_checkout

MINUTE = timedelta(minutes=1)


async def count(session: AsyncSession, table: type[Cart | CartLine | InventoryHold | Customer]) -> int:
    return await session.scalar(select(func.count()).select_from(table)) or 0


async def hold_of(session: AsyncSession, cart_id: UUID) -> InventoryHold:
    found = select(InventoryHold).where(InventoryHold.cart_id == cart_id, InventoryHold.status == HoldStatus.ACTIVE)
    return (await session.scalars(found.execution_options(populate_existing=True))).one()


async def test_a_cart_is_opened_with_what_was_asked_for(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "BLEND", company_id=shop.id, name="Signature Blend")
    await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 18_00})
    cart = await open_cart(session, ("BLEND", 1), ("MUG", 2), ("BLEND", 2), company_id=shop.id, customer=MAYA)
    assert [(line.sku, line.name, line.quantity, line.unit_price_minor) for line in cart.lines] == [
        ("BLEND", "Signature Blend", 3, 24_99),
        ("MUG", "Product MUG", 2, 18_00),
    ]
    assert (cart.status, cart.currency, cart.grand_total_minor) == (CartStatus.ACTIVE, "USD", 110_97)
    assert (cart.last_activity_at, cart.idle_due_at) == (NOW, NOW + 30 * MINUTE)
    assert cart.hold_expires_at == NOW + 15 * MINUTE
    assert await service.read(session, cart.id, company_id=shop.id, now=NOW) == cart


async def test_a_cart_of_nobody_or_with_nothing_is_never_abandoned(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "BLEND", company_id=shop.id)
    of_nobody = await open_cart(session, ("BLEND", 1), company_id=shop.id)
    empty = await open_cart(session, company_id=shop.id, customer=MAYA)
    assert (of_nobody.idle_due_at, empty.idle_due_at) == (None, None)
    filled = await service.add_item(session, empty.id, company_id=shop.id, sku="BLEND", quantity=1, now=NOW)
    assert filled.idle_due_at == NOW + 30 * MINUTE


async def test_a_cart_is_where_the_shopper_says_or_else_where_the_shop_is(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "BLEND", company_id=shop.id)
    await make.make_customer(session, MAYA.email, company_id=shop.id, country="CA")
    said = await open_cart(session, ("BLEND", 1), company_id=shop.id, customer=MAYA)
    assert said.country == "US"
    unsaid = CustomerDetails(email=MAYA.email)
    # The known customer lives in Canada; who types her address must not learn that from the delivery price.
    assert (await open_cart(session, ("BLEND", 1), company_id=shop.id, customer=unsaid)).country == "US"


@pytest.mark.parametrize(
    ("currency", "items", "error", "status"),
    [
        ("XXX", [("BLEND", 1)], UnknownCurrency, 422),
        ("usd", [("BLEND", 1)], UnknownCurrency, 422),
        ("ZZZ", [], UnknownCurrency, 422),
        ("EUR", [("BLEND", 1)], NotForSale, 409),
        ("EUR", [], NotForSale, 409),
        ("USD", [("NOPE", 1)], NoSuchProduct, 404),
        ("USD", [("BLEND", 0)], InvalidQuantity, 422),
        ("USD", [("BLEND", -1)], InvalidQuantity, 422),
        ("USD", [("BLEND", 1000)], InvalidQuantity, 422),
        ("USD", [("BLEND", 500), ("BLEND", 500)], InvalidQuantity, 422),
        ("USD", [("DRAFT", 1)], NotForSale, 409),
        ("USD", [("RETIRED", 1)], NotForSale, 409),
        ("USD", [("GONE", 1)], OutOfStock, 409),
        ("USD", [("BLEND", 11)], OutOfStock, 409),
        ("USD", [(f"SKU-{at}", 1) for at in range(101)], TooManyItems, 409),
    ],
)
async def test_what_cannot_be_sold_is_refused_and_leaves_nothing(
    engine: AsyncEngine,
    shop: Company,
    currency: str,
    items: list[tuple[str, int]],
    error: type[AppError],
    status: int,
) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "BLEND", company_id=shop.id)
        await make.make_product(session, "DRAFT", company_id=shop.id, status=ProductStatus.DRAFT)
        await make.make_product(session, "RETIRED", company_id=shop.id, active=False)
        await make.make_product(session, "GONE", company_id=shop.id, on_hand=0)

    async def open_it() -> None:
        async with transaction(engine, company_id=shop.id) as session:
            await open_cart(session, *items, company_id=shop.id, currency=currency, customer=MAYA)

    with pytest.raises(error) as refused:
        await open_it()
    assert refused.value.status == status
    async with transaction(engine, company_id=shop.id) as session:
        assert [await count(session, table) for table in (Cart, CartLine, InventoryHold, Customer)] == [0, 0, 0, 0]


async def test_the_refusal_says_how_many_are_left(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id, name="Morning Mug", on_hand=2)
    with pytest.raises(OutOfStock, match=r"^Morning Mug: only 2 left\.$"):
        await open_cart(session, ("MUG", 3), company_id=shop.id)
    await open_cart(session, ("MUG", 2), company_id=shop.id)
    with pytest.raises(OutOfStock, match=r"^Morning Mug is out of stock\.$"):
        await open_cart(session, ("MUG", 1), company_id=shop.id)


@pytest.mark.parametrize("policy", [StockPolicy.CONTINUE, StockPolicy.UNTRACKED])
async def test_what_sells_on_at_zero_is_neither_refused_nor_held(
    session: AsyncSession, shop: Company, policy: StockPolicy
) -> None:
    await make.make_product(session, "BLEND", company_id=shop.id, on_hand=0, policy=policy)
    cart = await open_cart(session, ("BLEND", 5), company_id=shop.id)
    assert (cart.item_count, cart.hold_expires_at) == (5, None)
    assert await count(session, InventoryHold) == 0


async def test_a_product_nobody_counted_is_out_of_stock(session: AsyncSession, shop: Company) -> None:
    variant = await make.make_product(session, "BLEND", company_id=shop.id)
    await session.delete(await session.get_one(Stock, (shop.id, variant.id)))
    with pytest.raises(OutOfStock):
        await open_cart(session, ("BLEND", 1), company_id=shop.id)


async def test_items_are_added_changed_removed_and_added_back(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "BLEND", company_id=shop.id)
    mug = await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 18_00}, on_hand=3)
    cart = await open_cart(session, ("BLEND", 1), company_id=shop.id)

    added = await service.add_item(session, cart.id, company_id=shop.id, sku="MUG", quantity=1, now=NOW)
    added = await service.add_item(session, cart.id, company_id=shop.id, sku="MUG", quantity=1, now=NOW)
    assert [(line.sku, line.quantity) for line in added.lines] == [("BLEND", 1), ("MUG", 2)]
    item = added.lines[1].id

    changed = await service.change_quantity(session, cart.id, company_id=shop.id, item_id=item, quantity=3, now=NOW)
    assert (changed.lines[1].quantity, changed.subtotal_minor) == (3, 78_99)
    with pytest.raises(OutOfStock):
        await open_cart(session, ("MUG", 1), company_id=shop.id)

    removed = await service.remove_item(session, cart.id, company_id=shop.id, item_id=item, now=NOW)
    assert [line.sku for line in removed.lines] == ["BLEND"]
    other = await open_cart(session, ("MUG", 1), company_id=shop.id)

    with pytest.raises(OutOfStock, match="only 2 left"):
        await service.add_item(session, cart.id, company_id=shop.id, sku="MUG", quantity=3, now=NOW)
    back = await service.add_item(session, cart.id, company_id=shop.id, sku="MUG", quantity=2, now=NOW)
    assert [(line.sku, line.quantity) for line in back.lines] == [("BLEND", 1), ("MUG", 2)]
    held = await session.execute(
        select(InventoryHold.cart_id, InventoryHold.quantity, InventoryHold.status)
        .where(InventoryHold.variant_id == mug.id)
        .order_by(InventoryHold.id)
    )
    assert [tuple(row) for row in held] == [
        (cart.id, 3, HoldStatus.RELEASED),
        (other.id, 1, HoldStatus.ACTIVE),
        (cart.id, 2, HoldStatus.ACTIVE),
    ]


async def test_a_line_keeps_its_price_until_it_is_changed(session: AsyncSession, shop: Company) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 18_00})
    cart = await open_cart(session, ("MUG", 2), company_id=shop.id)
    (await session.get_one(VariantPrice, (shop.id, mug.id, "USD"))).price_minor = 20_00
    line = await session.get_one(CartLine, (shop.id, cart.lines[0].id))
    line.discount_minor = 3_00
    same = await service.read(session, cart.id, company_id=shop.id, now=NOW)
    assert (same.subtotal_minor, same.discount_minor) == (36_00, 3_00)
    changed = await service.change_quantity(
        session, cart.id, company_id=shop.id, item_id=cart.lines[0].id, quantity=1, now=NOW
    )
    assert (changed.subtotal_minor, changed.discount_minor) == (20_00, 1_50)


async def test_what_is_no_longer_sold_can_only_be_removed(session: AsyncSession, shop: Company) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id)
    cart = await open_cart(session, ("MUG", 2), company_id=shop.id)
    mug.active = False
    await session.flush()
    item = cart.lines[0].id
    with pytest.raises(NotForSale, match="MUG is not sold at the moment"):
        await service.change_quantity(session, cart.id, company_id=shop.id, item_id=item, quantity=1, now=NOW)
    left = await service.remove_item(session, cart.id, company_id=shop.id, item_id=item, now=NOW)
    assert left.lines == ()


async def test_a_cart_and_its_items_are_found_by_their_company_alone(engine: AsyncEngine, shop: Company) -> None:
    other = await make.make_company(engine, name="Other")
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)
        mine = await open_cart(session, ("MUG", 1), company_id=shop.id)
        next_to_it = await open_cart(session, ("MUG", 1), company_id=shop.id)
    async with transaction(engine, company_id=other.id) as session:
        for company_id in (other.id, shop.id):  # the filter, and the wall behind it
            with pytest.raises(NoSuchCart):
                await service.read(session, mine.id, company_id=company_id, now=NOW)
            with pytest.raises(NoSuchCart):
                await service.restore(session, mine.id, company_id=company_id, now=NOW)
    async with transaction(engine, company_id=shop.id) as session:
        with pytest.raises(NoSuchItem):
            await service.remove_item(session, mine.id, company_id=shop.id, item_id=next_to_it.lines[0].id, now=NOW)
        with pytest.raises(NoSuchItem):
            await service.change_quantity(session, mine.id, company_id=shop.id, item_id=uuid7(), quantity=1, now=NOW)
        assert (await service.read(session, next_to_it.id, company_id=shop.id, now=NOW)) == next_to_it


async def test_a_full_cart_takes_more_of_what_it_has_and_nothing_else(session: AsyncSession, shop: Company) -> None:
    for at in range(101):
        await make.make_product(session, f"SKU-{at}", company_id=shop.id, policy=StockPolicy.UNTRACKED)
    cart = await open_cart(session, *((f"SKU-{at}", 1) for at in range(100)), company_id=shop.id)
    more = await service.add_item(session, cart.id, company_id=shop.id, sku="SKU-99", quantity=1, now=NOW)
    assert more.item_count == 101
    with pytest.raises(TooManyItems):
        await service.add_item(session, cart.id, company_id=shop.id, sku="SKU-100", quantity=1, now=NOW)


async def test_a_hold_ends_for_real_and_the_units_are_anybodys(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id, on_hand=1)
    first = await open_cart(session, ("MUG", 1), company_id=shop.id)
    last_moment = NOW + 15 * MINUTE - timedelta(microseconds=1)
    with pytest.raises(OutOfStock):
        await open_cart(session, ("MUG", 1), company_id=shop.id, now=last_moment)
    # No ticker has run: the time alone ends it.
    second = await open_cart(session, ("MUG", 1), company_id=shop.id, now=NOW + 15 * MINUTE)
    assert second.hold_expires_at == NOW + 30 * MINUTE
    late = await service.read(session, first.id, company_id=shop.id, now=NOW + 15 * MINUTE)
    assert (late.hold_expires_at, late.lines[0].quantity) == (None, 1)
    with pytest.raises(OutOfStock):
        await service.change_quantity(
            session, first.id, company_id=shop.id, item_id=first.lines[0].id, quantity=1, now=NOW + 16 * MINUTE
        )


async def test_activity_renews_a_hold_until_it_is_an_hour_old(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id)
    await make.make_product(session, "BLEND", company_id=shop.id, policy=StockPolicy.UNTRACKED)
    cart = await open_cart(session, ("MUG", 1), company_id=shop.id)
    ends = []
    for minutes in (10, 20, 30, 40, 50, 59):
        cart = await service.add_item(
            session, cart.id, company_id=shop.id, sku="BLEND", quantity=1, now=NOW + minutes * MINUTE
        )
        assert cart.hold_expires_at is not None
        ends.append((cart.hold_expires_at - NOW) // MINUTE)
    assert ends == [25, 35, 45, 55, 60, 60]
    after = await service.add_item(session, cart.id, company_id=shop.id, sku="BLEND", quantity=1, now=NOW + 60 * MINUTE)
    assert after.hold_expires_at is None


async def test_an_expired_hold_is_closed_when_it_is_placed_anew(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id)
    cart = await open_cart(session, ("MUG", 1), company_id=shop.id)
    old = await hold_of(session, cart.id)
    again = await service.change_quantity(
        session, cart.id, company_id=shop.id, item_id=cart.lines[0].id, quantity=2, now=NOW + 20 * MINUTE
    )
    assert again.hold_expires_at == NOW + 35 * MINUTE
    assert (old.status, old.ended_at) == (HoldStatus.EXPIRED, NOW + 15 * MINUTE)
    new = await hold_of(session, cart.id)
    assert (new.quantity, new.placed_at, new.renewable_until) == (2, NOW + 20 * MINUTE, NOW + 80 * MINUTE)


async def test_a_shop_may_hold_at_the_checkout_instead(session: AsyncSession, shop: Company) -> None:
    policy = CartPolicy(holds=HoldPolicy(at_checkout=True))
    await make.make_product(session, "MUG", company_id=shop.id, on_hand=1)
    first = await open_cart(session, ("MUG", 1), company_id=shop.id, policy=policy)
    second = await open_cart(session, ("MUG", 1), company_id=shop.id, policy=policy)
    with pytest.raises(OutOfStock):
        await open_cart(session, ("MUG", 2), company_id=shop.id, policy=policy)
    assert await count(session, InventoryHold) == 0
    paying = await start_checkout(session, second.id, company_id=shop.id, policy=policy)
    assert paying.hold_expires_at == NOW + 15 * MINUTE
    with pytest.raises(OutOfStock):
        await start_checkout(session, first.id, company_id=shop.id, policy=policy)


async def test_the_checkout_identifies_holds_and_shortens_the_idle_time(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id)
    await make.make_shipping_rate(session, company_id=shop.id, amount_minor=14_00, country="CA")
    cart = await open_cart(session, ("MUG", 1), company_id=shop.id)
    later = NOW + 20 * MINUTE  # the hold has lapsed
    canadian = CustomerDetails(email="maya@example.com", country="CA")
    paying = await start_checkout(session, cart.id, company_id=shop.id, customer=canadian, now=later)
    assert (paying.checkout_started_at, paying.idle_due_at) == (later, later + 10 * MINUTE)
    assert (paying.country, paying.shipping_minor) == ("CA", 14_00)
    assert paying.hold_expires_at == later + 15 * MINUTE
    again = await start_checkout(session, cart.id, company_id=shop.id, now=later + MINUTE)
    assert (again.checkout_started_at, again.idle_due_at) == (later, later + 11 * MINUTE)
    assert again.customer_id == paying.customer_id is not None


async def test_a_checkout_of_nothing_is_refused(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id)
    cart = await open_cart(session, company_id=shop.id)
    with pytest.raises(EmptyCart):
        await start_checkout(session, cart.id, company_id=shop.id, customer=MAYA)
    assert await count(session, Customer) == 0


async def test_details_that_cannot_be_are_refused(engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)
    for details in (
        CustomerDetails(email="maya"),
        CustomerDetails(email="+15035550111"),
        CustomerDetails(email="maya@example.com", phone="555 0142"),
        CustomerDetails(email="maya@example.com", country="XX"),
        CustomerDetails(email="maya@example.com", timezone="Mars/Olympus"),
    ):
        with pytest.raises((InvalidCustomer, InvalidAddress)):
            async with transaction(engine, company_id=shop.id) as session:
                await open_cart(session, ("MUG", 1), company_id=shop.id, customer=details)
    async with transaction(engine, company_id=shop.id) as session:
        assert (await count(session, Cart), await count(session, Customer)) == (0, 0)


async def test_a_cart_that_became_an_order_is_changed_by_nobody(session: AsyncSession, shop: Company) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id)
    row = await make.make_cart(session, (mug, 1), company_id=shop.id, status=CartStatus.CONVERTED)
    line = (await session.scalars(select(CartLine))).one()
    company = {"company_id": shop.id, "now": NOW}
    for attempt in (
        service.add_item(session, row.id, sku="MUG", quantity=1, **company),  # type: ignore[arg-type]  # one dict for all
        service.change_quantity(session, row.id, item_id=line.id, quantity=2, **company),  # type: ignore[arg-type]  # one dict for all
        service.remove_item(session, row.id, item_id=line.id, **company),  # type: ignore[arg-type]  # one dict for all
        service.restore(session, row.id, **company),  # type: ignore[arg-type]  # one dict for all
        start_checkout(session, row.id, company_id=shop.id),
    ):
        with pytest.raises(AlreadyOrdered):
            await attempt
    assert (line.quantity, await count(session, InventoryHold)) == (1, 0)


async def test_the_live_offer_is_shown(session: AsyncSession, shop: Company) -> None:
    await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 18_00})
    cart = await open_cart(session, ("MUG", 1), company_id=shop.id)
    grant = await make.make_grant(session, await session.get_one(Cart, (shop.id, cart.id)))
    offered = await service.read(session, cart.id, company_id=shop.id, now=NOW)
    assert offered.offer is not None
    assert (offered.offer.grant_id, offered.offer.percent) == (grant.id, Decimal(10))
    assert (offered.discount_minor, offered.grand_total_minor) == (1_80, 16_20)
