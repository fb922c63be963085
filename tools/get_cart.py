from pydantic import JsonValue

from policy import money
from storefront.carts import service as carts
from storefront.carts.facts import facts_of
from storefront.carts.schemas import CartView
from tools.base import Done, Effect, Refused, ToolArgs, ToolContext, tool
from tools.claims import claims_of


class GetCart(ToolArgs):
    pass


@tool(GetCart, effect=Effect.READ)
async def get_cart(ctx: ToolContext, args: GetCart) -> Done | Refused:  # noqa: ARG001
    """Read the cart under discussion: items, prices, shipping, tax, total, the offer on it and true things to say.

    Call it before saying anything about what is in the cart or what it costs. `claims` are sentences that hold
    now; when you use one, pass its handle to log_trigger.
    """
    cart = await carts.read(ctx.session, ctx.cart_id, company_id=ctx.company_id, now=ctx.now)
    claims = claims_of(cart, conversation_id=ctx.conversation_id, locale=ctx.locale, tz=ctx.tz)
    data = {**shown(cart, locale=ctx.locale), "claims": [claim.as_json() for claim in claims]}
    return Done(data=data, say=summary(cart, locale=ctx.locale), facts=facts_of(cart, tz=ctx.tz))


def shown(cart: CartView, *, locale: str) -> dict[str, JsonValue]:
    """The cart as a model reads it: amounts as the shopper sees them."""

    def amount(minor: int) -> str:
        return money.format_money(minor, cart.currency, locale)

    items: list[JsonValue] = [
        {"name": line.name, "quantity": line.quantity, "unitPrice": amount(line.unit_price_minor)}
        for line in cart.lines
    ]
    return {
        "status": cart.status,
        "items": items,
        "subtotal": amount(cart.subtotal_minor),
        "discount": amount(cart.discount_minor),
        "shipping": amount(cart.shipping_minor),
        "tax": amount(cart.tax_minor),
        "total": amount(cart.grand_total_minor),
    }


def summary(cart: CartView, *, locale: str) -> str:
    """One sentence about the cart, bound to its facts."""
    if not cart.lines:
        return "Your cart is empty."
    total = money.format_money(cart.grand_total_minor, cart.currency, locale)
    names = [f"{line.quantity} × {line.name}" for line in cart.lines]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"Your cart has {listed}, and the total is {total}."
