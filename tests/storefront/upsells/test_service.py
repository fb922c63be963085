from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.embedded import EmbeddedServer, dsn
from db.session import transaction
from db.tables.carts import PaymentState
from db.tables.catalogue import Product, ProductStatus, ProductVariant, StockPolicy
from db.tables.companies import Company
from storefront.carts import service as carts
from storefront.upsells.repository import LATEST_OF_EACH, LATEST_ORDERS
from storefront.upsells.rules import Candidate, UpsellReason
from storefront.upsells.service import rank_upsells
from tests import factories as make
from tests.factories import NOW


async def suggest(session: AsyncSession, cart_id: UUID, *, company_id: UUID, limit: int = 3) -> list[Candidate]:
    cart = await carts.read(session, cart_id, company_id=company_id, now=NOW)
    return await rank_upsells(session, cart, now=NOW, limit=limit)


async def test_bought_together_first_then_the_bestsellers_of_the_category(session: AsyncSession, shop: Company) -> None:
    beans = await make.make_product(session, "BEANS", company_id=shop.id, category="Coffee")
    filters = await make.make_product(
        session, "FILTERS", company_id=shop.id, name="Paper Filters", category="Filters", prices={"USD": 7_50}
    )
    grinder = await make.make_product(session, "GRINDER", company_id=shop.id, category="Grinders")
    decaf = await make.make_product(session, "DECAF", company_id=shop.id, category="Coffee")
    await make.make_product(session, "NEW-ROAST", company_id=shop.id, category="Coffee")
    mug = await make.make_product(session, "MUG", company_id=shop.id, category="Cups")
    for _ in range(2):
        await make.make_order(session, (beans, 1), (filters, 1), company_id=shop.id)
    await make.make_order(session, (beans, 1), (grinder, 1), (filters, 3), company_id=shop.id)
    await make.make_order(session, (decaf, 5), (mug, 9), company_id=shop.id)
    cart = await make.make_cart(session, (beans, 1), company_id=shop.id)

    found = await suggest(session, cart.id, company_id=shop.id, limit=10)
    assert [(each.sku, each.reason, each.orders_together, each.units_sold) for each in found] == [
        ("FILTERS", UpsellReason.BOUGHT_TOGETHER, 3, 0),
        ("GRINDER", UpsellReason.BOUGHT_TOGETHER, 1, 0),
        ("DECAF", UpsellReason.CATEGORY_BESTSELLER, 0, 5),
        ("NEW-ROAST", UpsellReason.SAME_CATEGORY, 0, 0),
    ]
    assert (found[0].name, found[0].unit_price_minor) == ("Paper Filters", 7_50)
    top = await suggest(session, cart.id, company_id=shop.id)
    assert [each.sku for each in top] == ["FILTERS", "GRINDER", "DECAF"]


async def test_only_what_this_cart_could_have_is_suggested(session: AsyncSession, shop: Company) -> None:
    async def product(sku: str, **settings: object) -> object:
        return await make.make_product(session, sku, company_id=shop.id, **settings)  # type: ignore[arg-type]  # passed on

    beans = await make.make_product(session, "BEANS", company_id=shop.id)
    other_size = await make.make_variant(
        session, await session.get_one(Product, (shop.id, beans.product_id)), "BEANS-2LB", title="2 lb"
    )
    gone = await make.make_product(session, "GONE", company_id=shop.id, on_hand=0)
    reserved = await make.make_product(session, "RESERVED", company_id=shop.id, on_hand=2)
    lapsed = await make.make_product(session, "LAPSED", company_id=shop.id, on_hand=1)
    await product("EUROS", prices={"EUR": 5_00})
    await product("DRAFT", status=ProductStatus.DRAFT)
    await product("RETIRED", active=False)
    await product("BACKORDER", on_hand=0, policy=StockPolicy.CONTINUE)
    await product("DIGITAL", on_hand=0, policy=StockPolicy.UNTRACKED)
    elsewhere = await make.make_cart(session, company_id=shop.id)
    await make.make_hold(session, elsewhere, reserved, quantity=2)
    await make.make_hold(session, elsewhere, lapsed, placed_at=NOW - timedelta(minutes=15))
    await make.make_order(session, (beans, 1), (gone, 1), (other_size, 1), company_id=shop.id)
    cart = await make.make_cart(session, (beans, 1), company_id=shop.id)
    found = await suggest(session, cart.id, company_id=shop.id, limit=10)
    assert [each.sku for each in found] == ["BACKORDER", "DIGITAL", "LAPSED"]


async def test_what_came_to_nothing_or_is_long_ago_does_not_count(session: AsyncSession, shop: Company) -> None:
    beans = await make.make_product(session, "BEANS", company_id=shop.id, category="")
    for state in PaymentState:
        extra = await make.make_product(session, f"WITH-{state}", company_id=shop.id, category="")
        await make.make_order(session, (beans, 1), (extra, 1), company_id=shop.id, payment_state=state)
    old = await make.make_product(session, "OLD", company_id=shop.id, category="")
    await make.make_order(
        session, (beans, 1), (old, 1), company_id=shop.id, placed_at=NOW - timedelta(days=365, seconds=1)
    )
    cart = await make.make_cart(session, (beans, 1), company_id=shop.id)
    found = await suggest(session, cart.id, company_id=shop.id, limit=20)
    counted = {"PENDING", "AUTHORIZED", "PAID", "ON_HOLD", "COD", "INVOICE", "QUOTE"}
    assert [each.sku for each in found] == sorted(f"WITH-{state}" for state in counted)


