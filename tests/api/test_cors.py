"""Browsers may call from the shop's own pages: each kind of route, origin and caller."""

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from api.origins import NoOrigin, allow_origins, allowed_origins
from db.session import transaction
from db.tables.carts import Cart
from policy.access.schemas import COMMAND_LINE
from tests.api.doors import CART, Company, application, bearer, calling, open_company

SHOP = "https://wren.example"


async def allow(engine: AsyncEngine, company: Company, *origins: str) -> None:
    async with transaction(engine, company_id=company.id) as session:
        await allow_origins(session, origins, company_id=company.id, by=COMMAND_LINE)


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


async def test_a_page_of_the_shop_may_call_and_no_other(engine: AsyncEngine) -> None:
    wren, other = await open_company(engine), await open_company(engine, "Other")
    await allow(engine, wren, SHOP)
    async with calling(application(engine)) as client:
        good = await client.post("/carts", headers=bearer(wren.pk, origin=SHOP), json=CART)
        assert (good.status_code, good.headers["access-control-allow-origin"]) == (201, SHOP)
        assert "origin" in good.headers["vary"].lower()
        assert "access-control-allow-credentials" not in good.headers
        for company, origin in (
            (wren, "https://evil.example"),
            (wren, "https://wren.example.evil.example"),
            (wren, "http://wren.example"),
            (wren, "null"),
            (other, SHOP),
        ):
            bad = await client.post("/carts", headers=bearer(company.pk, origin=origin), json=CART)
            assert (bad.status_code, bad.json()["code"], told(bad)) == (403, "foreign_origin", {}), origin
        token = good.json()["cartToken"]
        path = f"/carts/{good.json()['id']}"
        assert told(await client.get(path, headers=bearer(token, origin=SHOP)))
        assert (await client.get(path, headers=bearer(token, origin="https://evil.example"))).status_code == 403
    for company, count in ((wren, 1), (other, 0)):
        async with transaction(engine, company_id=company.id) as session:
            assert await session.scalar(select(func.count()).select_from(Cart)) == count


async def test_errors_can_be_read_by_the_page(engine: AsyncEngine) -> None:
    wren = await open_company(engine)
    await allow(engine, wren, SHOP)
    async with calling(application(engine)) as client:
        body = {"currency": "USD", "items": [{"sku": "NONE", "quantity": 1}]}
        missing = await client.post("/carts", headers=bearer(wren.pk, origin=SHOP), json=body)
        assert (missing.status_code, missing.headers["access-control-allow-origin"]) == (404, SHOP)
        assert "retry-after" in missing.headers["access-control-expose-headers"]
        stale = await client.get(f"/carts/{wren.id}", headers=bearer("c.old", origin=SHOP))
        assert (stale.status_code, stale.headers["access-control-allow-origin"]) == (401, SHOP)


@pytest.mark.parametrize("origin", ["https://carts.example", None])
async def test_our_own_pages_and_servers_need_no_permission(engine: AsyncEngine, origin: str | None) -> None:
    wren = await open_company(engine)
    async with calling(application(engine)) as client:
        headers = bearer(wren.pk) if origin is None else bearer(wren.pk, origin=origin)
        answer = await client.get("/products", headers=headers)
        assert (answer.status_code, told(answer)) == (200, {})


async def test_a_secret_key_is_for_servers(engine: AsyncEngine) -> None:
    wren = await open_company(engine)
    await allow(engine, wren, SHOP)
    async with calling(application(engine)) as client:
        answer = await client.get("/products", headers=bearer(wren.sk, origin=SHOP))
        assert (answer.status_code, told(answer)) == (200, {})


async def test_the_question_before_is_answered_for_shops_that_exist(engine: AsyncEngine) -> None:
    wren = await open_company(engine)
    await allow(engine, wren, SHOP, "http://localhost:3000")
    async with calling(application(engine)) as client:

        async def ask(path: str, method: str, origin: str) -> httpx.Response:
            return await client.options(path, headers={"origin": origin, "access-control-request-method": method})

        good = await ask(f"/carts/{wren.id}/items", "POST", SHOP)
        assert good.status_code == 204
        assert told(good) == {
            "access-control-allow-origin": SHOP,
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "authorization, content-type, idempotency-key, last-event-id",
            "access-control-max-age": "600",
        }
        assert (await ask("/products", "GET", "http://localhost:3000")).status_code == 204
        for path, method, origin, status in (
            ("/products", "GET", "https://evil.example", 405),
            ("/products", "GET", "null", 405),
            ("/products", "DELETE", SHOP, 405),
            ("/openapi.json", "GET", SHOP, 405),
            ("/none", "GET", SHOP, 404),
        ):
            refused = await ask(path, method, origin)
            assert (refused.status_code, told(refused)) == (status, {}), (path, method, origin)
            assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "wren.example",
        "https://wren.example/",
        "https://Wren.example",
        "https://a b",
        "ftp://a",
        "https://",
    ],
)
async def test_what_no_browser_sends_is_no_origin(engine: AsyncEngine, text: str) -> None:
    wren = await open_company(engine)
    await allow(engine, wren, SHOP, "http://[::1]:3000")
    async with transaction(engine, company_id=wren.id) as session:
        with pytest.raises(NoOrigin):
            await allow_origins(session, [SHOP, text], company_id=wren.id, by=COMMAND_LINE)
        assert await allowed_origins(session, company_id=wren.id) == [SHOP, "http://[::1]:3000"]
