import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.session import transaction
from db.tables.catalogue import PriceHistory, Product, ProductStatus, ProductVariant, Stock, StockPolicy, VariantPrice
from db.tables.companies import Company
from storefront.catalogue import importing
from storefront.catalogue.importing import ImportReport, apply_products, import_products
from storefront.catalogue.schemas import ParsedCatalogue, ParsedProduct, ParsedVariant, RefusedRow
from storefront.catalogue.shopify import parse_shopify
from tests.factories import NOW, make_company

Open = Callable[[], AbstractAsyncContextManager[AsyncSession]]
DEMO = Path(__file__).parents[3] / "app" / "demo" / "data" / "products.csv"
LATER = NOW + timedelta(days=1)

RED = ParsedVariant(2, "MUG-R", "Red", None, True, True, 12_50, 15_00, 4_00, 7, StockPolicy.DENY)
BLUE = ParsedVariant(3, "MUG-B", "Blue", None, True, True, 13_00, None, None, 0, StockPolicy.CONTINUE)
MUG = ParsedProduct(
    2, "mug", "Mug", "A cup.", "Wren", "Cups", ("cup",), "/mug.svg", ProductStatus.ACTIVE, True, (RED, BLUE)
)


@pytest.fixture
def opened(engine: AsyncEngine, shop: Company) -> Open:
    return lambda: transaction(engine, company_id=shop.id)


async def run(
    opened: Open, shop: Company, *products: ParsedProduct, currency: str = "USD", now: datetime = NOW
) -> ImportReport:
    return await import_products(opened, ParsedCatalogue(currency, products, ()), company_id=shop.id, now=now)


async def price_history(opened: Open) -> list[tuple[str, str, int, datetime]]:
    async with opened() as session:
        rows = await session.execute(
            select(ProductVariant.sku, PriceHistory.currency, PriceHistory.price_minor, PriceHistory.effective_at)
            .join(ProductVariant, ProductVariant.id == PriceHistory.variant_id)
            .order_by(ProductVariant.sku, PriceHistory.id)
        )
        return [(sku, currency, price, at) for sku, currency, price, at in rows]


async def stored(opened: Open, sku: str) -> tuple[Product, ProductVariant, VariantPrice, Stock]:
    async with opened() as session:
        variant = (await session.scalars(select(ProductVariant).where(ProductVariant.sku == sku))).one()
        product = (await session.scalars(select(Product).where(Product.id == variant.product_id))).one()
        price = (await session.scalars(select(VariantPrice).where(VariantPrice.variant_id == variant.id))).one()
        stock = (await session.scalars(select(Stock).where(Stock.variant_id == variant.id))).one()
    return product, variant, price, stock


async def test_a_first_import_stores_everything(opened: Open, shop: Company) -> None:
    assert await run(opened, shop, MUG) == ImportReport(added=2)
    product, variant, price, stock = await stored(opened, "MUG-R")
    assert (product.handle, product.title, product.description, product.vendor) == ("mug", "Mug", "A cup.", "Wren")
    assert (product.category, product.tags, product.image_url) == ("Cups", ["cup"], "/mug.svg")
    assert (product.status, product.created_at, product.updated_at) == (ProductStatus.ACTIVE, NOW, NOW)
    assert (variant.title, variant.position, variant.active) == ("Red", 1, True)
    assert (variant.taxable, variant.requires_shipping) == (True, True)
    assert (price.currency, price.price_minor, price.compare_at_minor, price.unit_cost_minor) == (
        "USD",
        12_50,
        15_00,
        4_00,
    )
    assert (stock.on_hand, stock.policy, stock.updated_at) == (7, StockPolicy.DENY, NOW)
    assert await price_history(opened) == [("MUG-B", "USD", 13_00, NOW), ("MUG-R", "USD", 12_50, NOW)]


