"""Money: integer minor units beside an ISO 4217 currency, largest-remainder splits and cart totals.

No float takes part in a calculation. Halves of a minor unit round up, as a shopper does who checks a receipt
by hand: at 10 %, 25 cents give 3 and 35 give 4, where banker's rounding would give 2 and 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cache, lru_cache

from babel.core import get_global
from babel.numbers import format_currency

from policy.errors import AppError

# ISO 4217, list one. Babel carries CLDR's digits: the customary ones (IQD 0, LAK 0), not the legal ones.
_NO_MINOR_UNIT = {*"BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split()}  # noqa: SIM905
_THOUSANDTHS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}

MAX_MINOR = 10**15 - 1
"""The largest amount: 15 digits survive a JSON number (IEEE 754 double) unchanged."""


class UnknownCurrency(AppError):
    status = 422
    code = "unknown_currency"
    title = "Not a currency that things can be sold in"


class InvalidAmount(AppError):
    status = 422
    code = "invalid_amount"
    title = "Not an amount of this currency"


@cache
def _tender() -> frozenset[str]:
    """Codes that are legal tender somewhere today: not `XXX`, `XTS`, gold or retired currencies."""
    territories = get_global("territory_currencies")
    return frozenset(
        code for uses in territories.values() for code, _, until, tender in uses if tender and until is None
    )


def exponent(currency: str) -> int:
    """Digits after the point by ISO 4217: USD 2, JPY 0, KWD 3.

    Raises:
        UnknownCurrency: not the upper-case code of a currency in use.
    """
    if currency not in _tender():
        raise UnknownCurrency("Give the ISO 4217 code of a currency in use, such as USD, EUR or JPY.")
    if currency in _NO_MINOR_UNIT:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def to_minor(major: Decimal | int | str, currency: str) -> int:
    """Major units (73.96) to minor units (7396), refusing what the currency cannot express.

    Raises:
        InvalidAmount: not a finite number, finer than the minor unit, or beyond `MAX_MINOR`.
    """
    digits = exponent(currency)
    try:
        value = Decimal(major)
    except InvalidOperation:
        raise InvalidAmount("Give the amount as a plain decimal number.") from None
    if not value.is_finite():
        raise InvalidAmount("Give the amount as a finite number.")
    if value.adjusted() > 15:
        raise InvalidAmount("The amount is too large.")
    numerator, denominator = value.as_integer_ratio()
    minor, finer = divmod(numerator * 10**digits, denominator)
    if finer:
        raise InvalidAmount(f"{currency} has {digits} digits after the point.")
    return _in_range(minor)


def to_major(minor: int, currency: str) -> Decimal:
    """Minor units to a decimal that shows every digit of the currency: 7390 USD is `Decimal("73.90")`."""
    return Decimal(minor).scaleb(-exponent(currency))


def json_number(minor: int, currency: str) -> int | float:
    """The number that JSON carries in major units: 73.96, 1200 (JPY), 1.234 (KWD).

    Its shortest decimal form is exact up to `MAX_MINOR`; nothing may be calculated with it.
    """
    _in_range(minor)
    return float(to_major(minor, currency)) if exponent(currency) else minor


@lru_cache(maxsize=4096)  # an answer and the facts behind it name an amount many times
def format_money(minor: int, currency: str, locale: str = "en_US") -> str:
    """What a reader of `locale` expects to see, with every digit of the currency: `$73.96`, `¥1,200`."""
    return format_currency(to_major(minor, currency), currency, locale=locale, decimal_quantization=False)


def percent_of(minor: int, percent: Decimal) -> int:
    """`percent` of a non-negative amount in minor units, halves up."""
    return round_half_up(minor * Fraction(percent) / 100)


def round_half_up(amount: Fraction) -> int:
    """The nearest integer to a non-negative amount, halves up."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def allocate(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Split a non-negative total in proportion to `weights` by largest remainder.

    The parts sum to the total exactly, and no part exceeds its weight when the total does not exceed their
    sum. Equal remainders go to the earlier position. All-zero weights can carry only a total of zero.
    """
    if total_minor < 0 or any(weight < 0 for weight in weights):
        raise ValueError("neither the total nor a weight may be negative")
    whole = sum(weights)
    if whole == 0:
        if total_minor:
            raise ValueError("a total needs a positive weight to carry it")
        return [0] * len(weights)
    shares = [divmod(total_minor * weight, whole) for weight in weights]
    parts = [floor for floor, _ in shares]
    by_remainder = sorted(range(len(shares)), key=lambda at: -shares[at][1])
    for at in by_remainder[: total_minor - sum(parts)]:
        parts[at] += 1
    return parts


def _in_range(minor: int) -> int:
    if abs(minor) > MAX_MINOR:
        raise InvalidAmount("The amount is too large.")
    return minor


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A cart line. `line_discount_minor` is off the whole line; cart discounts reach `discountable` lines."""

    id: str
    unit_price_minor: int
    quantity: int
    line_discount_minor: int = 0
    taxable: bool = True
    discountable: bool = True


