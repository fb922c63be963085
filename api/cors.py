"""Cross-origin answers to browsers (Fetch standard, "CORS protocol"), for routes of `OpenToPages` alone.

The company decides in `api.admission`; here its decision is told to the browser. Credentials are headers that the
page sets itself, so cookies are never asked for.
"""

from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.admission import OpenToPages
from api.repository import OriginRepository
from db.session import transaction

_HEADERS = "authorization, content-type, idempotency-key, last-event-id"
_EXPOSED = "retry-after, idempotent-replay"


class Cors:
    def __init__(self, app: ASGIApp, *, owner: FastAPI) -> None:
        self.app = app
        self.owner = owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if (origin := headers.get("origin")) is None:
            await self.app(scope, receive, send)
            return
        wanted = headers.get("access-control-request-method")
        if scope["method"] == "OPTIONS" and wanted is not None:
            if self._is_open(scope["path"], wanted) and await self._is_known(origin):
                await _preflight(origin, wanted)(scope, receive, send)
                return
            await self.app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                refused = message["status"] == HTTPStatus.UNAUTHORIZED and self._is_open(scope["path"], scope["method"])
                # A token that ran out names nobody to ask, and a page must see the 401 to renew it.
                if scope["state"].get("allowed_origin") == origin or refused:
                    told = MutableHeaders(scope=message)
                    told["access-control-allow-origin"] = origin
                    told["access-control-expose-headers"] = _EXPOSED
                MutableHeaders(scope=message).add_vary_header("origin")
            await send(message)

        scope.setdefault("state", {})
        await self.app(scope, receive, answer)

    def _is_open(self, path: str, method: str) -> bool:
        return any(
            isinstance(route.original_route, OpenToPages)
            and method in (route.methods or ())
            and route.path_regex.match(path) is not None
            for route in iter_route_contexts(self.owner.routes)
        )

    async def _is_known(self, origin: str) -> bool:
        if urlsplit(origin).scheme not in ("http", "https"):
            return False
        async with transaction(self.owner.state.edge.engine, company_id=None) as session:
            return await OriginRepository(session).is_known(origin)


def _preflight(origin: str, method: str) -> Response:
    return Response(
        status_code=204,
        headers={
            "access-control-allow-origin": origin,
            "access-control-allow-methods": method,
            "access-control-allow-headers": _HEADERS,
            "access-control-max-age": "600",
            "vary": "origin",
        },
    )