async def test_a_second_import_changes_nothing(opened: Open, shop: Company) -> None:
    await run(opened, shop, MUG)
    async with opened() as session:
        before = (
            await session.execute(text("SELECT xmin::text FROM products UNION ALL SELECT xmin::text FROM stock"))
        ).all()
    assert await run(opened, shop, MUG, now=LATER) == ImportReport(unchanged=2)
    async with opened() as session:
        after = (
            await session.execute(text("SELECT xmin::text FROM products UNION ALL SELECT xmin::text FROM stock"))
        ).all()
    assert after == before
    assert len(await price_history(opened)) == 2


async def test_a_new_price_is_remembered_beside_the_old_one(opened: Open, shop: Company) -> None:
    await run(opened, shop, MUG)
    cheaper = replace(MUG, variants=(replace(RED, price_minor=9_00, compare_at_minor=None), BLUE))
    assert await run(opened, shop, cheaper, now=LATER) == ImportReport(changed=1, unchanged=1)
    _, _, price, stock = await stored(opened, "MUG-R")
    assert (price.price_minor, price.compare_at_minor, price.unit_cost_minor) == (9_00, None, 4_00)
    assert stock.updated_at == NOW
    assert await price_history(opened) == [
        ("MUG-B", "USD", 13_00, NOW),
        ("MUG-R", "USD", 12_50, NOW),
        ("MUG-R", "USD", 9_00, LATER),
    ]


async def test_a_file_without_costs_leaves_the_known_ones(opened: Open, shop: Company) -> None:
    await run(opened, shop, MUG)
    assert await run(opened, shop, replace(MUG, variants=(replace(RED, unit_cost_minor=None), BLUE))) == ImportReport(
        unchanged=2
    )
    assert (await stored(opened, "MUG-R"))[2].unit_cost_minor == 4_00


async def test_stock_is_set(opened: Open, shop: Company) -> None:
    await run(opened, shop, MUG)
    fewer = replace(MUG, variants=(replace(RED, on_hand=2, policy=StockPolicy.UNTRACKED), BLUE))
    assert await run(opened, shop, fewer, now=LATER) == ImportReport(changed=1, unchanged=1)
    *_, stock = await stored(opened, "MUG-R")
    assert (stock.on_hand, stock.policy, stock.updated_at) == (2, StockPolicy.UNTRACKED, LATER)


async def test_another_currency_is_another_price(opened: Open, shop: Company) -> None:
    await run(opened, shop, MUG)
    euros = replace(MUG, variants=(replace(RED, price_minor=11_00), replace(BLUE, price_minor=12_00)))
    assert await run(opened, shop, euros, currency="EUR", now=LATER) == ImportReport(changed=2)
    assert [(sku, currency, price) for sku, currency, price, _ in await price_history(opened)] == [
        ("MUG-B", "USD", 13_00),
        ("MUG-B", "EUR", 12_00),
        ("MUG-R", "USD", 12_50),
        ("MUG-R", "EUR", 11_00),
    ]


async def test_a_new_title_changes_the_product_and_not_its_ids(opened: Open, shop: Company) -> None:
    await run(opened, shop, MUG)
    before, variant, *_ = await stored(opened, "MUG-R")
    assert await run(opened, shop, replace(MUG, title="Big mug"), now=LATER) == ImportReport(changed=2)
    after, same, *_ = await stored(opened, "MUG-R")
    assert (after.id, same.id) == (before.id, variant.id)
    assert (after.title, after.created_at, after.updated_at) == ("Big mug", NOW, LATER)


async def test_a_variant_that_is_gone_goes_off_sale_and_may_come_back(opened: Open, shop: Company) -> None:
    await run(opened, shop, MUG)
    assert await run(opened, shop, replace(MUG, variants=(RED,))) == ImportReport(unchanged=1, retired=1)
    assert not (await stored(opened, "MUG-B"))[1].active
    assert await run(opened, shop, replace(MUG, variants=(RED,))) == ImportReport(unchanged=1)
    assert await run(opened, shop, MUG) == ImportReport(changed=1, unchanged=1)
    assert (await stored(opened, "MUG-B"))[1].active


