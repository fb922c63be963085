"""Keys: stored hashed, scoped, expiring, revocable; what a key may not do is not done."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from api.admission import scope_of
from api.keys import NoSuchScope, issue_key, list_keys, revoke_key
from api.principals import hash_key
from db.clock import real_now
from db.session import transaction
from db.tables.carts import Cart
from db.tables.companies import ApiKey, KeyKind
from policy.access.schemas import COMMAND_LINE
from policy.errors import NotFound
from tests.api.doors import CART, application, bearer, calling, open_company


@pytest.mark.parametrize(
    ("path", "method", "scope"),
    [
        ("/api/momentum/cart-save", "GET", "cart-save:read"),
        ("/api/momentum/cart-save/1/progress", "POST", "cart-save:write"),
        ("/api/momentum/carts/1/convert", "POST", "carts:write"),
        ("/api/momentum/demo/clock", "POST", "demo:write"),
        ("/api/momentum/outbox", "HEAD", "outbox:read"),
    ],
)
def test_a_route_names_its_scope(path: str, method: str, scope: str) -> None:
    assert scope_of(path, method) == scope


async def test_a_scoped_key_does_what_it_is_for(engine: AsyncEngine) -> None:
    wren = await open_company(engine)
    async with transaction(engine, company_id=wren.id) as session:
        reader = await issue_key(session, KeyKind.SECRET, company_id=wren.id, scopes=["products:read"])
    async with calling(application(engine)) as client:
        assert (await client.get("/products", headers=bearer(reader))).status_code == 200
        refused = await client.post("/carts", headers=bearer(reader), json=CART)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert refused.json()["detail"] == "This key needs the scope carts:write."
    async with transaction(engine, company_id=wren.id) as session:
        assert await session.scalar(select(func.count()).select_from(Cart)) == 0


async def test_a_key_is_kept_as_a_hash_and_revoked_at_once(engine: AsyncEngine) -> None:
    wren, other = await open_company(engine), await open_company(engine, "Other")
    async with transaction(engine, company_id=wren.id) as session:
        rows = {row.prefix: row for row in await list_keys(session, company_id=wren.id)}
        assert rows[wren.sk[:11]].key_hash == hash_key(wren.sk)
        assert not any(wren.sk in str(value) for value in vars(rows[wren.sk[:11]]).values())
    async with calling(application(engine)) as client:
        assert (await client.get("/products", headers=bearer(wren.sk))).status_code == 200
        async with transaction(engine, company_id=other.id) as session:
            with pytest.raises(NotFound):
                await revoke_key(session, wren.sk[:11], company_id=other.id, by=COMMAND_LINE)
        async with transaction(engine, company_id=wren.id) as session:
            await revoke_key(session, wren.sk[:11], company_id=wren.id, by=COMMAND_LINE)
        answer = await client.get("/products", headers=bearer(wren.sk))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert (await client.get("/products", headers=bearer(wren.pk))).status_code == 200


async def test_a_revocation_keeps_its_first_time(engine: AsyncEngine) -> None:
    wren = await open_company(engine)
    for _ in range(2):
        async with transaction(engine, company_id=wren.id) as session:
            await revoke_key(session, wren.pk[:11], company_id=wren.id, by=COMMAND_LINE)
            at = await session.scalar(select(ApiKey.revoked_at).where(ApiKey.kind == KeyKind.PUBLISHABLE))
    async with transaction(engine, company_id=wren.id) as session:
        query = select(ApiKey.revoked_at).where(ApiKey.kind == KeyKind.PUBLISHABLE)
        assert await session.scalar(query) == at


async def test_a_key_ends_when_it_was_said_to(engine: AsyncEngine) -> None:
    wren = await open_company(engine)
    async with transaction(engine, company_id=wren.id) as session:
        over = await issue_key(
            session, KeyKind.SECRET, company_id=wren.id, expires_at=real_now() - timedelta(seconds=1)
        )
    async with calling(application(engine)) as client:
        assert (await client.get("/products", headers=bearer(over))).status_code == 401


@pytest.mark.parametrize("scope", ["everything", "carts", "carts:delete", "*", "carts:read "])
async def test_a_scope_that_is_none_is_refused(engine: AsyncEngine, scope: str) -> None:
    wren = await open_company(engine)
    async with transaction(engine, company_id=wren.id) as session:
        with pytest.raises(NoSuchScope):
            await issue_key(session, KeyKind.SECRET, company_id=wren.id, scopes=[scope])
        with pytest.raises(NoSuchScope):
            await issue_key(session, KeyKind.PUBLISHABLE, company_id=wren.id, scopes=["products:read"])
        assert len(await list_keys(session, company_id=wren.id)) == 2


@pytest.mark.parametrize("prefix", ["", "sk_", "pk_0000000000", "sk_12345678"])
async def test_what_begins_no_key_revokes_none(engine: AsyncEngine, prefix: str) -> None:
    wren = await open_company(engine)
    async with transaction(engine, company_id=wren.id) as session:
        with pytest.raises(NotFound):
            await revoke_key(session, prefix, company_id=wren.id, by=COMMAND_LINE)
        assert [key.revoked_at for key in await list_keys(session, company_id=wren.id)] == [None, None]
