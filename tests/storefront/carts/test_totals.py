from datetime import timedelta
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.companies import Company
from db.tables.policy import GrantKind, GrantStatus
from db.tables.recovery import FlowConfigVersion
from storefront.carts import service
from storefront.carts.schemas import CartView, FreeShippingView
from tests import factories as make
from tests.factories import NOW


def amounts(cart: CartView) -> tuple[int, int, int, int, int]:
    return cart.subtotal_minor, cart.discount_minor, cart.shipping_minor, cart.tax_minor, cart.grand_total_minor


async def test_dollars_with_delivery_as_in_the_spec(session: AsyncSession, shop: Company) -> None:
    blend = await make.make_product(session, "BLEND", company_id=shop.id, prices={"USD": 24_99})
    mug = await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 17_99})
    await make.make_shipping_rate(session, company_id=shop.id, amount_minor=5_99, free_from_minor=79_98)
    row = await make.make_cart(session, (blend, 2), (mug, 1), company_id=shop.id)
    cart = await service.read(session, row.id, company_id=shop.id, now=NOW)
    assert amounts(cart) == (67_97, 0, 5_99, 0, 73_96)
    assert cart.free_shipping == FreeShippingView(threshold_minor=79_98, remaining_minor=12_01)
    assert cart.item_count == 3


async def test_euros_with_a_markdown_a_grant_and_tax_in_the_price(session: AsyncSession, shop: Company) -> None:
    filters = await make.make_product(session, "FILTERS", company_id=shop.id, prices={"EUR": 19_99})
    await make.make_shipping_rate(
        session, company_id=shop.id, currency="EUR", amount_minor=4_95, free_from_minor=60_00, country="DE"
    )
    await make.make_tax_rate(session, company_id=shop.id, rate="0.19", inclusive=True, country="DE")
    row = await make.make_cart(
        session, (filters, 3), company_id=shop.id, currency="EUR", country="DE", line_discount_minor=1_00
    )
    await make.make_grant(session, row, percent="10")
    cart = await service.read(session, row.id, company_id=shop.id, now=NOW)
    # 59.97 less 1.00 less 10 % of 58.97, halves up; 19 % contained in the 53.07 that are left.
    assert amounts(cart) == (59_97, 6_90, 4_95, 8_47, 58_02)
    assert cart.free_shipping == FreeShippingView(threshold_minor=60_00, remaining_minor=1_03)
    (line,) = cart.lines
    assert (line.discount_minor, line.net_minor) == (6_90, 53_07)


async def test_pounds_with_tax_on_top_of_what_is_taxed(session: AsyncSession, shop: Company) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id, prices={"GBP": 12_50})
    book = await make.make_product(session, "BOOK", company_id=shop.id, prices={"GBP": 10_00}, taxable=False)
    await make.make_shipping_rate(session, company_id=shop.id, currency="GBP", amount_minor=3_99, free_from_minor=None)
    await make.make_tax_rate(session, company_id=shop.id, rate="0.2", inclusive=False)
    row = await make.make_cart(session, (mug, 2), (book, 1), company_id=shop.id, currency="GBP", country="GB")
    cart = await service.read(session, row.id, company_id=shop.id, now=NOW)
    assert amounts(cart) == (35_00, 0, 3_99, 5_00, 43_99)
    assert cart.free_shipping is None


async def test_yen_have_no_minor_unit_and_an_offer_never_adds_delivery(session: AsyncSession, shop: Company) -> None:
    tea = await make.make_product(session, "TEA", company_id=shop.id, prices={"JPY": 1_980})
    await make.make_shipping_rate(
        session, company_id=shop.id, currency="JPY", amount_minor=500, free_from_minor=5_500, country="JP"
    )
    await make.make_tax_rate(session, company_id=shop.id, rate="0.1", inclusive=True, country="JP")
    row = await make.make_cart(session, (tea, 3), company_id=shop.id, currency="JPY", country="JP")
    await make.make_grant(session, row, percent="15")
    cart = await service.read(session, row.id, company_id=shop.id, now=NOW)
    # 5,940 reach the 5,500 for free delivery, the 5,049 that are paid do not.
    assert amounts(cart) == (5_940, 891, 0, 459, 5_049)