@dataclass(frozen=True, slots=True)
class Discount:
    """The live grant of a cart: a percentage, or an amount, or free shipping alone. Never a sum of grants."""

    percent: Decimal | None = None
    amount_minor: int | None = None
    free_shipping: bool = False

    def __post_init__(self) -> None:
        if self.percent is not None and self.amount_minor is not None:
            raise ValueError("a discount is a percentage or an amount, not both")
        if self.percent is not None and not 0 <= self.percent <= 100:
            raise ValueError("a percentage lies between 0 and 100")
        if self.amount_minor is not None and self.amount_minor < 0:
            raise ValueError("an amount off is not negative")


@dataclass(frozen=True, slots=True)
class ShippingRule:
    """A flat rate, waived from a goods value of `free_from_minor`."""

    amount_minor: int = 0
    free_from_minor: int | None = None


@dataclass(frozen=True, slots=True)
class TaxRule:
    """`rate` is a fraction (0.20). `inclusive` means that prices contain the tax already."""

    rate: Decimal = Decimal(0)
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class LineTotals:
    """`net_minor` is gross less discount; `tax_minor` is contained in it or comes on top (`TaxRule`)."""

    id: str
    quantity: int
    gross_minor: int
    discount_minor: int
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Minor units. `subtotal_minor` is before, `discount_minor` holds line and cart discounts together."""

    lines: tuple[LineTotals, ...]
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    grand_total_minor: int
    item_count: int


def totals(
    lines: Sequence[PricedLine],
    *,
    currency: str,
    discount: Discount | None = None,
    shipping: ShippingRule | None = None,
    tax: TaxRule | None = None,
) -> Totals:
    """What a cart costs.

    The cart discount is split over the discountable lines and tax over the taxable ones, each rounded once
    on the sum. The free-shipping threshold looks at the goods before the cart discount: accepting an offer
    must never add a delivery charge. Delivery is not taxed.

    Raises:
        UnknownCurrency: things cannot be sold in `currency`.
        InvalidAmount: a sum passes `MAX_MINOR`.
    """
    exponent(currency)
    gross = [line.unit_price_minor * line.quantity for line in lines]
    if any(line.quantity < 0 or line.unit_price_minor < 0 or line.line_discount_minor < 0 for line in lines):
        raise ValueError("a line has no negative part")
    reduced = [amount - min(line.line_discount_minor, amount) for line, amount in zip(lines, gross, strict=True)]
    cuts = _cart_discount(lines, reduced, discount)
    nets = [amount - cut for amount, cut in zip(reduced, cuts, strict=True)]
    taxes = _taxes(lines, nets, tax or TaxRule())
    shipping_minor = _shipping(sum(reduced), discount, shipping, has_items=any(gross) or _count(lines) > 0)
    on_top = 0 if tax is None or tax.inclusive else sum(taxes)
    return Totals(
        lines=tuple(
            LineTotals(line.id, line.quantity, whole, whole - net, net, due)
            for line, whole, net, due in zip(lines, gross, nets, taxes, strict=True)
        ),
        subtotal_minor=sum(gross),
        discount_minor=sum(gross) - sum(nets),
        shipping_minor=shipping_minor,
        tax_minor=sum(taxes),
        grand_total_minor=_in_range(sum(nets) + shipping_minor + on_top),
        item_count=_count(lines),
    )


def _count(lines: Sequence[PricedLine]) -> int:
    return sum(line.quantity for line in lines)


def _cart_discount(lines: Sequence[PricedLine], reduced: list[int], discount: Discount | None) -> list[int]:
    bases = [amount if line.discountable else 0 for line, amount in zip(lines, reduced, strict=True)]
    if discount is None:
        return [0] * len(bases)
    if discount.percent is not None:
        return allocate(percent_of(sum(bases), discount.percent), bases)
    return allocate(min(discount.amount_minor or 0, sum(bases)), bases)


def _taxes(lines: Sequence[PricedLine], nets: list[int], tax: TaxRule) -> list[int]:
    bases = [net if line.taxable else 0 for line, net in zip(lines, nets, strict=True)]
    rate = Fraction(tax.rate)
    share = rate / (1 + rate) if tax.inclusive else rate
    return allocate(round_half_up(sum(bases) * share), bases)


def _shipping(goods_minor: int, discount: Discount | None, rule: ShippingRule | None, *, has_items: bool) -> int:
    if rule is None or not has_items or (discount is not None and discount.free_shipping):
        return 0
    if rule.free_from_minor is not None and goods_minor >= rule.free_from_minor:
        return 0
    return rule.amount_minor
