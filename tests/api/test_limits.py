"""Too large, too slow, malformed, not there: always a problem, before anything is opened for it."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message, Receive, Scope, Send

from api.bodies import LINGER, MOST_BYTES, Bodies
from tests.api.doors import CART, application, bearer, calling, open_company

KIB = 1024


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert answer.json()["detail"]
    return answer.status_code, answer.json()["code"]


async def test_a_body_that_says_it_is_too_large_is_not_read(engine: AsyncEngine) -> None:
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(4096):
            taken += KIB
            yield b" " * KIB

    wren = await open_company(engine)
    async with calling(application(engine)) as client:
        headers = bearer(wren.pk, **{"content-length": str(4096 * KIB)})
        answer = await client.post("/carts", headers=headers, content=body())
        assert (code(answer), answer.headers["connection"]) == ((413, "too_large"), "close")
        assert taken == 0
        # Without a length it is dropped for a while, so that the answer arrives, and then no further.
        answer = await client.post("/carts", headers=bearer(wren.pk), content=body())
        assert code(answer) == (413, "too_large")
        assert taken == LINGER * MOST_BYTES + KIB
        fits = b" " * (MOST_BYTES - 64) + b'{"currency": "USD", "items": []}'
        headers = bearer(wren.pk, **{"content-type": "application/json"})
        assert (await client.post("/carts", headers=headers, content=fits)).status_code == 201


async def test_nobody_is_asked_for_less(engine: AsyncEngine) -> None:
    """The limit comes before authentication: it needs no key to be hit, and none to be told."""
    async with calling(application(engine)) as client:
        assert code(await client.post("/carts", content=b" " * (MOST_BYTES + 1))) == (413, "too_large")


class Spy:
    """An application that must not be reached."""

    reached = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached = True


async def test_a_body_that_dribbles_in_is_given_up_before_anything_is_opened() -> None:
    async def receive() -> Message:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"", "more_body": True}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    spy = Spy()
    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    await Bodies(spy, within_s=0.05)(scope, receive, send)
    assert (sent[0]["status"], spy.reached) == (408, False)
    assert (b"connection", b"close") in sent[0]["headers"]


async def test_who_leaves_half_way_through_a_body_gets_nothing_done(engine: AsyncEngine) -> None:
    spy = Spy()
    sent: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    messages = iter(sent)

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await Bodies(spy)({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)
    assert not spy.reached


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", (422, "malformed")),
        (b"", (422, "malformed")),
        (b"[]", (422, "malformed")),
        (b'"text"', (422, "malformed")),
        (b'{"currency": "\xff"}', (400, "bad_request")),
        (b'{"currency": "USD", "items": [], "x": 1}', (422, "malformed")),
        (b'{"currency": "USD", "items": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", (400, "bad_request")),
        (b'{"currency": NaN}', (422, "malformed")),
    ],
)
async def test_json_that_is_none(engine: AsyncEngine, content: bytes, expected: tuple[int, str]) -> None:
    wren = await open_company(engine)
    async with calling(application(engine)) as client:
        headers = bearer(wren.pk, **{"content-type": "application/json"})
        assert code(await client.post("/carts", headers=headers, content=content)) == expected


async def test_what_is_not_there_is_a_problem_too(engine: AsyncEngine) -> None:
    async with calling(application(engine)) as client:
        assert code(await client.get("/nothing")) == (404, "not_found")
        assert code(await client.get("https://carts.example/nothing")) == (404, "not_found")
        answer = await client.put("/carts", json=CART)
        assert (code(answer), answer.headers["allow"]) == ((405, "method_not_allowed"), "POST")
        assert code(await client.get("/products")) == (401, "unauthenticated")


async def test_every_answer_of_the_api_says_how_it_may_be_used(engine: AsyncEngine) -> None:
    app: FastAPI = application(engine)
    async with calling(app) as client:
        for path in ("/products", "/nothing", "/openapi.json"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cache-control"] == "no-store"
            assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
            assert headers["strict-transport-security"] == "max-age=31536000"
    async with calling(application(engine, public_url="http://127.0.0.1:8000")) as client:
        assert "strict-transport-security" not in (await client.get("/products")).headers