async def test_dinars_have_three_digits(session: AsyncSession, shop: Company) -> None:
    dates = await make.make_product(session, "DATES", company_id=shop.id, prices={"KWD": 12_345})
    await make.make_shipping_rate(session, company_id=shop.id, currency="KWD", amount_minor=1_250, free_from_minor=None)
    row = await make.make_cart(session, (dates, 2), company_id=shop.id, currency="KWD", country="KW")
    await make.make_grant(session, row, percent="12.5")
    cart = await service.read(session, row.id, company_id=shop.id, now=NOW)
    assert amounts(cart) == (24_690, 3_086, 1_250, 0, 22_854)
    assert cart.offer is not None
    assert (cart.offer.kind, cart.offer.percent) == (GrantKind.PERCENTAGE_DISCOUNT, Decimal("12.50"))


async def test_a_discount_is_split_over_the_lines_to_the_cent(session: AsyncSession, shop: Company) -> None:
    three = [await make.make_product(session, f"S-{at}", company_id=shop.id, prices={"USD": 33}) for at in range(3)]
    row = await make.make_cart(session, *((each, 1) for each in three), company_id=shop.id)
    await make.make_grant(session, row, percent="10.10")
    cart = await service.read(session, row.id, company_id=shop.id, now=NOW)
    # 10.1 % of 99 is 9.999: ten cents, the odd one on the first of three equal lines.
    assert [line.discount_minor for line in cart.lines] == [4, 3, 3]
    assert amounts(cart) == (99, 10, 0, 0, 89)


async def test_free_shipping_waives_delivery_and_nothing_else(session: AsyncSession, shop: Company) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 18_00})
    await make.make_shipping_rate(session, company_id=shop.id)
    row = await make.make_cart(session, (mug, 1), company_id=shop.id)
    await make.make_grant(session, row, kind=GrantKind.FREE_SHIPPING, percent=None, benefit_minor=5_99)
    cart = await service.read(session, row.id, company_id=shop.id, now=NOW)
    assert amounts(cart) == (18_00, 0, 0, 0, 18_00)


async def test_a_grant_that_expired_or_was_only_proposed_takes_nothing_off(
    session: AsyncSession, shop: Company
) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 18_00})
    row = await make.make_cart(session, (mug, 1), company_id=shop.id)
    await make.make_grant(session, row, status=GrantStatus.PROPOSED)
    await make.make_grant(session, row, committed_at=NOW - timedelta(hours=1), lasts=timedelta(hours=1))
    at_its_end = await service.read(session, row.id, company_id=shop.id, now=NOW)
    assert (amounts(at_its_end), at_its_end.offer) == ((18_00, 0, 0, 0, 18_00), None)
    before = await service.read(session, row.id, company_id=shop.id, now=NOW - timedelta(microseconds=1))
    assert amounts(before) == (18_00, 1_80, 0, 0, 16_20)


async def test_what_the_shop_excludes_from_offers_keeps_its_price(session: AsyncSession, shop: Company) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 18_00})
    card = await make.make_product(session, "GIFT-CARD", company_id=shop.id, prices={"USD": 50_00})
    for version, excluded in ((1, []), (2, ["GIFT-CARD"])):
        session.add(
            FlowConfigVersion(
                company_id=shop.id,
                version=version,
                config={"offers": {"excludedSkus": excluded}},
                changed_by="test",
                created_at=NOW,
            )
        )
    row = await make.make_cart(session, (mug, 1), (card, 1), company_id=shop.id)
    await make.make_grant(session, row, percent="10")
    cart = await service.read(session, row.id, company_id=shop.id, now=NOW)
    assert amounts(cart) == (68_00, 1_80, 0, 0, 66_20)


async def test_the_rate_of_the_country_wins_over_that_of_everywhere_else(session: AsyncSession, shop: Company) -> None:
    mug = await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 18_00})
    await make.make_shipping_rate(session, company_id=shop.id, amount_minor=5_99)
    await make.make_shipping_rate(session, company_id=shop.id, amount_minor=14_00, country="CA")
    at_home = await make.make_cart(session, (mug, 1), company_id=shop.id)
    abroad = await make.make_cart(session, (mug, 1), company_id=shop.id, country="CA")
    assert (await service.read(session, at_home.id, company_id=shop.id, now=NOW)).shipping_minor == 5_99
    assert (await service.read(session, abroad.id, company_id=shop.id, now=NOW)).shipping_minor == 14_00


async def test_an_empty_cart_costs_nothing(session: AsyncSession, shop: Company) -> None:
    await make.make_shipping_rate(session, company_id=shop.id)
    row = await make.make_cart(session, company_id=shop.id)
    cart = await service.read(session, row.id, company_id=shop.id, now=NOW)
    assert (amounts(cart), cart.item_count, cart.lines) == ((0, 0, 0, 0, 0), 0, ())
