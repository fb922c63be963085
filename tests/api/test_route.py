"""The edge itself, on a small router of its own: who is let in, what is kept, what is answered twice."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.application import create_application
from api.dependencies import MerchantDep, OwnCart, Repeatable, SessionDep, WidgetDep
from api.edge import Edge
from api.keys import issue_key
from api.route import TransactionRoute
from api.schemas import Body
from db.ids import uuid7
from db.session import transaction
from db.tables.companies import ApiKey, KeyKind
from db.tables.platform import IdempotencyKey
from db.tables.policy import ContactDecision  # noqa: F401  (the metadata is whole)
from policy.errors import Conflict
from policy.tokens import Signer, cart_token
from tests.db.test_session import company

SIGNER = Signer("s" * 32)
router = APIRouter(route_class=TransactionRoute)


class Note(Body):
    text: str
    fail: bool = False


@router.post("/notes", status_code=201)
async def write(body: Note, merchant: MerchantDep, session: SessionDep, key: Repeatable = None) -> dict[str, str]:
    new = await issue_key(session, KeyKind.PUBLISHABLE, company_id=merchant.company_id)
    if body.fail:
        raise Conflict("Not now.")
    return {"text": body.text, "key": new, "cartToken": "secret"}


@router.get("/open")
async def open_to_widgets(caller: WidgetDep) -> dict[str, str]:
    return {"company": str(caller.company_id)}


@router.get("/carts/{cart_id}")
async def own(shopper: OwnCart) -> dict[str, str]:
    return {"cart": str(shopper.cart_id)}


@pytest.fixture
async def company_id(engine: AsyncEngine) -> UUID:
    row = company()
    async with transaction(engine, company_id=row.id) as session:
        session.add(row)
    return row.id


@pytest.fixture
async def keys(engine: AsyncEngine, company_id: UUID) -> dict[KeyKind, str]:
    async with transaction(engine, company_id=company_id) as session:
        return {kind: await issue_key(session, kind, company_id=company_id) for kind in KeyKind}


@pytest.fixture
async def client(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    app = create_application(Edge(engine, SIGNER, "http://shop.example"), [router])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/momentum") as client:
        yield client


def bearer(credential: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}", **headers}


async def key_count(engine: AsyncEngine, company_id: UUID) -> int:
    async with transaction(engine, company_id=company_id) as session:
        return await session.scalar(select(func.count()).select_from(ApiKey)) or 0


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic x"}, bearer("sk_unknown"), bearer("c.x.y.z.w.v")])
async def test_nobody_is_let_in(client: httpx.AsyncClient, header: dict[str, str]) -> None:
    answer = await client.get("/open", headers=header)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_each_kind_of_caller_has_its_own_doors(
    client: httpx.AsyncClient, keys: dict[KeyKind, str], company_id: UUID
) -> None:
    cart_id = uuid7()
    token = cart_token(SIGNER, company_id=company_id, cart_id=cart_id)
    assert (await client.get("/open", headers=bearer(keys[KeyKind.PUBLISHABLE]))).status_code == 200
    assert (await client.get("/open", headers=bearer(token))).status_code == 403
    assert (
        await client.post("/notes", headers=bearer(keys[KeyKind.PUBLISHABLE]), json={"text": "a"})
    ).status_code == 403
    assert (await client.get(f"/carts/{cart_id}", headers=bearer(token))).json() == {"cart": str(cart_id)}
    assert (await client.get(f"/carts/{uuid7()}", headers=bearer(token))).status_code == 404
    assert (await client.get(f"/carts/{cart_id}", headers=bearer(keys[KeyKind.SECRET]))).status_code == 403


async def test_a_revoked_key_is_nobody(
    client: httpx.AsyncClient, keys: dict[KeyKind, str], company_id: UUID, engine: AsyncEngine
) -> None:
    async with transaction(engine, company_id=company_id) as session:
        await session.execute(text("UPDATE api_keys SET revoked_at = clock_timestamp()"))
    assert (await client.get("/open", headers=bearer(keys[KeyKind.SECRET]))).status_code == 401


async def test_a_repeat_gets_the_first_answer_and_does_nothing(
    client: httpx.AsyncClient, keys: dict[KeyKind, str], company_id: UUID, engine: AsyncEngine
) -> None:
    headers = bearer(keys[KeyKind.SECRET], **{"Idempotency-Key": "one"})
    first = await client.post("/notes", headers=headers, json={"text": "a"})
    again = await client.post("/notes", headers=headers, json={"text": "a"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == {"text": "a", "key": first.json()["key"]}  # all but the credential
    assert await key_count(engine, company_id) == 3
    other = await client.post("/notes", headers=headers, json={"text": "b"})
    assert (other.status_code, await key_count(engine, company_id)) == (409, 3)


async def test_an_error_keeps_nothing_and_may_be_tried_again(
    client: httpx.AsyncClient, keys: dict[KeyKind, str], company_id: UUID, engine: AsyncEngine
) -> None:
    headers = bearer(keys[KeyKind.SECRET], **{"Idempotency-Key": "two"})
    assert (await client.post("/notes", headers=headers, json={"text": "a", "fail": True})).status_code == 409
    assert await key_count(engine, company_id) == 2
    async with transaction(engine, company_id=company_id) as session:
        assert (await session.scalars(select(IdempotencyKey.key))).all() == []
    assert (await client.post("/notes", headers=headers, json={"text": "a"})).status_code == 201


@pytest.mark.parametrize("text_", ["nul \0", "half \ud800"])
async def test_text_that_cannot_be_stored_is_malformed(
    client: httpx.AsyncClient, keys: dict[KeyKind, str], text_: str
) -> None:
    content = '{"text": "' + text_.encode("unicode_escape").decode().replace("\\x00", "\\u0000") + '"}'
    answer = await client.post(
        "/notes", headers=bearer(keys[KeyKind.SECRET], **{"Content-Type": "application/json"}), content=content
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
