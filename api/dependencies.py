"""What endpoints ask for. Everything here was put on the request by `TransactionRoute`.

All are coroutines: FastAPI runs a plain function in a thread, which costs more than the function (tests/house).
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.edge import Edge, edge_of
from api.principals import Merchant, Principal, Shopper, Widget
from api.route import bearer
from policy.errors import Forbidden, NotFound


async def session_of(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


async def now_of(request: Request) -> datetime:
    now: datetime = request.state.now
    return now


async def principal_of(request: Request, _: Annotated[object, Depends(bearer)]) -> Principal:
    principal: Principal = request.state.principal
    return principal


async def edge_asked(request: Request) -> Edge:
    return edge_of(request)


SessionDep = Annotated[AsyncSession, Depends(session_of)]
# The shop's time, read once for the request.
Now = Annotated[datetime, Depends(now_of)]
EdgeDep = Annotated[Edge, Depends(edge_asked)]
PrincipalDep = Annotated[Principal, Depends(principal_of)]
# Read by TransactionRoute; declared here so that it stands in the OpenAPI document.
Repeatable = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="A repeat with the same key gets the first answer and does nothing."),
]


async def merchant(principal: PrincipalDep) -> Merchant:
    """The merchant's server with its secret key."""
    if not isinstance(principal, Merchant):
        raise Forbidden("This needs a secret key (sk_…).")
    return principal


async def widget(principal: PrincipalDep) -> Widget | Merchant:
    """The widget with its publishable key; a secret key may do what it may."""
    if isinstance(principal, Shopper):
        raise Forbidden("This needs a publishable key (pk_…).")
    return principal


async def shopper(principal: PrincipalDep) -> Shopper:
    """One shopper, with the token of one cart."""
    if not isinstance(principal, Shopper):
        raise Forbidden("This needs a cart token.")
    return principal


async def own_cart(cart_id: UUID, principal: Annotated[Shopper, Depends(shopper)]) -> Shopper:
    """The shopper whose cart the path names. Another cart does not exist for this token."""
    if principal.cart_id != cart_id:
        raise NotFound("There is no such cart.")
    return principal


MerchantDep = Annotated[Merchant, Depends(merchant)]
WidgetDep = Annotated[Widget | Merchant, Depends(widget)]
ShopperDep = Annotated[Shopper, Depends(shopper)]
OwnCart = Annotated[Shopper, Depends(own_cart)]
