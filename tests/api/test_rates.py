"""Limits hold over processes, for one caller and no other, and a refusal does nothing."""

import asyncio
from datetime import timedelta

import httpx
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge import Rates
from api.repository import RateRepository
from db.clock import real_now
from db.session import open_engine, transaction
from db.tables.carts import Cart
from db.tables.platform import RateWindow
from tests.api.doors import CART, Company, application, bearer, calling, open_company

FEW = Rates(carts=3, tokens=2, sessions=1)


async def carts_of(engine: AsyncEngine, company: Company) -> int:
    async with transaction(engine, company_id=company.id) as session:
        return await session.scalar(select(func.count()).select_from(Cart)) or 0


async def open_cart(client: httpx.AsyncClient, company: Company, **headers: str) -> httpx.Response:
    return await client.post("/carts", headers=bearer(company.pk, **headers), json=CART)


async def test_an_address_opens_so_many_carts_a_minute_over_all_processes(engine: AsyncEngine) -> None:
    wren, other = await open_company(engine), await open_company(engine, "Other")
    second_process = open_engine(engine.url.render_as_string(hide_password=False))
    async with (
        calling(application(engine, rates=FEW)) as one,
        calling(application(second_process, rates=FEW)) as two,
        calling(application(engine, rates=FEW), peer="198.51.100.4") as elsewhere,
    ):
        answers = [await open_cart(client, wren) for client in (one, two, one, two)]
        assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
        refused = answers[-1]
        assert (refused.json()["code"], refused.headers["content-type"]) == (
            "too_many_requests",
            "application/problem+json",
        )
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert await carts_of(engine, wren) == 3
        # Another shop, and another address, are not held up.
        assert (await open_cart(one, other)).status_code == 201
        assert (await open_cart(elsewhere, wren)).status_code == 201
    await second_process.dispose()


async def test_a_minute_later_there_is_room_again_and_what_is_over_is_forgotten(engine: AsyncEngine) -> None:
    wren = await open_company(engine)
    async with calling(application(engine, rates=FEW)) as client:
        for _ in range(4):
            last = await open_cart(client, wren)
        assert last.status_code == 429
        async with transaction(engine, company_id=wren.id) as session:
            await session.execute(text("UPDATE rate_windows SET begins_at = begins_at - interval '61 seconds'"))
            await RateRepository(session).use(
                "carts:long ago", company_id=wren.id, now=real_now() - timedelta(hours=1), lasts=timedelta(minutes=1)
            )
        assert (await open_cart(client, wren)).status_code == 201
    async with transaction(engine, company_id=wren.id) as session:
        rows = (await session.scalars(select(RateWindow))).all()
        assert [row.used for row in rows] == [1]
        # The address itself is not kept.
        assert "203.0.113.7" not in rows[0].name


async def test_what_fails_or_repeats_is_not_counted(engine: AsyncEngine) -> None:
    wren = await open_company(engine)
    async with calling(application(engine, rates=FEW)) as client:
        for _ in range(4):
            unknown = {"currency": "USD", "items": [{"sku": "NONE", "quantity": 1}]}
            assert (await client.post("/carts", headers=bearer(wren.pk), json=unknown)).status_code == 404
        for _ in range(4):
            assert (await open_cart(client, wren, **{"idempotency-key": "one"})).status_code == 201
        assert [(await open_cart(client, wren)).status_code for _ in range(3)] == [201, 201, 429]


async def test_requests_at_once_do_not_slip_through(engine: AsyncEngine) -> None:
    """The race of two sessions for one row: the upsert decides, not a count read before."""
    wren = await open_company(engine)
    async with calling(application(engine, rates=FEW)) as client:
        answers = await asyncio.gather(*(open_cart(client, wren) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 5
    assert await carts_of(engine, wren) == 3


async def test_this_machine_is_not_limited(engine: AsyncEngine) -> None:
    wren = await open_company(engine)
    async with calling(application(engine, rates=FEW), peer="127.0.0.1") as client:
        assert {(await open_cart(client, wren)).status_code for _ in range(5)} == {201}


async def test_a_token_is_renewed_so_often_a_minute(engine: AsyncEngine) -> None:
    wren = await open_company(engine)
    async with calling(application(engine, rates=FEW)) as client:
        cart = (await open_cart(client, wren)).json()
        path, headers = f"/carts/{cart['id']}/token", bearer(cart["cartToken"])
        answers = [await client.post(path, headers=headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert "cartToken" not in answers[2].json()
        # The cart itself is not held up.
        assert (await client.get(f"/carts/{cart['id']}", headers=headers)).status_code == 200