async def test_a_refused_row_takes_nothing_off_sale(opened: Open, shop: Company) -> None:
    await run(opened, shop, MUG)
    partial = replace(MUG, variants=(RED,), complete=False)
    assert await run(opened, shop, partial) == ImportReport(unchanged=1)
    assert (await stored(opened, "MUG-B"))[1].active


async def test_a_sku_may_move_to_another_product(opened: Open, shop: Company) -> None:
    await run(opened, shop, MUG)
    cup = replace(MUG, handle="cup", title="Cup", variants=(BLUE,))
    assert await run(opened, shop, replace(MUG, variants=(RED,)), cup) == ImportReport(changed=1, unchanged=1)
    assert (await stored(opened, "MUG-B"))[0].handle == "cup"


async def test_an_import_that_died_between_batches_is_finished_by_the_next(
    opened: Open, shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_PRODUCTS", 1)
    other = replace(MUG, handle="pot", variants=(replace(RED, sku="POT"),))
    parsed = ParsedCatalogue("USD", (MUG, other), (RefusedRow(9, "why"),))
    seen: list[tuple[int, int]] = []

    def die(done: int, total: int) -> None:
        seen.append((done, total))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await import_products(opened, parsed, company_id=shop.id, now=NOW, progress=die)
    assert seen == [(1, 2)]
    report = await import_products(opened, parsed, company_id=shop.id, now=NOW)
    assert report == ImportReport(added=1, unchanged=2, refused=(RefusedRow(9, "why"),))


async def waiting_for_a_lock(opened: Open) -> None:
    """Return when a session of this database waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while True:
        async with opened() as session:
            if await session.scalar(waiting):
                return


async def test_two_imports_of_one_file_at_once_store_it_once(opened: Open, shop: Company) -> None:
    async def apply(session: AsyncSession) -> ImportReport:
        return await apply_products(
            session, [MUG], company_id=shop.id, currency="USD", file_skus={"MUG-R", "MUG-B"}, now=NOW
        )

    async def second() -> ImportReport:
        async with opened() as session:
            return await apply(session)

    async with opened() as session:
        assert await apply(session) == ImportReport(added=2)
        racing = asyncio.create_task(second())
        await asyncio.wait_for(waiting_for_a_lock(opened), timeout=10)
    assert await racing == ImportReport(unchanged=2)
    assert len(await price_history(opened)) == 2


async def test_the_files_stock_counts_although_a_sale_is_being_written(opened: Open, shop: Company) -> None:
    await run(opened, shop, MUG)
    async with opened() as session:
        stock = await session.scalar(
            select(Stock)
            .join(ProductVariant, ProductVariant.id == Stock.variant_id)
            .where(ProductVariant.sku == "MUG-R")
        )
        assert stock is not None
        stock.on_hand -= 1
        await session.flush()
        importing_now = asyncio.create_task(run(opened, shop, MUG, now=LATER))
        await asyncio.wait_for(waiting_for_a_lock(opened), timeout=10)
    assert await importing_now == ImportReport(changed=1, unchanged=1)
    assert (await stored(opened, "MUG-R"))[3].on_hand == 7


async def test_one_company_imports_beside_another(engine: AsyncEngine, opened: Open, shop: Company) -> None:
    other = await make_company(engine, name="Other")

    def others() -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(engine, company_id=other.id)

    await run(opened, shop, MUG)
    cheap = replace(MUG, title="Other mug", variants=(replace(RED, price_minor=1_00),))
    assert await run(others, other, cheap) == ImportReport(added=1)
    product, variant, price, _ = await stored(opened, "MUG-R")
    assert (product.title, price.price_minor, variant.company_id) == ("Mug", 12_50, shop.id)
    assert (await stored(opened, "MUG-B"))[1].active


async def test_the_demo_shops_file_imports_without_a_refusal(opened: Open, shop: Company) -> None:
    parsed = parse_shopify(DEMO.read_bytes(), currency="USD")
    report = await import_products(opened, parsed, company_id=shop.id, now=NOW)
    assert report.refused == ()
    assert report.added >= len(parsed.products) >= 24
    assert await import_products(opened, parsed, company_id=shop.id, now=LATER) == ImportReport(unchanged=report.added)
