"""The whole application on a real port with the demo shop in it, and a credential of each kind of caller."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from uuid import UUID

import httpx
from fastapi import FastAPI

from api.edge import Rates
from app.demo.seed import COMPANY_ID, seed
from app.parts import assemble
from app.server import create_server
from app.settings import Settings
from policy.tokens import cart_token
from tests.live import serving

# So that what is behind the limits is reached.
UNLIMITED = Rates(carts=10**9, sessions=10**9, tokens=10**9)


@dataclass(frozen=True)
class Target:
    base_url: str
    cart_id: UUID
    session_id: UUID
    credentials: dict[str, str]

    def headers(self, caller: str) -> dict[str, str]:
        credential = self.credentials.get(caller)
        return {} if credential is None else {"Authorization": f"Bearer {credential}"}


@contextmanager
def serving_target(database_url: str) -> Iterator[Target]:
    """The target in a process of its own: hypothesis would take its uses of `random` for a strategy's."""
    spawning = get_context("spawn")
    ours, theirs = spawning.Pipe()
    child = spawning.Process(target=_serve, args=(database_url, theirs))
    child.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.close()
        child.join(30)


def _serve(database_url: str, asking: Connection) -> None:
    """In the child, until the other end is closed."""
    with _serving_target(database_url) as target, suppress(EOFError):
        asking.send(target)
        asking.recv()


@contextmanager
def _serving_target(database_url: str) -> Iterator[Target]:
    made: list[tuple[UUID, dict[str, str]]] = []

    async def make_app(base_url: str) -> FastAPI:
        parts = assemble(Settings.model_validate({"signing_key": "f" * 40, "public_url": base_url}), database_url)
        shop = await seed(parts.engine, parts.signer)
        token = cart_token(parts.signer, company_id=COMPANY_ID, cart_id=shop.cart_id)
        callers = {"merchant": shop.keys.secret, "widget": shop.keys.publishable, "shopper": token}
        made.append((shop.cart_id, callers))
        return create_server(parts, rates=UNLIMITED)

    with serving(make_app) as base_url:
        ((cart_id, callers),) = made
        opened = httpx.post(
            f"{base_url}/api/momentum/cs/sessions",
            headers={"authorization": f"Bearer {callers['shopper']}"},
            json={"channel": "CHECKOUT_CHAT"},
            timeout=60,
        )
        yield Target(base_url, cart_id, UUID(opened.json()["id"]), callers)
