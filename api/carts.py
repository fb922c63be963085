"""Carts: opened with a publishable key, then read and changed with the cart's own token."""

from uuid import UUID

from fastapi import APIRouter, Depends, Request

from api.cart_schemas import CartRead, CartToOpen, CheckoutToStart, ItemToAdd, OpenedCart, QuantityToSet
from api.dependencies import EdgeDep, Now, OwnCart, Repeatable, SessionDep, WidgetDep
from api.problems import responses
from api.rates import carts_opened, tokens_renewed
from api.route import PageRoute
from policy.tokens import cart_token
from storefront.carts import service
from storefront.customers.schemas import Evidence

router = APIRouter(prefix="/carts", tags=["Carts"], route_class=PageRoute)


@router.post("", status_code=201, dependencies=[Depends(carts_opened)], responses=responses(403, 404, 409, 429))
async def open_cart(
    body: CartToOpen,
    request: Request,
    caller: WidgetDep,
    session: SessionDep,
    now: Now,
    edge: EdgeDep,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> OpenedCart:
    """Open a cart, with items and the shopper's details if there are any.

    409: something is not for sale, not in this currency or not in stock. Whether the shopper is known already
    cannot be told from the answer.
    """
    cart = await service.open_cart(
        session,
        company_id=caller.company_id,
        currency=body.currency,
        items=[(item.sku, item.quantity) for item in body.items],
        customer=None if body.customer is None else body.customer.details(),
        evidence=_evidence(request),
        signer=edge.signer,
        now=now,
    )
    return OpenedCart.with_token(cart, cart_token(edge.signer, company_id=caller.company_id, cart_id=cart.id))


@router.get("/{cart_id}", responses=responses(403, 404))
async def read_cart(cart_id: UUID, shopper: OwnCart, session: SessionDep, now: Now) -> CartRead:
    """The cart as it stands now."""
    return CartRead.of(await service.read(session, cart_id, company_id=shopper.company_id, now=now))


@router.post("/{cart_id}/items", responses=responses(403, 404, 409))
async def add_item(
    cart_id: UUID,
    body: ItemToAdd,
    shopper: OwnCart,
    session: SessionDep,
    now: Now,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> CartRead:
    """Put more of a product into the cart, and hold it."""
    cart = await service.add_item(
        session, cart_id, company_id=shopper.company_id, sku=body.sku, quantity=body.quantity, now=now
    )
    return CartRead.of(cart)


@router.patch("/{cart_id}/items/{item_id}", responses=responses(403, 404, 409))
async def change_quantity(
    cart_id: UUID,
    item_id: UUID,
    body: QuantityToSet,
    shopper: OwnCart,
    session: SessionDep,
    now: Now,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> CartRead:
    """Set how many of an item there are, at today's price."""
    cart = await service.change_quantity(
        session, cart_id, company_id=shopper.company_id, item_id=item_id, quantity=body.quantity, now=now
    )
    return CartRead.of(cart)


@router.delete("/{cart_id}/items/{item_id}", responses=responses(403, 404, 409))
async def remove_item(
    cart_id: UUID,
    item_id: UUID,
    shopper: OwnCart,
    session: SessionDep,
    now: Now,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> CartRead:
    """Take an item out of the cart at once. To undo it, add it again."""
    cart = await service.remove_item(session, cart_id, company_id=shopper.company_id, item_id=item_id, now=now)
    return CartRead.of(cart)


@router.post("/{cart_id}/checkout", responses=responses(403, 404, 409))
async def start_checkout(
    cart_id: UUID,
    body: CheckoutToStart,
    request: Request,
    shopper: OwnCart,
    session: SessionDep,
    now: Now,
    edge: EdgeDep,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> CartRead:
    """The shopper goes to the checkout and may say who they are; everything in the cart is held again."""
    cart = await service.start_checkout(
        session,
        cart_id,
        company_id=shopper.company_id,
        customer=None if body.customer is None else body.customer.details(),
        evidence=_evidence(request),
        signer=edge.signer,
        now=now,
    )
    return CartRead.of(cart)


@router.post("/{cart_id}/token", dependencies=[Depends(tokens_renewed)], responses=responses(403, 404, 429))
async def refresh_token(
    cart_id: UUID,
    shopper: OwnCart,
    session: SessionDep,
    now: Now,
    edge: EdgeDep,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> OpenedCart:
    """A new token for the bearer of a valid one, good for another 30 minutes. A repeat gets the cart without one."""
    cart = await service.read(session, cart_id, company_id=shopper.company_id, now=now)
    return OpenedCart.with_token(cart, cart_token(edge.signer, company_id=shopper.company_id, cart_id=cart_id))


def _evidence(request: Request) -> Evidence:
    """Where this was said from. The address is the peer's: behind a proxy the server is told to trust it."""
    agent = request.headers.get("user-agent")
    return Evidence(
        ip=None if request.client is None else request.client.host,
        user_agent=None if agent is None else agent[:400],
    )
