"""The edge of a request: one transaction, the caller, the shop's time, and repeats answered once.

The transaction is committed before the answer goes out. An error rolls everything back, the key of a
repeatable request included, so it can be tried again.
"""

import hashlib
import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from api.admission import OpenToPages, admitted
from api.edge import edge_of
from api.principals import Principal
from api.repository import IdempotencyRepository
from db.clock import read_clock
from policy.errors import AppError, Conflict

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

# A credential is shown once, to who asked first; a repeat must not hand it to somebody who guessed a key.
NEVER_REPLAYED = ("cartToken",)


class BadIdempotencyKey(AppError):
    code = "bad_idempotency_key"
    title = "This Idempotency-Key cannot be used"


class TransactionRoute(APIRoute):
    """Runs its endpoint inside the caller's transaction (`SessionDep`, `PrincipalDep`, `Now`)."""

    def get_route_handler(self) -> Handler:
        endpoint = super().get_route_handler()

        async def handle(request: Request) -> Response:
            edge = edge_of(request)
            async with admitted(request, edge=edge) as (session, principal):
                request.state.session, request.state.principal = session, principal
                request.state.now = await read_clock(session)
                key = request.headers.get("idempotency-key")
                if key is None or request.method == "GET":
                    return await endpoint(request)
                return await _once(request, principal, key, endpoint)

        return handle


class PageRoute(TransactionRoute, OpenToPages):
    """A transaction of the caller's, for a shop's pages too."""


def usable(key: str) -> str:
    """The Idempotency-Key, or `BadIdempotencyKey`."""
    if not 1 <= len(key) <= 200 or not key.isascii() or not key.isprintable():
        raise BadIdempotencyKey("Use 1 to 200 printable ASCII characters.")
    return key


async def _once(request: Request, principal: Principal, key: str, endpoint: Handler) -> Response:
    kept = IdempotencyRepository(
        request.state.session,
        company_id=principal.company_id,
        principal=principal.name,
        route=f"{request.method} {request.url.path}",
        key=usable(key),
    )
    request_hash = hashlib.sha256(await request.body()).hexdigest()
    if not await kept.claim(request_hash, now=request.state.now):
        earlier = await kept.get()
        if earlier.request_hash != request_hash:
            raise Conflict("This Idempotency-Key was used with another body. Use a new key for a new request.")
        return JSONResponse(earlier.answer, status_code=earlier.status or 200, headers={"Idempotent-Replay": "true"})
    response = await endpoint(request)
    answer = json.loads(bytes(response.body) or b"null")
    if isinstance(answer, dict):
        answer = {name: value for name, value in answer.items() if name not in NEVER_REPLAYED}
    await kept.answer(response.status_code, answer)
    return response


# Only for the OpenAPI document: the route has authenticated the caller before any dependency runs.
bearer = HTTPBearer(auto_error=False, description="sk_…, pk_… or a cart token")
