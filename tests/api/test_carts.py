"""The cart's part of the walk: each endpoint as nobody, as the wrong company, with the wrong cart, as the right one."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from api import carts
from api.application import create_application
from api.edge import Edge
from api.keys import issue_key
from db.clock import real_now, set_clock
from db.ids import uuid7
from db.session import transaction
from db.tables.carts import Cart, CartLine, InventoryHold
from db.tables.catalogue import StockPolicy
from db.tables.companies import Company, KeyKind
from db.tables.customers import ConsentRecord, Customer
from policy.tokens import Token, TokenKind, cart_token
from tests import factories as make
from tests.factories import SIGNER


@dataclass(frozen=True)
class Shop:
    id: UUID
    pk: str
    sk: str


@pytest.fixture
async def client(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    app = create_application(Edge(engine, SIGNER, "http://shop.example"), [carts.router])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("203.0.113.7", 1))
    headers = {"user-agent": "Firefox"}
    async with httpx.AsyncClient(transport=transport, base_url="http://t/api/momentum", headers=headers) as client:
        yield client


async def open_shop(engine: AsyncEngine, name: str = "Wren Coffee") -> Shop:
    company: Company = await make.make_company(engine, name=name)
    async with transaction(engine, company_id=company.id) as session:
        return Shop(
            company.id,
            pk=await issue_key(session, KeyKind.PUBLISHABLE, company_id=company.id),
            sk=await issue_key(session, KeyKind.SECRET, company_id=company.id),
        )


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    """Sells BLEND for 24.99 and MUG for 17.99; delivery is 5.99, free from 79.98."""
    shop = await open_shop(engine)
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "BLEND", company_id=shop.id, name="Signature Blend", image_url="/blend.svg")
        await make.make_product(session, "MUG", company_id=shop.id, prices={"USD": 17_99}, on_hand=2)
        await make.make_shipping_rate(session, company_id=shop.id, free_from_minor=79_98)
    return shop


def bearer(credential: str, **headers: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}", **headers}


async def opened(client: httpx.AsyncClient, shop: Shop, *skus: str) -> httpx.Response:
    items = [{"sku": sku, "quantity": 1} for sku in skus]
    answer = await client.post("/carts", headers=bearer(shop.pk), json={"currency": "USD", "items": items})
    assert answer.status_code == 201, answer.text
    return answer


async def rows(engine: AsyncEngine, shop: Shop, table: type[Cart | CartLine | Customer | InventoryHold]) -> int:
    async with transaction(engine, company_id=shop.id) as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_a_cart_is_opened_with_exact_money(client: httpx.AsyncClient, shop: Shop) -> None:
    body = {"currency": "USD", "items": [{"sku": "BLEND", "quantity": 2}, {"sku": "MUG", "quantity": 1}]}
    answer = await client.post("/carts", headers=bearer(shop.pk), json=body)
    assert answer.status_code == 201
    cart = answer.json()
    hold = datetime.fromisoformat(cart.pop("holdExpiresAt"))
    assert timedelta(minutes=14) < hold - real_now() <= timedelta(minutes=15)
    assert [datetime.fromisoformat(item.pop("holdExpiresAt")) for item in cart["items"]] == [hold, hold]
    ids = [UUID(item.pop("id")) for item in cart["items"]]
    assert len(set(ids)) == 2
    assert UUID(cart.pop("id")).version == 7
    assert cart.pop("cartToken").startswith("c.")
    assert cart == {
        "status": "ACTIVE",
        "items": [
            {
                "sku": "BLEND",
                "name": "Signature Blend",
                "quantity": 2,
                "unitPrice": 24.99,
                "discount": 0.0,
                "lineTotal": 49.98,
                "imageUrl": "/blend.svg",
            },
            {
                "sku": "MUG",
                "name": "Product MUG",
                "quantity": 1,
                "unitPrice": 17.99,
                "discount": 0.0,
                "lineTotal": 17.99,
                "imageUrl": None,
            },
        ],
        "subtotal": 67.97,
        "discountTotal": 0.0,
        "shipping": 5.99,
        "tax": 0.0,
        "grandTotal": 73.96,
        "currency": "USD",
        "itemCount": 3,
        "freeShipping": {"threshold": 79.98, "remaining": 12.01},
        "offer": None,
        "checkoutStartedAt": None,
    }
    # Numbers as they are written, not as strings.
    assert '"grandTotal":73.96' in answer.text


@pytest.mark.parametrize(
    ("currency", "price_minor", "written"),
    [
        ("USD", 24_99, "24.99"),
        ("EUR", 10, "0.1"),
        ("GBP", 100, "1.0"),
        ("JPY", 1_980, "1980"),
        ("KWD", 12_345, "12.345"),
    ],
)
async def test_each_currency_has_its_digits(
    client: httpx.AsyncClient, shop: Shop, engine: AsyncEngine, currency: str, price_minor: int, written: str
) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "ONE", company_id=shop.id, prices={currency: price_minor})
    body = {"currency": currency, "items": [{"sku": "ONE", "quantity": 1}]}
    cart = (await client.post("/carts", headers=bearer(shop.pk), json=body)).text
    assert f'"unitPrice":{written},' in cart
    assert json.loads(cart)["subtotal"] == float(written)


async def test_the_items_are_added_changed_and_removed(client: httpx.AsyncClient, shop: Shop) -> None:
    cart = (await opened(client, shop, "BLEND")).json()
    path, headers = f"/carts/{cart['id']}", bearer(cart["cartToken"])

    added = await client.post(f"{path}/items", headers=headers, json={"sku": "MUG", "quantity": 2})
    assert (added.status_code, added.json()["itemCount"], "cartToken" in added.json()) == (200, 3, False)
    item = added.json()["items"][1]["id"]

    changed = await client.patch(f"{path}/items/{item}", headers=headers, json={"quantity": 1})
    assert (changed.status_code, changed.json()["grandTotal"]) == (200, 48.97)
    assert (await client.get(path, headers=headers)).json() == changed.json()

    removed = await client.delete(f"{path}/items/{item}", headers=headers)
    assert [each["sku"] for each in removed.json()["items"]] == ["BLEND"]
    again = await client.delete(f"{path}/items/{item}", headers=headers)
    assert (again.status_code, again.json()["code"]) == (404, "no_such_item")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/carts/{cart}", None),
        ("POST", "/carts/{cart}/items", {"sku": "MUG", "quantity": 1}),
        ("PATCH", "/carts/{cart}/items/{item}", {"quantity": 2}),
        ("DELETE", "/carts/{cart}/items/{item}", None),
        ("POST", "/carts/{cart}/checkout", {"customer": {"email": "maya@example.com"}}),
        ("POST", "/carts/{cart}/token", None),
    ],
)
async def test_a_cart_opens_to_its_own_token_alone(
    client: httpx.AsyncClient,
    shop: Shop,
    engine: AsyncEngine,
    method: str,
    path: str,
    body: dict[str, object] | None,
) -> None:
    cart = (await opened(client, shop, "BLEND")).json()
    neighbour = (await opened(client, shop, "BLEND")).json()
    other = await open_shop(engine, "Other")
    path = path.format(cart=cart["id"], item=cart["items"][0]["id"])
    cart_id = UUID(cart["id"])
    expired = Token(TokenKind.CART, shop.id, (cart_id,), real_now() - timedelta(seconds=1))
    of_another_kind = Token(TokenKind.RECOVERY, shop.id, (cart_id,), real_now() + timedelta(days=1))
    for headers, status in (
        ({}, 401),
        (bearer("nonsense"), 401),
        (bearer(cart["cartToken"] + "x"), 401),
        (bearer(SIGNER.sign(expired)), 401),
        (bearer(SIGNER.sign(of_another_kind)), 401),
        (bearer(shop.pk), 403),
        (bearer(shop.sk), 403),
        (bearer(other.pk), 403),
        (bearer(neighbour["cartToken"]), 404),
        (bearer(cart_token(SIGNER, company_id=other.id, cart_id=cart_id)), 404),
        (bearer(cart_token(SIGNER, company_id=shop.id, cart_id=uuid7())), 404),
    ):
        answer = await client.request(method, path, headers=headers, json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), headers
    assert (await rows(engine, shop, CartLine), await rows(engine, shop, Customer)) == (2, 0)
    right = await client.request(method, path, headers=bearer(cart["cartToken"]), json=body)
    assert right.status_code == 200, right.text


async def test_a_cart_is_opened_with_a_key_of_its_shop(
    client: httpx.AsyncClient, shop: Shop, engine: AsyncEngine
) -> None:
    body = {"currency": "USD", "items": [{"sku": "BLEND", "quantity": 1}]}
    token = (await opened(client, shop)).json()["cartToken"]
    other = await open_shop(engine, "Other")
    for headers, status in (({}, 401), (bearer("pk_unknown"), 401), (bearer(token), 403), (bearer(other.pk), 404)):
        assert (await client.post("/carts", headers=headers, json=body)).status_code == status
    assert (await rows(engine, shop, Cart), await rows(engine, other, Cart)) == (1, 0)
    assert (await client.post("/carts", headers=bearer(shop.sk), json=body)).status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"currency": "XXX", "items": []}, 422, "unknown_currency"),
        ({"currency": "usd", "items": []}, 422, "malformed"),
        ({"currency": "EUR", "items": [{"sku": "BLEND", "quantity": 1}]}, 409, "not_for_sale"),
        ({"currency": "USD", "items": [{"sku": "NOPE", "quantity": 1}]}, 404, "no_such_product"),
        ({"currency": "USD", "items": [{"sku": "MUG", "quantity": 3}]}, 409, "out_of_stock"),
        ({"currency": "USD", "items": [{"sku": "MUG", "quantity": 0}]}, 422, "malformed"),
        ({"currency": "USD", "items": [{"sku": "MUG", "quantity": 1000}]}, 422, "malformed"),
        ({"currency": "USD", "items": [{"sku": "MUG", "quantity": "1"}]}, 422, "malformed"),
        ({"currency": "USD", "items": [{"sku": "MUG", "quantity": 1.5}]}, 422, "malformed"),
        ({"currency": "USD", "items": [{"sku": "MUG", "quantity": True}]}, 422, "malformed"),
        ({"currency": "USD", "items": [{"sku": "MU\0G", "quantity": 1}]}, 422, "malformed"),
        ({"currency": "USD", "items": [{"sku": "MUG", "quantity": 1, "price": 1}]}, 422, "malformed"),
        ({"currency": "USD", "customer": {"email": "not an address"}}, 422, "invalid_address"),
        ({"currency": "USD", "customer": {"email": "a@b.example", "timezone": "Mars"}}, 422, "invalid_customer"),
        (
            {"currency": "USD", "customer": {"email": "a@b.example", "consents": ["AI_VOICE"]}},
            422,
            "consent_not_taken_here",
        ),
        ({"items": []}, 422, "malformed"),
        ([], 422, "malformed"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    client: httpx.AsyncClient, shop: Shop, engine: AsyncEngine, body: object, status: int, code: str
) -> None:
    answer = await client.post("/carts", headers=bearer(shop.pk), json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"]
    for table in (Cart, CartLine, Customer, InventoryHold):
        assert await rows(engine, shop, table) == 0


async def test_a_repeat_changes_nothing_and_carries_no_token(
    client: httpx.AsyncClient, shop: Shop, engine: AsyncEngine
) -> None:
    body = {"currency": "USD", "items": [{"sku": "BLEND", "quantity": 1}]}
    headers = bearer(shop.pk, **{"idempotency-key": "open-1"})
    first = (await client.post("/carts", headers=headers, json=body)).json()
    again = (await client.post("/carts", headers=headers, json=body)).json()
    token = first.pop("cartToken")
    assert again == first
    assert await rows(engine, shop, Cart) == 1

    path = f"/carts/{first['id']}/items"
    headers = bearer(token, **{"idempotency-key": "add-1"})
    for _ in range(2):
        added = await client.post(path, headers=headers, json={"sku": "MUG", "quantity": 1})
        assert (added.status_code, added.json()["itemCount"]) == (200, 2)
    item = added.json()["items"][1]["id"]
    for _ in range(2):
        removed = await client.delete(f"{path}/{item}", headers=headers)
        assert (removed.status_code, removed.json()["itemCount"]) == (200, 1)


async def test_a_known_shopper_gets_the_same_answer_as_a_new_one(
    client: httpx.AsyncClient, shop: Shop, engine: AsyncEngine
) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_customer(session, "known@example.com", company_id=shop.id, country="CA")

    async def open_as(email: str) -> dict[str, object]:
        customer = {"email": email, "firstName": "Eve", "consents": ["EMAIL"]}
        body = {"currency": "USD", "items": [{"sku": "BLEND", "quantity": 1}], "customer": customer}
        answer = await client.post("/carts", headers=bearer(shop.pk), json=body)
        return {"status": answer.status_code, **shape(answer.json())}

    assert await open_as("Known@example.com") == await open_as("new@example.com")
    async with transaction(engine, company_id=shop.id) as session:
        known = (await session.scalars(select(Customer).where(Customer.email == "known@example.com"))).one()
        assert (known.first_name, known.country) == ("Maya", "CA")
        consents = await session.execute(
            select(ConsentRecord.address, ConsentRecord.state, ConsentRecord.ip, ConsentRecord.user_agent)
        )
        assert sorted(tuple(row) for row in consents) == [
            ("known@example.com", "CONFIRMED", "203.0.113.7", "Firefox"),
            ("new@example.com", "CONFIRMED", "203.0.113.7", "Firefox"),
        ]


def shape(cart: dict[str, object]) -> dict[str, object]:
    """The answer without what differs between any two carts."""
    items = [{**item, "id": "", "holdExpiresAt": ""} for item in cart["items"]]  # type: ignore[attr-defined]  # JSON
    return {**cart, "id": "", "cartToken": "", "holdExpiresAt": "", "items": items}


async def test_the_checkout_takes_the_form_as_a_browser_sends_it(
    client: httpx.AsyncClient, shop: Shop, engine: AsyncEngine
) -> None:
    cart = (await opened(client, shop, "BLEND")).json()
    form = {
        "email": "maya@example.com",
        "firstName": "",
        "country": "CA",
        "timezone": "America/Toronto",
        "consents": [],
    }
    paying = await client.post(
        f"/carts/{cart['id']}/checkout", headers=bearer(cart["cartToken"]), json={"customer": form}
    )
    assert (paying.status_code, paying.json()["status"]) == (200, "ACTIVE")
    assert paying.json()["checkoutStartedAt"] is not None
    async with transaction(engine, company_id=shop.id) as session:
        customer = (await session.scalars(select(Customer))).one()
        assert (customer.first_name, customer.country, customer.timezone) == (None, "CA", "America/Toronto")
        row = (await session.scalars(select(Cart))).one()
        assert row.idle_due_at == row.last_activity_at + timedelta(minutes=10)
        assert (await session.scalars(select(ConsentRecord))).all() == []
    empty = (await opened(client, shop)).json()
    refused = await client.post(f"/carts/{empty['id']}/checkout", headers=bearer(empty["cartToken"]), json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "empty_cart")


async def test_a_token_is_renewed_by_its_bearer(client: httpx.AsyncClient, shop: Shop) -> None:
    cart = (await opened(client, shop, "BLEND")).json()
    renewed = await client.post(f"/carts/{cart['id']}/token", headers=bearer(cart["cartToken"]))
    assert renewed.status_code == 200
    token = renewed.json()["cartToken"]
    found = await client.get(f"/carts/{cart['id']}", headers=bearer(token))
    assert found.json() == {key: value for key, value in renewed.json().items() if key != "cartToken"}


async def test_a_shop_lives_at_its_own_time(client: httpx.AsyncClient, shop: Shop, engine: AsyncEngine) -> None:
    cart = (await opened(client, shop, "MUG", "MUG")).json()
    body = {"currency": "USD", "items": [{"sku": "MUG", "quantity": 1}]}
    assert (await client.post("/carts", headers=bearer(shop.pk), json=body)).status_code == 409
    async with transaction(engine, company_id=None) as session:
        await set_clock(session, real_now() + timedelta(minutes=16))
    assert (await client.post("/carts", headers=bearer(shop.pk), json=body)).status_code == 201
    # The shop's clock has moved, the token's has not.
    found = await client.get(f"/carts/{cart['id']}", headers=bearer(cart["cartToken"]))
    assert (found.status_code, found.json()["holdExpiresAt"]) == (200, None)


async def test_the_offer_is_in_the_cart(client: httpx.AsyncClient, shop: Shop, engine: AsyncEngine) -> None:
    cart = (await opened(client, shop, "BLEND")).json()
    async with transaction(engine, company_id=shop.id) as session:
        row = await session.get_one(Cart, (shop.id, UUID(cart["id"])))
        grant = await make.make_grant(session, row, percent="12.5", committed_at=real_now())
    found = (await client.get(f"/carts/{cart['id']}", headers=bearer(cart["cartToken"]))).json()
    assert datetime.fromisoformat(found["offer"].pop("expiresAt")) == grant.expires_at
    assert found["offer"] == {"kind": "PERCENTAGE_DISCOUNT", "percent": 12.5}
    assert (found["subtotal"], found["discountTotal"], found["grandTotal"]) == (24.99, 3.12, 27.86)


async def test_what_sells_on_is_not_held(client: httpx.AsyncClient, shop: Shop, engine: AsyncEngine) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "CARD", company_id=shop.id, on_hand=0, policy=StockPolicy.UNTRACKED)
    cart = (await opened(client, shop, "CARD")).json()
    assert (cart["holdExpiresAt"], cart["items"][0]["holdExpiresAt"]) == (None, None)


async def test_each_route_tells_its_problems_and_shows_an_example(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) == 7
    for path, method, operation in operations:
        assert {"401", "403", "404", "422"} <= operation["responses"].keys(), (path, method)
        for status in ("401", "403", "404"):
            assert "application/problem+json" in operation["responses"][status]["content"]
        assert operation["summary"]
        assert operation["description"]
    assert document["components"]["schemas"]["CartRead"]["examples"][0]["grandTotal"] == 55.97
