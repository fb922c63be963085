"""Open, fill, lose, restore and sell carts. Each change locks its cart first (cart, attempt, grant, message)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.tables.carts import Cart, CartLine, CartStatus, Order, PaymentState
from policy import money
from policy.tokens import Signer
from storefront.carts import editing, rules
from storefront.carts.pricing import view_of
from storefront.carts.repository import CartRepository
from storefront.carts.rules import DEFAULT, CartPolicy
from storefront.carts.schemas import CartView, OrderView
from storefront.customers import service as customers
from storefront.customers.schemas import CustomerDetails, Evidence
from storefront.holds import service as holds
from storefront.shops import service as shops


async def read(session: AsyncSession, cart_id: UUID, *, company_id: UUID, now: datetime) -> CartView:
    """The cart as it stands, totals derived from its lines and the live grant."""
    carts = CartRepository(session)
    head = await carts.head(cart_id, company_id=company_id, now=now)
    if head is None:
        raise rules.NoSuchCart
    return view_of(head, await carts.lines(cart_id, company_id=company_id, now=now))


async def read_locked(session: AsyncSession, cart_id: UUID, *, company_id: UUID, now: datetime) -> CartView:
    """As `read`, with the cart locked until the transaction ends."""
    await editing.locked(session, cart_id, company_id=company_id)
    return await read(session, cart_id, company_id=company_id, now=now)


async def open_cart(
    session: AsyncSession,
    *,
    company_id: UUID,
    currency: str,
    items: Sequence[tuple[str, int]],
    customer: CustomerDetails | None,
    evidence: Evidence,
    signer: Signer,
    now: datetime,
    policy: CartPolicy = DEFAULT,
) -> CartView:
    """A new cart with `items` of (sku, quantity), for somebody or nobody.

    Raises:
        UnknownCurrency, NotForSale: the currency is none, or nothing has a price in it.
        NoSuchProduct, OutOfStock, InvalidQuantity, TooManyItems: of the items.
        InvalidCustomer, ConsentNotTakenHere: of the customer.
    """
    money.exponent(currency)
    carts = CartRepository(session)
    if not items and not await carts.sells_in(currency, company_id=company_id):
        raise rules.NotForSale(f"The shop has no prices in {currency}.")
    quantities = rules.merged(items)
    cart = Cart(
        company_id=company_id,
        id=uuid7(),
        status=CartStatus.ACTIVE,
        currency=currency,
        # Delivery and tax are shown from the first look; until we know better the shopper is where the shop is.
        country=(await shops.home(session, company_id=company_id)).country,
        last_activity_at=now,
        abandonment=0,
        created_at=now,
    )
    carts.add(cart)
    await session.flush()
    if customer is not None:
        await _identify(session, cart, customer, evidence=evidence, signer=signer, now=now)
    await editing.put(session, cart, quantities, lines={}, policy=policy, now=now)
    await editing.touch(session, cart, policy=policy, now=now)
    return await read(session, cart.id, company_id=company_id, now=now)


async def add_item(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    sku: str,
    quantity: int,
    now: datetime,
    policy: CartPolicy = DEFAULT,
) -> CartView:
    """Put `quantity` more of a product into the cart."""
    rules.check_quantity(quantity)
    cart = await editing.editable(session, cart_id, company_id=company_id)
    lines = {line.sku: line for line in await CartRepository(session).line_rows(cart_id, company_id=company_id)}
    if sku not in lines and len(lines) >= rules.MAX_LINES:
        raise rules.TooManyItems
    there = lines[sku].quantity if sku in lines else 0
    await editing.put(session, cart, {sku: there + quantity}, lines=lines, policy=policy, now=now)
    await editing.touch(session, cart, policy=policy, now=now)
    return await read(session, cart_id, company_id=company_id, now=now)


async def change_quantity(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    item_id: UUID,
    quantity: int,
    now: datetime,
    policy: CartPolicy = DEFAULT,
) -> CartView:
    """Set the quantity of an item, at the price of today."""
    rules.check_quantity(quantity)
    cart = await editing.editable(session, cart_id, company_id=company_id)
    line = await _line(session, cart_id, item_id, company_id=company_id)
    await editing.put(session, cart, {line.sku: quantity}, lines={line.sku: line}, policy=policy, now=now)
    await editing.touch(session, cart, policy=policy, now=now)
    return await read(session, cart_id, company_id=company_id, now=now)


async def remove_item(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    item_id: UUID,
    now: datetime,
    policy: CartPolicy = DEFAULT,
) -> CartView:
    """Take an item out and give its units back; adding it again undoes that."""
    cart = await editing.editable(session, cart_id, company_id=company_id)
    line = await _line(session, cart_id, item_id, company_id=company_id)
    await CartRepository(session).remove_line(item_id, company_id=company_id)
    await holds.release(session, cart_id, company_id=company_id, variant_id=line.variant_id, now=now)
    await editing.touch(session, cart, policy=policy, now=now)
    return await read(session, cart_id, company_id=company_id, now=now)


async def start_checkout(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    customer: CustomerDetails | None,
    evidence: Evidence,
    signer: Signer,
    now: datetime,
    policy: CartPolicy = DEFAULT,
) -> CartView:
    """The shopper goes to the checkout, and may say who they are. Everything in the cart is held again.

    Raises:
        EmptyCart, AlreadyOrdered: there is nothing to check out.
        OutOfStock: an item that was no longer held is gone.
    """
    cart = await editing.editable(session, cart_id, company_id=company_id)
    lines = await CartRepository(session).line_rows(cart_id, company_id=company_id)
    if not lines:
        raise rules.EmptyCart
    if customer is not None:
        await _identify(session, cart, customer, evidence=evidence, signer=signer, now=now)
    if not rules.started_since(cart.checkout_started_at, cart.abandoned_at):
        cart.checkout_started_at = now
    wanted = {line.variant_id: line.quantity for line in lines}
    names = {line.variant_id: line.name for line in lines}
    await editing.hold(session, cart, wanted, names=names, policy=policy, now=now)
    await editing.touch(session, cart, policy=policy, now=now)
    return await read(session, cart_id, company_id=company_id, now=now)


async def restore(
    session: AsyncSession, cart_id: UUID, *, company_id: UUID, now: datetime, policy: CartPolicy = DEFAULT
) -> CartView:
    """Reopen a lost cart with its items; what is still in stock is held again. Idle again, it is lost again.

    Raises:
        AlreadyOrdered: there is nothing left to restore.
    """
    cart = await editing.editable(session, cart_id, company_id=company_id)
    lines = await CartRepository(session).line_rows(cart_id, company_id=company_id)
    if not policy.holds.at_checkout:
        wanted = {line.variant_id: line.quantity for line in lines}
        await holds.reserve(
            session, cart_id, company_id=company_id, wanted=wanted, policy=policy.holds, now=now, partly=True
        )
    await editing.touch(session, cart, policy=policy, now=now)
    return await read(session, cart_id, company_id=company_id, now=now)


async def mark_abandoned(
    session: AsyncSession, cart_id: UUID, *, company_id: UUID, now: datetime, policy: CartPolicy = DEFAULT
) -> bool:
    """Whether this cart has been abandoned just now, checked under its lock (rules 2.4).

    It was abandoned when its idle time ended, not when somebody looked.
    """
    cart = await editing.locked(session, cart_id, company_id=company_id)
    if cart.status is not CartStatus.ACTIVE:
        cart.released_at = None
        await session.flush()
        return False
    order = await CartRepository(session).order_of(cart_id, company_id=company_id)
    await editing.reschedule(session, cart, policy=policy, ordered=order is not None)
    if cart.idle_due_at is None or cart.idle_due_at > now:
        return False
    cart.status, cart.abandoned_at, cart.idle_due_at = CartStatus.ABANDONED, cart.idle_due_at, None
    cart.abandonment += 1
    await session.flush()
    return True


async def convert(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    order_id: str,
    payment_state: PaymentState,
    now: datetime,
    credited_message_id: UUID | None = None,
) -> OrderView:
    """The merchant's order for this cart, at the totals of this moment: call it before the grant is redeemed.

    Repeated with the same number it answers the same and keeps the newer state of the payment.

    Raises:
        OtherOrder: the cart has another order, or the order another cart.
        EmptyCart: there is nothing to be ordered.
    """
    cart = await editing.locked(session, cart_id, company_id=company_id)
    carts = CartRepository(session)
    order = await carts.order_of(cart_id, company_id=company_id)
    if order is not None:
        if order.external_id != order_id:
            raise rules.OtherOrder("This cart has become another order already.")
        order.payment_state = payment_state
        await session.flush()
        return _order(order, cart_id, repeated=True)
    view = await read(session, cart_id, company_id=company_id, now=now)
    if not view.lines:
        raise rules.EmptyCart
    order = await carts.add_order(
        view,
        company_id=company_id,
        external_id=order_id,
        payment_state=payment_state,
        credited_message_id=credited_message_id,
        placed_at=now,
    )
    if order is None:
        raise rules.OtherOrder("This order number belongs to another cart.")
    sold = {line.variant_id: line.quantity for line in view.lines}
    await holds.consume(session, cart_id, company_id=company_id, sold=sold, now=now)
    cart.status, cart.converted_at, cart.idle_due_at, cart.released_at = CartStatus.CONVERTED, now, None, None
    await session.flush()
    return _order(order, cart_id, repeated=False)


async def _identify(
    session: AsyncSession,
    cart: Cart,
    customer: CustomerDetails,
    *,
    evidence: Evidence,
    signer: Signer,
    now: datetime,
) -> None:
    cart.customer_id = await customers.identify(
        session, customer, company_id=cart.company_id, evidence=evidence, signer=signer, now=now
    )
    # What was typed, never what is known of the person: a price must not tell where somebody lives.
    cart.country = customer.country or cart.country


async def _line(session: AsyncSession, cart_id: UUID, item_id: UUID, *, company_id: UUID) -> CartLine:
    for line in await CartRepository(session).line_rows(cart_id, company_id=company_id):
        if line.id == item_id:
            return line
    raise rules.NoSuchItem


def _order(order: Order, cart_id: UUID, *, repeated: bool) -> OrderView:
    return OrderView(
        id=order.id,
        cart_id=cart_id,
        external_id=order.external_id,
        payment_state=order.payment_state,
        currency=order.currency,
        total_minor=order.total_minor,
        grant_id=order.grant_id,
        placed_at=order.placed_at,
        repeated=repeated,
    )
