"""Suggest what goes with a cart."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from storefront.carts.schemas import CartView
from storefront.upsells import rules
from storefront.upsells.repository import UpsellRepository
from storefront.upsells.rules import Candidate

# What sold longer ago says little about today's shop.
WINDOW = timedelta(days=365)


async def rank_upsells(session: AsyncSession, cart: CartView, *, now: datetime, limit: int = 3) -> list[Candidate]:
    """Up to `limit` products that were bought with what is in the cart, then the bestsellers of its categories, by the
    shop's latest orders.

    All are for sale, in stock and priced in the cart's currency (minor units); none is in the cart. The order is
    the same each time. An empty cart gets none.
    """
    if not cart.lines:
        return []
    candidates = await UpsellRepository(session).candidates(
        cart.id,
        {line.product_id for line in cart.lines},
        company_id=cart.company_id,
        currency=cart.currency,
        since=now - WINDOW,
        limit=limit,
        now=now,
    )
    return rules.rank(candidates, limit=limit)
