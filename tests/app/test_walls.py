"""Every route, found by itself, as everybody who must not get in: the exact status, and no row changed."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy.ext.asyncio import AsyncEngine

from api.keys import issue_key, revoke_key
from app.demo.runtime import Runtime
from app.server import create_server
from db.clock import real_now
from db.tables.companies import KeyKind
from policy.access.schemas import COMMAND_LINE
from policy.tokens import Token, TokenKind, cart_token
from tests.app import living
from tests.app.living import START, Shop, World
from tests.app.walls import API, DOORS, Door, For, digests, servers, tampered


def routes(app: FastAPI) -> set[str]:
    """`METHOD path` of everything that answers, mounted rooms and sockets included."""
    found = set()
    for route in iter_route_contexts(app.routes):
        methods = (route.methods or set()) - {"HEAD", "OPTIONS"} or {type(route.original_route).__name__.upper()}
        found |= {f"{method} {route.path}" for method in methods}
    return found


@dataclass(frozen=True)
class Scene:
    """A shop with a cart that was left, written to and talked about; beside it another shop."""

    world: World
    shop: Shop
    other: Shop
    cart: dict[str, Any]
    neighbour: dict[str, Any]
    # What stands in the addresses.
    names: dict[str, str]
    links: dict[str, str]

    @property
    def cart_id(self) -> UUID:
        return UUID(self.cart["id"])


@pytest.fixture
async def scene(carried: World) -> AsyncIterator[Scene]:
    world = carried
    shop, other = await living.open_shop(world), await living.open_shop(world, "Other")
    await world.client.aclose()
    _, app = servers(world, Runtime(company_id=shop.id, publishable_key=shop.pk, port=1))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("203.0.113.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as world.client:
        cart = await shop.open_cart("BLEND", "FILTERS")
        neighbour = await shop.open_cart("BLEND", email=None)
        await world.live_until(START + timedelta(hours=4))
        reminder, survey = await shop.outbox(cart["id"])
        opened = await shop.call("POST", "/cs/sessions", key=cart["cartToken"], json={"channel": "CHECKOUT_CHAT"})
        chats = await shop.call("GET", f"/conversations?cartId={cart['id']}")
        names = {
            "cart_id": cart["id"],
            "item_id": cart["items"][1]["id"],
            "session_id": opened.json()["id"],
            "conversation_id": chats.json()["items"][0]["id"],
            "attempt_id": (await shop.attempt(cart["id"]))["id"],
            "order_id": f"DEMO-{UUID(cart['id']).hex[-10:].upper()}",
            "name": "widget/loader.js",
            "handle": "flock-dripper",
        }
        links = {
            "r": reminder["recoveryUrl"].rsplit("/", 1)[1],
            "u": reminder["headers"]["List-Unsubscribe"].strip("<>").rsplit("/", 1)[1],
            "s": re.findall(r"/s/([^\s\"<]+TOO_EXPENSIVE[^\s\"<]+)", survey["text"])[0],
        }
        yield Scene(world, shop, other, cart, neighbour, names, links)


async def call(scene: Scene, route: str, door: Door, credential: str | None, **names: str) -> httpx.Response:
    method, path = route.split(" ")
    names = scene.names | names
    path = re.sub(r"{(\w+)(:path)?}", lambda found: names[found[1]], path)
    body = door.json
    if body is not None:
        body = json.loads(re.sub(r'"{(\w+)}"', lambda found: json.dumps(names[found[1]]), json.dumps(body)))
    headers = {} if credential is None else {"authorization": f"Bearer {credential}"}
    return await scene.world.client.request(method, path, headers=headers, json=body, data=door.data)


async def bad_keys(shop: Shop, kind: KeyKind, good: str) -> dict[str, str | None]:
    """Credentials that name nobody, or nobody any more."""
    async with shop.session() as session:
        past = real_now() - timedelta(seconds=1)
        expired = await issue_key(session, kind, company_id=shop.id, expires_at=past)
        revoked = await issue_key(session, kind, company_id=shop.id)
        await revoke_key(session, revoked[:11], company_id=shop.id, by=COMMAND_LINE)
    return {
        "nobody": None,
        "nonsense": "nonsense",
        "a key of nobody": "sk_" + "x" * 43,
        "tampered": tampered(good),
        "expired": expired,
        "revoked": revoked,
    }


async def other_scope(shop: Shop, route: str) -> str:
    """A key that may do everything but this."""
    method, path = route.split(" ")
    section = path.removeprefix(API).strip("/").split("/")[0]
    needed = f"{section}:{'read' if method == 'GET' else 'write'}"
    sections = ("products", "carts", "cart-save", "conversations", "outbox", "demo")
    scopes = {f"{each}:{what}" for each in sections for what in ("read", "write")} - {needed}
    async with shop.session() as session:
        return await issue_key(session, KeyKind.SECRET, company_id=shop.id, scopes=sorted(scopes))


def token(scene: Scene, kind: TokenKind, *subjects: UUID, company_id: UUID | None = None, lasts: float = 60.0) -> str:
    expires_at = real_now() + timedelta(seconds=lasts)
    return scene.world.parts.signer.sign(Token(kind, company_id or scene.shop.id, subjects, expires_at))


async def strangers(scene: Scene, route: str, door: Door) -> dict[str, tuple[str | None, int]]:
    """Everybody whom the door is not for, and what each gets."""
    shop, other, own = scene.shop, scene.other, scene.cart["cartToken"]
    named = "{" in route or "{cart_id}" in json.dumps(door.json)
    match door.caller:
        case For.MERCHANT:
            nobody = await bad_keys(shop, KeyKind.SECRET, shop.sk)
            wrong = {"widget": (shop.pk, 403), "shopper": (own, 403)}
            wrong["scope"] = (await other_scope(shop, route), 403)
            if named:
                wrong["other company"] = (other.sk, 404)
        case For.WIDGET:
            nobody = await bad_keys(shop, KeyKind.PUBLISHABLE, shop.pk)
            wrong = {"shopper": (own, 403), "scope": (await other_scope(shop, route), 403)}
        case For.SHOPPER:
            nobody = {
                "nobody": None,
                "nonsense": "c.nonsense",
                "tampered": tampered(own),
                "expired": token(scene, TokenKind.CART, scene.cart_id, lasts=-1),
                "a link's token": scene.links["r"],
            }
            foreign = cart_token(scene.world.parts.signer, company_id=other.id, cart_id=scene.cart_id)
            wrong = {"widget": (shop.pk, 403), "merchant": (shop.sk, 403)}
            wrong["neighbour"] = (scene.neighbour["cartToken"], 404)
            wrong["other company"] = (foreign, 404)
        case _:
            return {}
    return {name: (credential, 401) for name, credential in nobody.items()} | wrong


async def test_nobody_gets_through_a_door_that_is_not_theirs(scene: Scene, owner: AsyncEngine) -> None:
    wrong: list[str] = []
    for route, door in DOORS.items():
        callers = await strangers(scene, route, door)
        before = await digests(owner)
        for who, (credential, status) in callers.items():
            answer = await call(scene, route, door, credential)
            if answer.status_code != status or answer.headers["content-type"] != "application/problem+json":
                wrong.append(f"{route} as {who}: {answer.status_code}, not {status}")
        if (after := await digests(owner)) != before:
            changed = sorted(name for name in after if after[name] != before[name])
            wrong.append(f"{route}: a refused call changed {changed}")
    assert not wrong, "\n".join(wrong)


async def test_another_company_sees_nothing_of_ours(scene: Scene) -> None:
    """Routes that name nothing answer each company with its own."""
    ours = [*scene.names.values(), scene.cart["items"][0]["id"], "maya@example.com"]
    ours = [each for each in ours if len(each) > 16]
    for route, door in DOORS.items():
        if door.caller is For.MERCHANT and route.startswith("GET ") and "{" not in route:
            answer = await call(scene, route, door, scene.other.sk)
            assert answer.status_code == 200, route
            assert [each for each in ours if each in answer.text] == [], route
            assert (await call(scene, route, door, scene.shop.sk)).text != answer.text or "config" in route


async def test_a_link_opens_what_it_was_signed_for(scene: Scene, owner: AsyncEngine) -> None:
    shop, signer = scene.shop, scene.world.parts.signer
    kinds = {"r": TokenKind.RECOVERY, "s": TokenKind.SURVEY, "u": TokenKind.UNSUBSCRIBE}
    for route, door in DOORS.items():
        if door.caller is not For.LINK:
            continue
        letter = route.split("/")[1]
        good = signer.read(scene.links[letter], kind=kinds[letter], now=START)
        bad = {
            "nonsense": "nonsense",
            "cut short": scene.links[letter][:-1],
            "tampered": tampered(scene.links[letter]),
            "another subject": scene.links[letter].replace(good.subjects[0].hex, UUID(int=5).hex),
            "another company": scene.links[letter].replace(shop.id.hex, scene.other.id.hex),
            "signed for another company": signer.sign(replace(good, company_id=scene.other.id)),
            "expired": signer.sign(replace(good, expires_at=START - timedelta(days=1))),
            "a cart's token": scene.cart["cartToken"],
            "another link's": scene.links["u" if letter != "u" else "r"],
        }
        before = await digests(owner)
        for who, each in bad.items():
            if who == "signed for another company" and route.startswith("GET ") and letter != "r":
                continue  # they show a form and look nothing up; only we could have signed it
            answer = await call(scene, route, door, None, token=each)
            assert (answer.status_code, "This link no longer works" in answer.text) == (410, True), (route, who)
            assert answer.headers["cache-control"] == "no-store"
            for secret in (*scene.links.values(), "maya", "Signature Blend"):
                assert secret not in answer.text, (route, who)
        assert await digests(owner) == before, route
        if route.startswith("GET "):
            # A scanner opens the good link too, and nothing happens.
            assert (await call(scene, route, door, None, token=scene.links[letter])).status_code == 200
            assert await digests(owner) == before, route


async def test_the_right_caller_is_let_through(scene: Scene) -> None:
    """So that a refusal above is the wall's, and not a mistake in the request."""
    credentials = {For.MERCHANT: scene.shop.sk, For.WIDGET: scene.shop.pk, For.SHOPPER: scene.cart["cartToken"]}
    wrong = []
    for route, door in DOORS.items():
        if door.caller in (For.ROOM, For.SIGNED):
            continue
        link = {"token": scene.links.get(route.split("/")[1], "")}
        art = {"name": "scene"} if ".svg" in route else {}
        answer = await call(scene, route, door, credentials.get(door.caller), **link, **art)
        if answer.status_code != door.status:
            wrong.append(f"{route}: {answer.status_code}, not {door.status}: {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)


async def test_every_route_is_named(carried: World) -> None:
    server, demo = servers(carried, Runtime(company_id=UUID(int=1), publishable_key="pk_x", port=1))
    new = sorted((routes(demo) | routes(server)) - DOORS.keys())
    assert not new, (
        f"New routes: {', '.join(new)}. Say in tests/app/walls.py (DOORS) whom each is for, with a payload that the "
        "right caller may send: the tests here then try it as everybody else."
    )
    gone = sorted(DOORS.keys() - routes(demo))
    assert not gone, f"No longer there, take them out of tests/app/walls.py: {', '.join(gone)}"


async def test_the_shop_without_the_demo_has_none_of_its_routes(world: World) -> None:
    served = routes(create_server(world.parts))
    assert {route for route in served if "/demo" in route or "/shop" in route or "outbox.json" in route} == set()
