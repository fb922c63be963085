from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api import products
from api.application import create_application
from api.edge import Edge
from api.keys import issue_key
from db.clock import real_now
from db.ids import uuid7
from db.session import transaction
from db.tables.catalogue import Product, StockPolicy
from db.tables.companies import Company, KeyKind
from policy.tokens import cart_token
from tests import factories as make
from tests.factories import SIGNER


@pytest.fixture
async def client(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    app = create_application(Edge(engine, SIGNER, "http://shop.example"), [products.router])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://t/api/momentum") as client:
        yield client


@pytest.fixture
async def shop(engine: AsyncEngine) -> Company:
    return await make.make_company(engine)


async def headers_of(engine: AsyncEngine, shop: Company, kind: KeyKind = KeyKind.PUBLISHABLE) -> dict[str, str]:
    async with transaction(engine, company_id=shop.id) as session:
        return {"authorization": f"Bearer {await issue_key(session, kind, company_id=shop.id)}"}


async def test_what_is_on_sale_is_listed_as_a_cart_would_name_it(
    client: httpx.AsyncClient, engine: AsyncEngine, shop: Company
) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        mug = await make.make_product(
            session, "MUG", company_id=shop.id, name="Morning Mug", prices={"USD": 18_00, "JPY": 2_700}, on_hand=5
        )
        large = await make.make_variant(
            session,
            await session.get_one(Product, (shop.id, mug.product_id)),
            "MUG-L",
            title="Large",
            policy=StockPolicy.UNTRACKED,
        )
        await make.make_product(session, "EUROS", company_id=shop.id, prices={"EUR": 5_00})
        await make.make_product(session, "RETIRED", company_id=shop.id, active=False)
        cart = await make.make_cart(session, company_id=shop.id)
        await make.make_hold(session, cart, mug, quantity=2, placed_at=real_now())
    headers = await headers_of(engine, shop)
    answer = await client.get("/products", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["nextCursor"] is None
    first, second = answer.json()["items"]
    assert first == {
        "id": str(mug.id),
        "productId": str(mug.product_id),
        "handle": "mug",
        "sku": "MUG",
        "name": "Morning Mug",
        "title": "Morning Mug",
        "variant": "",
        "description": "",
        "category": "Coffee beans",
        "tags": [],
        "imageUrl": None,
        "productImageUrl": None,
        "price": 18.0,
        "compareAtPrice": None,
        "currency": "USD",
        "stock": 3,
    }
    assert (second["id"], second["name"], second["stock"]) == (str(large.id), "Morning Mug – Large", None)
    yen = (await client.get("/products?currency=JPY", headers=headers)).json()["items"]
    assert [(each["sku"], each["price"], each["currency"]) for each in yen] == [("MUG", 2700, "JPY")]


async def test_the_list_is_paged(client: httpx.AsyncClient, engine: AsyncEngine, shop: Company) -> None:
    async with transaction(engine, company_id=shop.id) as session:
        for at in range(51):
            await make.make_product(session, f"SKU-{at:02}", company_id=shop.id)
    headers = await headers_of(engine, shop)
    first = (await client.get("/products", headers=headers)).json()
    rest = (await client.get("/products", headers=headers, params={"cursor": first["nextCursor"]})).json()
    assert [each["sku"] for each in first["items"]] == [f"SKU-{at:02}" for at in range(50)]
    assert ([each["sku"] for each in rest["items"]], rest["nextCursor"]) == (["SKU-50"], None)
    three = (await client.get("/products?limit=3", headers=headers)).json()
    assert len(three["items"]) == 3


async def test_each_shop_lists_its_own_to_its_own_keys(
    client: httpx.AsyncClient, engine: AsyncEngine, shop: Company
) -> None:
    other = await make.make_company(engine, name="Other")
    async with transaction(engine, company_id=shop.id) as session:
        await make.make_product(session, "MUG", company_id=shop.id)
    assert (await client.get("/products")).status_code == 401
    token = cart_token(SIGNER, company_id=shop.id, cart_id=uuid7())
    assert (await client.get("/products", headers={"authorization": f"Bearer {token}"})).status_code == 403
    assert (await client.get("/products", headers=await headers_of(engine, other))).json()["items"] == []
    secret = await headers_of(engine, shop, KeyKind.SECRET)
    assert len((await client.get("/products", headers=secret)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("currency=XXX", 422, "unknown_currency"),
        ("currency=usd", 422, "malformed"),
        ("limit=0", 422, "malformed"),
        ("limit=201", 422, "malformed"),
        ("cursor=nonsense", 400, "bad_cursor"),
        ("cursor=%FF", 400, "bad_cursor"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, engine: AsyncEngine, shop: Company, query: str, status: int, code: str
) -> None:
    answer = await client.get(f"/products?{query}", headers=await headers_of(engine, shop))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
