from pydantic import JsonValue

from policy import money
from policy.claims.facts import Fact, MoneyFact, NameFact, PromiseFact, PromiseKind, Subject
from storefront.carts import service as carts
from storefront.upsells import service as upsells
from tools.base import Done, Effect, Refused, ToolArgs, ToolContext, tool


class RankUpsells(ToolArgs):
    pass


@tool(RankUpsells, effect=Effect.READ)
async def rank_upsells(ctx: ToolContext, args: RankUpsells) -> Done | Refused:  # noqa: ARG001
    """Find what goes well with the cart: products that others bought together with it and that are in stock.

    Call it when the shopper asks what fits or what else to get. Name what it returns and nothing else.
    """
    cart = await carts.read(ctx.session, ctx.cart_id, company_id=ctx.company_id, now=ctx.now)
    ranked = await upsells.rank_upsells(ctx.session, cart, now=ctx.now)
    if not ranked:
        return Refused("NOTHING_FITS", "I have nothing particular to suggest for this cart.")
    products: list[JsonValue] = []
    facts: list[Fact] = []
    for each in ranked:
        price = money.format_money(each.unit_price_minor, cart.currency, ctx.locale)
        products.append({"sku": each.sku, "name": each.name, "price": price, "reason": each.reason})
        facts += [
            NameFact(f"variant:{each.variant_id}", each.name),
            MoneyFact(
                f"variant:{each.variant_id}", Subject.ITEM_PRICE, each.unit_price_minor, cart.currency, each.name
            ),
            PromiseFact(f"variant:{each.variant_id}", PromiseKind.IN_STOCK),
        ]
    first = ranked[0]
    price = money.format_money(first.unit_price_minor, cart.currency, ctx.locale)
    return Done(data={"products": products}, say=f"{first.name} goes well with it, for {price}.", facts=tuple(facts))
