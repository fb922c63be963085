from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.session import transaction
from db.tables.carts import HoldStatus
from db.tables.catalogue import ProductStatus, StockPolicy
from db.tables.companies import Company
from storefront.catalogue.schemas import ListedPage, ListedVariant
from storefront.catalogue.service import list_products
from tests.factories import NOW, make_cart, make_company, make_hold, make_product


async def listed(session: AsyncSession, shop: Company, *, currency: str = "USD") -> dict[str, ListedVariant]:
    page = await list_products(session, company_id=shop.id, currency=currency, now=NOW)
    assert page.after is None
    return {item.sku: item for item in page.items}


async def test_a_listed_variant_has_what_a_shop_shows(session: AsyncSession, shop: Company) -> None:
    variant = await make_product(session, "SIG-1", company_id=shop.id, name="Signature Blend", image_url="/sig.svg")
    page = await list_products(session, company_id=shop.id, currency="USD", now=NOW)
    assert page == ListedPage(
        (
            ListedVariant(
                id=variant.id,
                product_id=variant.product_id,
                handle="sig-1",
                sku="SIG-1",
                title="Signature Blend",
                variant="",
                description="",
                category="Coffee beans",
                tags=(),
                image_url="/sig.svg",
                product_image_url="/sig.svg",
                price_minor=24_99,
                compare_at_minor=None,
                currency="USD",
                stock=10,
            ),
        ),
        after=None,
    )
    assert page.items[0].name == "Signature Blend"


async def test_stock_is_on_hand_less_live_holds(session: AsyncSession, shop: Company) -> None:
    variant = await make_product(session, "A", company_id=shop.id, on_hand=5)
    for lasts, quantity in [(timedelta(minutes=1), 2), (timedelta(0), 4)]:
        cart = await make_cart(session, company_id=shop.id)
        await make_hold(session, cart, variant, quantity=quantity, lasts=lasts)
    ended = await make_hold(session, await make_cart(session, company_id=shop.id), variant, quantity=1)
    ended.status, ended.ended_at = HoldStatus.RELEASED, NOW
    await session.flush()
    assert (await listed(session, shop))["A"].stock == 3


async def test_stock_that_stops_nobody_is_not_counted(session: AsyncSession, shop: Company) -> None:
    for policy in StockPolicy:
        await make_product(session, policy.value, company_id=shop.id, on_hand=0, policy=policy)
    await make_product(session, "OVERSOLD", company_id=shop.id, on_hand=-3)
    assert {sku: item.stock for sku, item in (await listed(session, shop)).items()} == {
        "DENY": 0,
        "CONTINUE": None,
        "UNTRACKED": None,
        "OVERSOLD": 0,
    }


async def test_only_what_is_on_sale_in_the_currency_is_listed(session: AsyncSession, shop: Company) -> None:
    await make_product(session, "YES", company_id=shop.id)
    await make_product(session, "DRAFT", company_id=shop.id, status=ProductStatus.DRAFT)
    await make_product(session, "OFF", company_id=shop.id, active=False)
    await make_product(session, "EURO", company_id=shop.id, prices={"EUR": 20_00})
    assert list(await listed(session, shop)) == ["YES"]
    assert [(item.sku, item.price_minor) for item in (await listed(session, shop, currency="EUR")).values()] == [
        ("EURO", 20_00)
    ]


async def test_pages_follow_each_other_without_a_gap(session: AsyncSession, shop: Company) -> None:
    skus = [f"P{number}" for number in range(7)]
    for sku in skus:
        await make_product(session, sku, company_id=shop.id)
    pages: list[list[str]] = []
    after = None
    while True:
        page = await list_products(session, company_id=shop.id, currency="USD", now=NOW, after=after, limit=3)
        pages.append([item.sku for item in page.items])
        if (after := page.after) is None:
            break
    assert pages == [skus[0:3], skus[3:6], skus[6:7]]


async def test_a_page_that_is_just_full_is_the_last(session: AsyncSession, shop: Company) -> None:
    for number in range(50):
        await make_product(session, f"P{number}", company_id=shop.id)
    page = await list_products(session, company_id=shop.id, currency="USD", now=NOW)
    assert (len(page.items), page.after) == (50, None)


async def test_a_company_lists_its_own(engine: AsyncEngine, session: AsyncSession, shop: Company) -> None:
    other = await make_company(engine, name="Other")
    async with transaction(engine, company_id=other.id) as theirs:
        await make_product(theirs, "THEIRS", company_id=other.id)
    await make_product(session, "MINE", company_id=shop.id)
    assert list(await listed(session, shop)) == ["MINE"]
    assert await listed(session, other) == {}
