"""The whole application on a real port with the demo shop in it, a credential of each kind of caller, and shoppers who
left something behind."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import httpx
from fastapi import FastAPI

from api.edge import Rates
from app.companies import Keys
from app.demo.seed import seed
from app.parts import assemble
from app.server import create_server
from app.settings import Settings
from tests.app.living import IDLE, World
from tests.live import serving

# So that what is behind the limits is reached.
UNLIMITED = Rates(carts=10**9, sessions=10**9, tokens=10**9)
# It never runs out: other shoppers and the examples may buy as much as they like.
SKU = "WF-GC-25"


@dataclass(frozen=True)
class Visit:
    """What a shopper left behind: an abandoned cart with its token and, by the names that parameters have, the ids of
    it and what belongs to it."""

    token: str
    ids: dict[str, str]


class Target:
    def __init__(self, base_url: str, keys: Keys, wait: Callable[[], None]) -> None:
        """`wait` lets the shop live until carts that were just opened are abandoned."""
        self.base_url = base_url
        self._keys = keys
        self._wait = wait
        self._shoppers = count(1)

    def headers(self, caller: str, visit: Visit) -> dict[str, str]:
        known = {"merchant": self._keys.secret, "widget": self._keys.publishable, "shopper": visit.token}
        return _bearer(known[caller]) if caller in known else {}

    def visits(self, number: int) -> list[Visit]:
        """New ones, made over HTTP as a shop makes them."""
        with httpx.Client(base_url=f"{self.base_url}/api/momentum", timeout=60) as client:
            # Whatever config a run has left in force, the flow is on again.
            _asked(client, "PUT", "/cart-save/config", self._keys.secret, json={})
            begun = [self._begin(client) for _ in range(number)]
            self._wait()
            return [self._left(client, visit) for visit in begun]

    def _begin(self, client: httpx.Client) -> Visit:
        who = {"email": f"shopper{next(self._shoppers)}@example.com", "phone": "+15035550111"}
        cart = {"currency": "USD", "items": [{"sku": SKU, "quantity": 1}], "customer": who}
        opened = _asked(client, "POST", "/carts", self._keys.publishable, json=cart)
        chat = _asked(client, "POST", "/cs/sessions", opened["cartToken"], json={"channel": "CHECKOUT_CHAT"})
        ids = {"cart_id": opened["id"], "item_id": opened["items"][0]["id"], "session_id": chat["id"]}
        return Visit(opened["cartToken"], ids)

    def _left(self, client: httpx.Client, visit: Visit) -> Visit:
        of_cart = {"cartId": visit.ids["cart_id"]}
        (attempt,) = _asked(client, "GET", "/cart-save", self._keys.secret, params=of_cart)["items"]
        (chat,) = _asked(client, "GET", "/conversations", self._keys.secret, params=of_cart)["items"]
        return Visit(visit.token, visit.ids | {"attempt_id": attempt["id"], "conversation_id": chat["id"]})


def _bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def _asked(client: httpx.Client, method: str, path: str, credential: str, **more: Any) -> Any:
    answer = client.request(method, path, headers=_bearer(credential), **more)
    assert answer.is_success, answer.text
    return answer.json()


@contextmanager
def serving_target(database_url: str) -> Iterator[Target]:
    """The target in a process of its own: hypothesis would take its uses of `random` for a strategy's."""
    spawning = get_context("spawn")
    ours, theirs = spawning.Pipe()
    child = spawning.Process(target=_serve, args=(database_url, theirs))
    child.start()
    theirs.close()

    def wait() -> None:
        ours.send("wait")
        ours.recv()

    try:
        base_url, keys = ours.recv()
        yield Target(base_url, keys, wait)
    finally:
        ours.close()
        child.join(30)


def _serve(database_url: str, asking: Connection) -> None:
    """In the child, until the other end is closed."""
    made: list[tuple[asyncio.AbstractEventLoop, World, Keys]] = []

    async def make_app(base_url: str) -> FastAPI:
        parts = assemble(Settings.model_validate({"signing_key": "f" * 40, "public_url": base_url}), database_url)
        shop = await seed(parts.engine, parts.signer)
        world = World(parts.engine, parts, httpx.AsyncClient())
        made.append((asyncio.get_running_loop(), world, shop.keys))
        return create_server(parts, rates=UNLIMITED)

    with serving(make_app) as base_url, suppress(EOFError):
        ((loop, world, keys),) = made
        asking.send((base_url, keys))
        while asking.recv():
            asyncio.run_coroutine_threadsafe(_abandon(world), loop).result()
            asking.send("waited")


async def _abandon(world: World) -> None:
    await world.live_until(await world.now() + IDLE)
