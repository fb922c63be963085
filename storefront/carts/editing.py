"""What the changes of a cart have in common: lock it, find what is for sale, hold it, note the activity."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import Cart, CartLine, CartStatus
from storefront.carts import rules
from storefront.carts.repository import CartRepository, Sellable
from storefront.carts.rules import CartPolicy, IdleFacts
from storefront.customers import service as customers
from storefront.holds import service as holds


async def locked(session: AsyncSession, cart_id: UUID, *, company_id: UUID) -> Cart:
    cart = await CartRepository(session).get_for_update(cart_id, company_id=company_id)
    if cart is None:
        raise rules.NoSuchCart
    return cart


async def editable(session: AsyncSession, cart_id: UUID, *, company_id: UUID) -> Cart:
    """The locked cart, if it is not an order yet."""
    cart = await locked(session, cart_id, company_id=company_id)
    if cart.status is CartStatus.CONVERTED:
        raise rules.AlreadyOrdered
    return cart


async def for_sale(
    session: AsyncSession, quantities: Mapping[str, int], *, company_id: UUID, currency: str
) -> list[tuple[Sellable, int, int]]:
    """What is asked for by sku, as (variant, quantity, unit price in minor units), in the order asked."""
    found = await CartRepository(session).sellables(quantities.keys(), company_id=company_id, currency=currency)
    by_sku = {sellable.sku: sellable for sellable in found}
    wanted = []
    for sku, quantity in quantities.items():
        rules.check_quantity(quantity)
        sellable = by_sku.get(sku)
        if sellable is None:
            raise rules.NoSuchProduct(f"The shop has no product with the sku {sku!r}.")
        if not sellable.for_sale:
            raise rules.NotForSale(f"{sku} is not sold at the moment.")
        if sellable.price_minor is None:
            raise rules.NotForSale(f"{sku} has no price in {currency}.")
        wanted.append((sellable, quantity, sellable.price_minor))
    return wanted


async def put(
    session: AsyncSession,
    cart: Cart,
    quantities: Mapping[str, int],
    *,
    lines: Mapping[str, CartLine],
    policy: CartPolicy,
    now: datetime,
) -> None:
    """Hold the units, then set lines to quantities at today's price. `lines` are those that the cart has, by sku."""
    wanted = await for_sale(session, quantities, company_id=cart.company_id, currency=cart.currency)
    names = {each.variant_id: rules.line_name(each.title, each.variant_title) for each, _, _ in wanted}
    by_variant = {each.variant_id: quantity for each, quantity, _ in wanted}
    await hold(session, cart, by_variant, names=names, policy=policy, now=now)
    repository = CartRepository(session)
    for sellable, quantity, price_minor in wanted:
        line = lines.get(sellable.sku)
        if line is None:
            repository.add_line(_line(cart, sellable, quantity, price_minor, now=now))
            continue
        line.discount_minor = min(
            rules.rescaled(line.discount_minor, was=line.quantity, now=quantity), price_minor * quantity
        )
        line.quantity, line.unit_price_minor = quantity, price_minor
    await session.flush()


async def hold(
    session: AsyncSession,
    cart: Cart,
    wanted: Mapping[UUID, int],
    *,
    names: Mapping[UUID, str],
    policy: CartPolicy,
    now: datetime,
) -> None:
    """Reserve the units, or only look where the shop reserves at checkout. Too few left is refused."""
    if policy.holds.at_checkout and not rules.started_since(cart.checkout_started_at, cart.abandoned_at):
        short = await holds.check(session, cart.id, company_id=cart.company_id, wanted=wanted, now=now)
    else:
        short = await holds.reserve(
            session, cart.id, company_id=cart.company_id, wanted=wanted, policy=policy.holds, now=now
        )
    for variant_id, left in short.items():
        name = names[variant_id]
        raise rules.OutOfStock(f"{name}: only {left} left." if left else f"{name} is out of stock.")


async def touch(session: AsyncSession, cart: Cart, *, policy: CartPolicy, now: datetime) -> None:
    """The shopper is here: the cart is open (again), what it holds is renewed, and the idle time starts anew."""
    cart.status = CartStatus.ACTIVE
    cart.last_activity_at = now
    await reschedule(session, cart, policy=policy, ordered=False)
    await holds.renew(session, cart.id, company_id=cart.company_id, policy=policy.holds, now=now)


async def reschedule(session: AsyncSession, cart: Cart, *, policy: CartPolicy, ordered: bool) -> None:
    """Work out anew when the cart, left alone, is abandoned."""
    lines = await CartRepository(session).line_rows(cart.id, company_id=cart.company_id)
    reachable = cart.customer_id is not None and await customers.is_reachable(
        session, cart.customer_id, company_id=cart.company_id
    )
    facts = IdleFacts(
        last_activity_at=cart.last_activity_at,
        checkout_started_at=cart.checkout_started_at,
        abandoned_at=cart.abandoned_at,
        item_count=sum(line.quantity for line in lines),
        reachable=reachable,
        ordered=ordered,
    )
    cart.idle_due_at, cart.released_at = rules.idle_due_at(facts, policy.idle), None
    await session.flush()


def _line(cart: Cart, sellable: Sellable, quantity: int, price_minor: int, *, now: datetime) -> CartLine:
    return CartLine(
        company_id=cart.company_id,
        cart_id=cart.id,
        variant_id=sellable.variant_id,
        sku=sellable.sku,
        name=rules.line_name(sellable.title, sellable.variant_title),
        quantity=quantity,
        unit_price_minor=price_minor,
        discount_minor=0,
        taxable=sellable.taxable,
        created_at=now,
    )