async def test_only_the_latest_orders_count(session: AsyncSession, shop: Company) -> None:
    beans = await make.make_product(session, "BEANS", company_id=shop.id, category="Coffee")
    before, now = [await make.make_product(session, sku, company_id=shop.id, category="Coffee") for sku in "BN"]
    await _sell(session, shop, before, LATEST_OF_EACH, beside=beans)
    await _sell(session, shop, now, LATEST_OF_EACH, beside=beans)
    cart = await make.make_cart(session, (beans, 1), company_id=shop.id)
    found = await suggest(session, cart.id, company_id=shop.id)
    assert [(each.sku, each.orders_together) for each in found] == [("N", LATEST_OF_EACH), ("B", 0)]
    await _sell(session, shop, now, LATEST_ORDERS)
    found = await suggest(session, cart.id, company_id=shop.id)
    assert [(each.sku, each.units_sold) for each in found] == [("N", LATEST_ORDERS), ("B", 0)]


async def test_what_is_read_does_not_grow_with_what_was_sold(
    session: AsyncSession, shop: Company, database: EmbeddedServer
) -> None:
    beans = await make.make_product(session, "BEANS", company_id=shop.id)
    decaf = await make.make_product(session, "DECAF", company_id=shop.id)
    await _sell(session, shop, decaf, 20 * LATEST_ORDERS, beside=beans)
    cart = await make.make_cart(session, (beans, 1), company_id=shop.id)
    with psycopg.connect(dsn(database.owner_url), autocommit=True) as owner:
        # Autovacuum may have counted these tables while no row of another test was committed: nobody sells by that.
        for table in ("orders", "order_lines"):
            owner.execute("SELECT pg_clear_relation_stats('public', %s)", (table,))
    # Once it knows little of what it is asked about, the planner must not go another way.
    await session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
    before = await _rows_read(session)
    assert [each.sku for each in await suggest(session, cart.id, company_id=shop.id)] == ["DECAF"]
    assert 0 < await _rows_read(session) - before < 8 * LATEST_ORDERS


async def _sell(
    session: AsyncSession, shop: Company, variant: ProductVariant, orders: int, *, beside: ProductVariant | None = None
) -> None:
    """Paid orders, each of one of the variant."""
    variants = [each.id for each in (variant, beside) if each is not None]
    statement = """
        WITH made AS (
            INSERT INTO orders (company_id, id, external_id, payment_state, currency, subtotal_minor, discount_minor,
                                shipping_minor, tax_minor, total_minor, placed_at)
            SELECT :company, uuidv7(), uuidv7()::text, 'PAID', 'USD', 100, 0, 0, 0, 100, :now
            FROM generate_series(1, :orders) RETURNING id
        )
        INSERT INTO order_lines (company_id, id, order_id, variant_id, quantity, unit_price_minor)
        SELECT :company, uuidv7(), made.id, variant, 1, 100 FROM made CROSS JOIN unnest(:variants) AS variant
    """
    await session.execute(text(statement), {"company": shop.id, "now": NOW, "orders": orders, "variants": variants})


async def _rows_read(session: AsyncSession) -> int:
    """Of orders and their lines, in this transaction."""
    statement = """
        SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables
        WHERE relname IN ('orders', 'order_lines')
    """
    return int((await session.execute(text(statement))).scalar_one())


async def test_one_variant_of_a_product_however_many_sell_well(session: AsyncSession, shop: Company) -> None:
    beans = await make.make_product(session, "BEANS", company_id=shop.id, category="")
    mug = await make.make_product(session, "MUG-1", company_id=shop.id, category="")
    filters = await make.make_product(session, "FILTERS", company_id=shop.id, category="")
    product = await session.get_one(Product, (shop.id, mug.product_id))
    sizes = [mug, *[await make.make_variant(session, product, f"MUG-{size}", title=f"{size}") for size in (2, 3)]]
    for size in [*sizes, sizes[2]]:
        await make.make_order(session, (beans, 1), (size, 1), company_id=shop.id)
    await make.make_order(session, (beans, 1), (filters, 1), company_id=shop.id)
    cart = await make.make_cart(session, (beans, 1), company_id=shop.id)
    for limit, skus in enumerate([[], ["MUG-3"], ["MUG-3", "FILTERS"], ["MUG-3", "FILTERS"]]):
        assert [each.sku for each in await suggest(session, cart.id, company_id=shop.id, limit=limit)] == skus


async def test_an_empty_cart_gets_none_and_another_company_nothing(engine: AsyncEngine, shop: Company) -> None:
    other = await make.make_company(engine, name="Other")
    async with transaction(engine, company_id=shop.id) as session:
        beans = await make.make_product(session, "BEANS", company_id=shop.id)
        await make.make_product(session, "DECAF", company_id=shop.id)
        empty = await make.make_cart(session, company_id=shop.id)
        filled = await make.make_cart(session, (beans, 1), company_id=shop.id)
        cart = await carts.read(session, filled.id, company_id=shop.id, now=NOW)
        assert await suggest(session, empty.id, company_id=shop.id) == []
        assert [each.sku for each in await rank_upsells(session, cart, now=NOW)] == ["DECAF"]
    async with transaction(engine, company_id=other.id) as session:
        await make.make_product(session, "DECAF", company_id=other.id)
        for company_id in (other.id, shop.id):
            assert await rank_upsells(session, replace(cart, company_id=company_id), now=NOW) == []
