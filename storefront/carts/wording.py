"""Sentences about a cart that more than one place says; each is bound to its facts (facts.py)."""

from policy.money import format_money
from storefront.carts.schemas import CartView


def free_shipping_sentence(cart: CartView, *, locale: str) -> str | None:
    """How far the cart is from free shipping, with what it costs otherwise; None when there is nothing to say."""
    if not cart.lines or cart.free_shipping is None or not cart.free_shipping.remaining_minor:
        return None
    if not cart.shipping_minor:
        return None
    gap = format_money(cart.free_shipping.remaining_minor, cart.currency, locale)
    shipping = format_money(cart.shipping_minor, cart.currency, locale)
    return f"{gap} more makes shipping free; otherwise shipping is {shipping}."
