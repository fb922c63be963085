"""Reserve units for carts, for real: what one cart holds, no other can have until it expires.

Callers hold the lock of the cart. Stock rows are locked after it, in the order of their variants.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import HoldStatus, InventoryHold
from db.tables.catalogue import StockPolicy
from storefront.holds import rules
from storefront.holds.repository import HoldRepository
from storefront.holds.rules import HoldPolicy, StockLevel


async def reserve(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    wanted: Mapping[UUID, int],
    policy: HoldPolicy,
    now: datetime,
    partly: bool = False,
) -> dict[UUID, int]:
    """Hold the wanted quantities by variant: all of them or, unless `partly`, none.

    Returns:
        What cannot be had, with the units that could.
    """
    stock = await _levels(session, cart_id, wanted, company_id=company_id, now=now)
    short = rules.short_of(wanted, stock)
    if short and not partly:
        return short
    holds = HoldRepository(session)
    open_holds = {hold.variant_id: hold for hold in await holds.of_cart(cart_id, company_id=company_id)}
    for variant_id in sorted(rules.held(stock) - short.keys()):
        hold = open_holds.get(variant_id)
        if hold is not None and hold.expires_at <= now:
            hold.status, hold.ended_at = HoldStatus.EXPIRED, hold.expires_at
            await session.flush()
            hold = None
        if hold is None:
            holds.add(_placed(cart_id, variant_id, wanted[variant_id], company_id=company_id, policy=policy, now=now))
        else:
            hold.quantity = wanted[variant_id]
            hold.expires_at = policy.expires_at(now, renewable_until=hold.renewable_until)
    await session.flush()
    return short


async def check(
    session: AsyncSession, cart_id: UUID, *, company_id: UUID, wanted: Mapping[UUID, int], now: datetime
) -> dict[UUID, int]:
    """As `reserve`, but hold nothing."""
    return rules.short_of(wanted, await _levels(session, cart_id, wanted, company_id=company_id, now=now))


async def is_sold_out(
    session: AsyncSession, cart_id: UUID, variant_ids: Collection[UUID], *, company_id: UUID, now: datetime
) -> bool:
    """Whether not one unit of any of these can be had by the cart any more. Looks, and locks nothing."""
    levels = await HoldRepository(session).levels(cart_id, variant_ids, company_id=company_id, now=now)
    short = rules.short_of(dict.fromkeys(variant_ids, 1), levels)
    return len(short) == len(variant_ids)


async def renew(session: AsyncSession, cart_id: UUID, *, company_id: UUID, policy: HoldPolicy, now: datetime) -> None:
    """The shopper is active: move the end of what the cart still holds, up to the limit."""
    for hold in await HoldRepository(session).of_cart(cart_id, company_id=company_id):
        if hold.expires_at > now:
            hold.expires_at = policy.expires_at(now, renewable_until=hold.renewable_until)
    await session.flush()


async def release(session: AsyncSession, cart_id: UUID, *, company_id: UUID, variant_id: UUID, now: datetime) -> None:
    """Give the cart's units of a variant back."""
    await HoldRepository(session).end(
        cart_id, HoldStatus.RELEASED, company_id=company_id, now=now, variant_ids=[variant_id]
    )


async def consume(
    session: AsyncSession, cart_id: UUID, *, company_id: UUID, sold: Mapping[UUID, int], now: datetime
) -> None:
    """The cart became an order: take what was sold off the stock, whatever was left of its holds.

    The merchant has accepted the order, so stock goes below zero where more was sold than was there.
    """
    holds = HoldRepository(session)
    for row in await holds.lock_stock(sold, company_id=company_id):
        if row.policy is not StockPolicy.UNTRACKED:
            row.on_hand -= sold[row.variant_id]
            row.updated_at = now
    await holds.end(cart_id, HoldStatus.CONSUMED, company_id=company_id, now=now)
    await session.flush()


async def _levels(
    session: AsyncSession, cart_id: UUID, wanted: Mapping[UUID, int], *, company_id: UUID, now: datetime
) -> dict[UUID, StockLevel]:
    holds = HoldRepository(session)
    rows = await holds.lock_stock(wanted, company_id=company_id)
    taken = await holds.held_by_others(cart_id, wanted, company_id=company_id, now=now)
    return {row.variant_id: StockLevel(row.on_hand, row.policy, taken.get(row.variant_id, 0)) for row in rows}


def _placed(
    cart_id: UUID, variant_id: UUID, quantity: int, *, company_id: UUID, policy: HoldPolicy, now: datetime
) -> InventoryHold:
    renewable_until = policy.renewable_until(now)
    return InventoryHold(
        company_id=company_id,
        cart_id=cart_id,
        variant_id=variant_id,
        quantity=quantity,
        status=HoldStatus.ACTIVE,
        placed_at=now,
        expires_at=policy.expires_at(now, renewable_until=renewable_until),
        renewable_until=renewable_until,
    )
