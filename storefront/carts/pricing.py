"""What a cart costs, from its rows (decision 13: derived on read, never stored before the order)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from db.tables.carts import CartStatus
from db.tables.policy import GrantKind
from policy import money
from storefront.carts.schemas import CartView, FreeShippingView, LineView, OfferView


def view_of(cart: Any, lines: Sequence[Any]) -> CartView:
    """The cart as it stands: rows of `CartRepository.head` and `.lines`. An order keeps the amounts it was placed at.

    Raises:
        InvalidAmount: the sum is larger than money can be.
    """
    ordered = cart.status is CartStatus.CONVERTED
    offer = None if ordered else _offer(cart)
    totals = _totals(cart, lines, offer)
    parts = {part.id: part for part in totals.lines}
    return CartView(
        id=cart.id,
        company_id=cart.company_id,
        status=cart.status,
        currency=cart.currency,
        country=cart.country,
        customer_id=cart.customer_id,
        lines=tuple(_line(line, parts[str(line.id)]) for line in lines),
        subtotal_minor=cart.subtotal_minor if ordered else totals.subtotal_minor,
        discount_minor=cart.discount_minor if ordered else totals.discount_minor,
        shipping_minor=cart.shipping_minor if ordered else totals.shipping_minor,
        tax_minor=cart.tax_minor if ordered else totals.tax_minor,
        grand_total_minor=cart.total_minor if ordered else totals.grand_total_minor,
        item_count=totals.item_count,
        offer=offer,
        free_shipping=None if ordered else _free_shipping(cart, lines),
        hold_expires_at=min((line.hold_expires_at for line in lines if line.hold_expires_at), default=None),
        checkout_started_at=cart.checkout_started_at,
        last_activity_at=cart.last_activity_at,
        idle_due_at=cart.idle_due_at,
        abandoned_at=cart.abandoned_at,
        abandonment=cart.abandonment,
        converted_at=cart.converted_at,
    )


def _totals(cart: Any, lines: Sequence[Any], offer: OfferView | None) -> money.Totals:
    excluded = frozenset(cart.excluded_skus or ())
    return money.totals(
        [
            money.PricedLine(
                id=str(line.id),
                unit_price_minor=line.unit_price_minor,
                quantity=line.quantity,
                line_discount_minor=line.discount_minor,
                taxable=line.taxable,
                discountable=line.sku not in excluded,
            )
            for line in lines
        ],
        currency=cart.currency,
        discount=None
        if offer is None
        else money.Discount(percent=offer.percent, free_shipping=offer.kind is GrantKind.FREE_SHIPPING),
        shipping=None
        if cart.delivery_minor is None
        else money.ShippingRule(cart.delivery_minor, free_from_minor=cart.free_from_minor),
        tax=None if cart.tax_rate is None else money.TaxRule(cart.tax_rate, inclusive=cart.tax_inclusive),
    )


def _line(line: Any, part: money.LineTotals) -> LineView:
    return LineView(
        id=line.id,
        variant_id=line.variant_id,
        product_id=line.product_id,
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        discount_minor=part.discount_minor,
        net_minor=part.net_minor,
        image_url=line.image_url,
        hold_expires_at=line.hold_expires_at,
    )


def _offer(cart: Any) -> OfferView | None:
    grant_id: UUID | None = cart.grant_id
    if grant_id is None:
        return None
    return OfferView(grant_id=grant_id, kind=cart.kind, percent=cart.percent, expires_at=cart.grant_expires_at)


def _free_shipping(cart: Any, lines: Sequence[Any]) -> FreeShippingView | None:
    """By the same goods value as `money.totals`: after the lines' own markdowns, before the cart's discount."""
    if cart.free_from_minor is None:
        return None
    goods = sum(line.unit_price_minor * line.quantity - line.discount_minor for line in lines)
    return FreeShippingView(cart.free_from_minor, max(0, cart.free_from_minor - goods))
