"""Who may come in: the caller behind the credential, the scope of a secret key, and the page that a browser is on.

A route of `OpenToPages` may be called by browsers, from the origins that the company allows and from our own pages. No
other route answers to another origin: a secret key belongs on a server.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from api.edge import PREFIX, Edge
from api.principals import Merchant, Principal, by_key, credential_of, shopper_of
from api.repository import OriginRepository
from db.session import transaction
from policy.errors import Forbidden

ALL_SCOPES = "*"


class OpenToPages(APIRoute):
    """A route that a shop's pages call, with a publishable key or a cart token."""


class ForeignOrigin(Forbidden):
    code = "foreign_origin"
    title = "This page may not call the shop"


@asynccontextmanager
async def admitted(request: Request, *, edge: Edge) -> AsyncIterator[tuple[AsyncSession, Principal]]:
    """A transaction in the caller's company, committed at the end. A token names its company; a key's is looked up.

    Raises:
        Unauthenticated: no valid key or token.
        Forbidden: the key lacks the route's scope, or the page is none of the shop's.
    """
    credential = credential_of(request.headers.get("authorization"))
    shopper = shopper_of(credential, signer=edge.signer)
    async with transaction(edge.engine, company_id=None if shopper is None else shopper.company_id) as session:
        principal = shopper or await by_key(session, credential)
        if isinstance(principal, Merchant):
            _check_scope(principal, scope_of(request.url.path, request.method))
        else:
            await _check_origin(request, session, principal, edge)
        yield session, principal


def scope_of(path: str, method: str) -> str:
    """What a secret key needs for a request: the section that it is in, and whether it reads or writes. So
    `POST /api/momentum/cart-save/{id}/progress` needs `cart-save:write`, and a new route has its scope by itself."""
    section = path.removeprefix(PREFIX).strip("/").split("/")[0]
    return f"{section}:{'read' if method in ('GET', 'HEAD') else 'write'}"


def _check_scope(merchant: Merchant, needed: str) -> None:
    if not merchant.scopes & {ALL_SCOPES, needed}:
        raise Forbidden(f"This key needs the scope {needed}.")


async def _check_origin(request: Request, session: AsyncSession, principal: Principal, edge: Edge) -> None:
    origin = request.headers.get("origin")
    if origin is None or origin == edge.public_url or urlsplit(origin).netloc == request.headers.get("host"):
        return
    if origin not in await OriginRepository(session).allowed(company_id=principal.company_id):
        raise ForeignOrigin("Add the page's origin to the shop's allowed origins (momentum company origins).")
    # The browser may show the answer to the page (api.cors), an error like any other.
    request.state.allowed_origin = origin
