"""Who may call which route: one line for each, and who must not get in.

A route that is not here fails `test_every_route_is_named`. Name it under the caller that it is for.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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
    # A vendor that signs what it sends: without a good signature it is refused (403).
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
