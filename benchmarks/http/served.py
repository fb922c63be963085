"""A server of the benchmark as a process: `python -m benchmarks.http.served ours|plain DATABASE [COMPANY VARIANT…]`.

It prints its port. Ours is the API as it is, with one route more: what `rank_upsells` finds for a cart, as it will be
answered to a page.
"""

import socket
import sys
from uuid import UUID

import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI

from api.dependencies import Now, OwnCart, SessionDep
from api.route import TransactionRoute
from app.memory import keep_loaded
from app.parts import assemble
from app.server import create_server
from app.settings import Settings
from benchmarks.http.plain import create_plain
from storefront.carts import service as carts
from storefront.upsells import service as upsells
from storefront.upsells.rules import Candidate

router = APIRouter(route_class=TransactionRoute)


@router.get("/carts/{cart_id}/upsells")
async def ranked(cart_id: UUID, shopper: OwnCart, session: SessionDep, now: Now) -> list[Candidate]:
    cart = await carts.read(session, cart_id, company_id=shopper.company_id, now=now)
    return await upsells.rank_upsells(session, cart, now=now)


def _app(name: str, database_url: str, arguments: list[str]) -> FastAPI:
    if name == "ours":
        return create_server(assemble(Settings(), database_url), more=[router])
    company_id, *variants = map(UUID, arguments)
    return create_plain(database_url, company_id, variants)


async def _serve(name: str, database_url: str, *arguments: str) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(_app(name, database_url, list(arguments)), log_config=None, access_log=False)
    keep_loaded()
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    uvloop.run(_serve(*sys.argv[1:]))
