"""Who may call which route: one line for each, and who must not get in.

A route that is not here fails `test_every_route_is_named`. Name it under the caller that it is for.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import db.tables  # noqa: F401  (fills the metadata)
from app.demo.runtime import Runtime
from app.demo.server import create_demo_server
from app.phone import open_phone
from app.server import create_server
from app.settings import Settings
from db.base import Base
from tests.app.living import World

API = "/api/momentum"


class For(StrEnum):
    # A secret key of the company, with the section's scope.
    MERCHANT = "MERCHANT"
    # A publishable key, or a secret key with the scope.
    WIDGET = "WIDGET"
    # The token of one cart.
    SHOPPER = "SHOPPER"
    # A signed token in the address.
    LINK = "LINK"
    # Anybody: it holds nothing of anybody.
    ANYBODY = "ANYBODY"
    # The demo's own pages, on this machine.
    DEMO = "DEMO"
    # The carrier, which signs what it sends: `test_phone_walls.py`.
    SIGNED = "SIGNED"
    # A room with a sign-in of its own, walked by tests of its own.
    ROOM = "ROOM"


@dataclass(frozen=True)
class Door:
    caller: For
    json: Any = None
    data: dict[str, str] | None = None
    # What the right caller gets.
    status: int = 200


ITEM = {"sku": "MUG", "quantity": 1}
CART = {"currency": "USD", "items": [ITEM]}
SESSION = {"channel": "CHECKOUT_CHAT", "context": {"cartId": "{cart_id}"}}
ANSWERED = {"response": {"type": "ANSWERED", "reason": "TOO_EXPENSIVE"}}

# In an order in which the right callers can go through one after the other.
DOORS: dict[str, Door] = {
    f"GET {API}/openapi.json": Door(For.ANYBODY),
    "GET /healthz": Door(For.ANYBODY),
    "GET /static/inventory.json": Door(For.ANYBODY),
    "GET /static/{name:path}": Door(For.ANYBODY),
    "GET /": Door(For.ANYBODY, status=307),
    "GET /shop": Door(For.ANYBODY),
    "GET /shop/products/{handle}": Door(For.ANYBODY),
    "GET /shop/checkout": Door(For.ANYBODY),
    "GET /shop/thank-you": Door(For.ANYBODY),
    "GET /shop/art/{name}.svg": Door(For.ANYBODY),
    "GET /outbox": Door(For.DEMO),
    "GET /console": Door(For.ROOM),
    "GET /console/": Door(For.ROOM),
    "MOUNT /console": Door(For.ROOM),
    "GET /console/sign-in": Door(For.ROOM),
    "POST /console/sign-in": Door(For.ROOM),
    "POST /console/sign-out": Door(For.ROOM),
    "GET /demo/state.json": Door(For.DEMO),
    "GET /demo/outbox.json": Door(For.DEMO),
    "POST /demo/clock.json": Door(For.DEMO, json={"advanceMinutes": 1}),
    f"POST {API}/demo/clock": Door(For.MERCHANT, json={"advanceMinutes": 1}),
    f"GET {API}/products": Door(For.WIDGET),
    f"POST {API}/carts": Door(For.WIDGET, json=CART, status=201),
    f"GET {API}/cart-save": Door(For.MERCHANT),
    f"GET {API}/cart-save/config": Door(For.MERCHANT),
    f"PUT {API}/cart-save/config": Door(For.MERCHANT, json={}),
    f"GET {API}/cart-save/{{attempt_id}}": Door(For.MERCHANT),
    f"POST {API}/cart-save/initiate": Door(For.MERCHANT, json={"cartId": "{cart_id}"}),
    f"POST {API}/cart-save/{{attempt_id}}/progress": Door(For.MERCHANT, json=ANSWERED),
    f"GET {API}/conversations": Door(For.MERCHANT),
    f"GET {API}/conversations/{{conversation_id}}": Door(For.MERCHANT),
    f"GET {API}/outbox": Door(For.MERCHANT),
    f"GET {API}/voice/eligibility/{{cart_id}}": Door(For.MERCHANT),
    f"POST {API}/voice/twilio/{{company_id}}/{{call_id}}/answer": Door(For.SIGNED),
    f"POST {API}/voice/twilio/{{company_id}}/{{call_id}}/status": Door(For.SIGNED, status=204),
    f"APIWEBSOCKETROUTE {API}/voice/stream": Door(For.SIGNED),
    "GET /r/{token}": Door(For.LINK),
    "POST /r/{token}": Door(For.LINK),
    "GET /s/{token}": Door(For.LINK),
    "POST /s/{token}": Door(For.LINK, data={"reason": "TOO_EXPENSIVE"}),
    "GET /u/{token}": Door(For.LINK),
    "POST /u/{token}": Door(For.LINK, data={"List-Unsubscribe": "One-Click"}),
    f"GET {API}/carts/{{cart_id}}": Door(For.SHOPPER),
    f"POST {API}/carts/{{cart_id}}/items": Door(For.SHOPPER, json=ITEM),
    f"PATCH {API}/carts/{{cart_id}}/items/{{item_id}}": Door(For.SHOPPER, json={"quantity": 2}),
    f"DELETE {API}/carts/{{cart_id}}/items/{{item_id}}": Door(For.SHOPPER),
    f"POST {API}/carts/{{cart_id}}/checkout": Door(For.SHOPPER, json={}),
    f"POST {API}/carts/{{cart_id}}/token": Door(For.SHOPPER),
    f"POST {API}/cs/sessions": Door(For.SHOPPER, json=SESSION, status=201),
    f"GET {API}/cs/sessions/{{session_id}}": Door(For.SHOPPER),
    f"POST {API}/cs/sessions/{{session_id}}/messages": Door(For.SHOPPER, json={"content": "Hello"}),
    "POST /demo/pay": Door(For.SHOPPER, json={"cartId": "{cart_id}"}),
    f"POST {API}/cart-save/{{attempt_id}}/complete": Door(For.MERCHANT, json={"outcome": "CANCELLED"}, status=409),
    f"POST {API}/carts/{{cart_id}}/convert": Door(For.MERCHANT, json={"orderId": "{order_id}", "paymentState": "PAID"}),
}

TABLES = sorted(Base.metadata.tables)


def servers(world: World, runtime: Runtime) -> tuple[FastAPI, FastAPI]:
    """The shop's and the demo's, with a phone where the world has a carrier."""
    phone = open_phone(Settings.model_validate({}), world.parts)
    return create_server(world.parts, phone=phone), create_demo_server(world.parts, runtime, phone)


async def digests(owner: AsyncEngine) -> dict[str, str]:
    """What stands in each table, of all companies."""
    each = "SELECT '{0}' AS name, md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) AS digest FROM {0} t"
    query = " UNION ALL ".join(each.format(table) for table in TABLES if table != "clock")
    async with owner.connect() as connection:
        return {row.name: row.digest for row in await connection.execute(text(query))}


def tampered(credential: str) -> str:
    """With its last letter changed."""
    return credential[:-1] + ("A" if credential[-1] != "A" else "B")
