"""Money against an oracle in fractions, and the examples that a shopkeeper would check by hand."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy import money
from policy.money import Discount, PricedLine, ShippingRule, TaxRule

CURRENCIES = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}
currencies = st.sampled_from(sorted(CURRENCIES))
amounts = st.integers(0, 10**6)


@pytest.mark.parametrize(("currency", "digits"), [*CURRENCIES.items(), ("IQD", 3), ("ISK", 0), ("LAK", 2), ("HUF", 2)])
def test_exponent_is_that_of_iso_4217(currency: str, digits: int) -> None:
    assert money.exponent(currency) == digits


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "DEM", "usd", "", "US", "ZZZ", "$"])
def test_what_is_no_currency_in_use_is_refused(code: str) -> None:
    with pytest.raises(money.UnknownCurrency) as refused:
        money.to_minor("1", code)
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("73.96", "USD", 7396),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("5", "EUR", 500),
        ("1.50", "GBP", 150),
    ],
)
def test_major_units_become_minor_units_and_back(text: str, currency: str, minor: int) -> None:
    assert money.to_minor(text, currency) == minor
    assert money.to_major(minor, currency) == Decimal(text)


@pytest.mark.parametrize(
    ("value", "currency"),
    [
        ("1.005", "USD"),
        ("0.5", "JPY"),
        ("NaN", "USD"),
        ("Infinity", "EUR"),
        ("x", "USD"),
        ("", "USD"),
        ("1e30", "USD"),
        ("1.2345", "KWD"),
        ("9999999999999.999", "KWD"),
    ],
)
def test_what_a_currency_cannot_express_is_refused(value: str, currency: str) -> None:
    with pytest.raises(money.InvalidAmount):
        money.to_minor(value, currency)


@given(minor=st.integers(0, money.MAX_MINOR), currency=currencies)
def test_json_carries_the_exact_number(minor: int, currency: str) -> None:
    text = json.dumps(money.json_number(minor, currency))
    assert Fraction(text) * 10 ** CURRENCIES[currency] == minor


def test_json_number_of_each_kind() -> None:
    assert (
        json.dumps([money.json_number(7396, "USD"), money.json_number(1200, "JPY"), money.json_number(1234, "KWD")])
        == "[73.96, 1200, 1.234]"
    )


def test_money_is_written_for_its_reader() -> None:
    assert money.format_money(739600, "USD") == "$7,396.00"
    assert money.format_money(1200, "JPY") == "¥1,200"
    assert (
        money.format_money(1234, "KWD", "en_GB") == "KWD\u00a01.234"
        or money.format_money(1234, "KWD", "en_GB") == "KWD1.234"
    )
    assert money.format_money(7396, "EUR", "de_DE") == "73,96\u00a0€"


@given(minor=amounts, percent=st.decimals(0, 100, places=2))
@example(minor=25, percent=Decimal(10))
@example(minor=7998, percent=Decimal(10))
def test_percentage_is_within_half_a_minor_unit_and_halves_go_up(minor: int, percent: Decimal) -> None:
    exact = Fraction(minor) * Fraction(percent) / 100
    rounded = money.percent_of(minor, percent)
    assert Fraction(-1, 2) < rounded - exact <= Fraction(1, 2)


@given(weights=st.lists(st.integers(0, 10**4), min_size=1, max_size=8), total=amounts)
def test_largest_remainder_is_exact_fair_and_stable(weights: list[int], total: int) -> None:
    if sum(weights) == 0:
        total = 0
    parts = money.allocate(total, weights)
    assert sum(parts) == total
    quotas = [Fraction(total * weight, sum(weights) or 1) for weight in weights]
    assert all(abs(part - quota) < 1 for part, quota in zip(parts, quotas, strict=True))
    raised = [at for at, quota in enumerate(quotas) if parts[at] > quota]
    kept = [at for at, quota in enumerate(quotas) if parts[at] < quota]
    assert all((quotas[up] % 1, -up) > (quotas[down] % 1, -down) for up in raised for down in kept)


def test_equal_remainders_go_to_the_earlier_line() -> None:
    assert money.allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert money.allocate(5, [0, 3, 3]) == [0, 3, 2]


@pytest.mark.parametrize(("total", "weights"), [(1, [0, 0]), (1, []), (-1, [1]), (1, [2, -1])])
def test_what_cannot_be_split_is_an_error_of_ours(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"negative|positive"):
        money.allocate(total, weights)


def test_a_discount_is_one_thing() -> None:
    with pytest.raises(ValueError, match="not both"):
        Discount(percent=Decimal(10), amount_minor=5)
    with pytest.raises(ValueError, match="between"):
        Discount(percent=Decimal("100.01"))
    with pytest.raises(ValueError, match="negative"):
        Discount(amount_minor=-1)


lines = st.lists(
    st.builds(
        PricedLine,
        id=st.uuids().map(str),
        unit_price_minor=amounts,
        quantity=st.integers(0, 20),
        line_discount_minor=st.integers(0, 5_000),
        taxable=st.booleans(),
        discountable=st.booleans(),
    ),
    max_size=6,
)
discounts = (
    st.none()
    | st.builds(Discount, percent=st.decimals(0, 100, places=1), free_shipping=st.booleans())
    | st.builds(Discount, amount_minor=amounts, free_shipping=st.booleans())
)
shippings = st.builds(ShippingRule, amount_minor=st.integers(0, 2_000), free_from_minor=st.none() | amounts)
taxes = st.builds(
    TaxRule,
    rate=st.sampled_from([Decimal(0), Decimal("0.07"), Decimal("0.2"), Decimal("0.08875")]),
    inclusive=st.booleans(),
)


@given(cart=lines, currency=currencies, discount=discounts, shipping=shippings, tax=taxes)
def test_cart_totals_agree_with_fractions(
    cart: list[PricedLine], currency: str, discount: Discount | None, shipping: ShippingRule, tax: TaxRule
) -> None:
    result = money.totals(cart, currency=currency, discount=discount, shipping=shipping, tax=tax)
    half = Fraction(1, 2)

    after_line = [max(0, each.unit_price_minor * each.quantity - each.line_discount_minor) for each in cart]
    reach = sum(value for each, value in zip(cart, after_line, strict=True) if each.discountable)
    off = Fraction(0)
    if discount and discount.percent is not None:
        off = reach * Fraction(discount.percent) / 100
    elif discount and discount.amount_minor is not None:
        off = Fraction(min(discount.amount_minor, reach))
    cart_off = result.discount_minor - (result.subtotal_minor - sum(after_line))
    assert abs(cart_off - off) <= half

    taxed = Fraction(sum(part.net_minor for each, part in zip(cart, result.lines, strict=True) if each.taxable))
    rate = Fraction(tax.rate)
    due = taxed - taxed / (1 + rate) if tax.inclusive else taxed * rate
    assert abs(result.tax_minor - due) <= half

    free = (discount is not None and discount.free_shipping) or not any(each.quantity for each in cart)
    if shipping.free_from_minor is not None and sum(after_line) >= shipping.free_from_minor:
        free = True
    assert result.shipping_minor == (0 if free else shipping.amount_minor)

    goods = result.subtotal_minor - result.discount_minor
    assert result.grand_total_minor == goods + result.shipping_minor + (0 if tax.inclusive else result.tax_minor)
    assert result.item_count == sum(each.quantity for each in cart)
    for column in ("gross_minor", "discount_minor", "tax_minor"):
        whole = {
            "gross_minor": result.subtotal_minor,
            "discount_minor": result.discount_minor,
            "tax_minor": result.tax_minor,
        }
        assert sum(getattr(part, column) for part in result.lines) == whole[column]
    for each, part in zip(cart, result.lines, strict=True):
        assert part.net_minor == part.gross_minor - part.discount_minor
        assert min(part.net_minor, part.discount_minor, part.tax_minor, goods) >= 0
        assert each.taxable or part.tax_minor == 0


@given(cart=lines, currency=currencies, discount=discounts, shipping=shippings, tax=taxes)
def test_a_discount_never_costs_the_shopper_anything(
    cart: list[PricedLine], currency: str, discount: Discount | None, shipping: ShippingRule, tax: TaxRule
) -> None:
    without = money.totals(cart, currency=currency, shipping=shipping, tax=tax)
    given_it = money.totals(cart, currency=currency, discount=discount, shipping=shipping, tax=tax)
    assert given_it.grand_total_minor <= without.grand_total_minor


def test_the_cart_of_the_specification() -> None:
    """Spec 3: two lines of 67.97, delivery 5.99, 73.96 in all."""
    cart = [PricedLine("a", 2999, 2), PricedLine("b", 799, 1)]
    result = money.totals(cart, currency="USD", shipping=ShippingRule(599, free_from_minor=7500))
    assert (result.subtotal_minor, result.shipping_minor, result.grand_total_minor) == (6797, 599, 7396)


@pytest.mark.parametrize(
    ("currency", "prices", "expected"),
    [
        ("USD", (1999, 501), (2500, 250, 500, 180, 2930)),
        ("EUR", (1999, 501), (2500, 250, 500, 180, 2930)),
        ("GBP", (333, 333), (666, 67, 500, 48, 1147)),
        ("JPY", (1200, 305), (1505, 151, 500, 108, 1962)),
        ("KWD", (1234, 1), (1235, 124, 500, 89, 1700)),
    ],
)
def test_ten_percent_off_with_eight_percent_tax(
    currency: str, prices: tuple[int, int], expected: tuple[int, ...]
) -> None:
    cart = [PricedLine(str(at), price, 1) for at, price in enumerate(prices)]
    result = money.totals(
        cart,
        currency=currency,
        discount=Discount(percent=Decimal(10)),
        shipping=ShippingRule(500),
        tax=TaxRule(Decimal("0.08")),
    )
    assert (
        result.subtotal_minor,
        result.discount_minor,
        result.shipping_minor,
        result.tax_minor,
        result.grand_total_minor,
    ) == expected


def test_inclusive_tax_is_contained_and_split_over_its_lines() -> None:
    cart = [PricedLine("a", 1000, 1), PricedLine("b", 1000, 1), PricedLine("c", 1000, 1, taxable=False)]
    result = money.totals(cart, currency="GBP", tax=TaxRule(Decimal("0.20"), inclusive=True))
    assert [part.tax_minor for part in result.lines] == [167, 166, 0]
    assert (result.tax_minor, result.grand_total_minor) == (333, 3000)


def test_an_offer_never_takes_free_delivery_away() -> None:
    result = money.totals(
        [PricedLine("a", 5000, 1)],
        currency="USD",
        discount=Discount(percent=Decimal(10)),
        shipping=ShippingRule(599, free_from_minor=5000),
    )
    assert (result.discount_minor, result.shipping_minor, result.grand_total_minor) == (500, 0, 4500)


def test_a_cart_beyond_what_json_can_carry_is_refused() -> None:
    with pytest.raises(money.InvalidAmount):
        money.totals([PricedLine("a", money.MAX_MINOR, 2)], currency="USD")
