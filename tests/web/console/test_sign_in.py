"""Signing in and out over HTTP: cookies, lock-out, strangers, and ways on that stay in the console."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from api.keys import issue_key
from db.session import transaction
from db.tables.access import ConsoleSession
from db.tables.companies import Role
from policy.access import service
from policy.access.schemas import Visitor
from tests.factories import SIGNER
from tests.policy.access.desks import PASSWORD, PASSWORDS, Desk, make_desk
from web.console.desk import COOKIE
from web.console.desk import Desk as ConsoleDesk
from web.console.sign_in import sign_in_router, way_in

EMAIL = "admin@shop.example"


@pytest.fixture
async def desk(engine: AsyncEngine) -> Desk:
    desk = await make_desk(engine)
    assert await desk.add_user(Role.ADMIN) == EMAIL
    return desk


def door(engine: AsyncEngine, *, secure: bool = False, address: str = "203.0.113.7") -> httpx.AsyncClient:
    """A browser before the sign-in page."""
    app = FastAPI()
    app.include_router(sign_in_router(ConsoleDesk(engine, SIGNER, PASSWORDS, issue_key, secure)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 1)), base_url="http://shop.test")


@pytest.fixture
async def browser(engine: AsyncEngine, desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with door(engine) as client:
        yield client


async def enter(browser: httpx.AsyncClient, password: str = PASSWORD, **form: str) -> httpx.Response:
    return await browser.post("/console/sign-in", data={"email": EMAIL, "password": password} | form)


async def who(engine: AsyncEngine, token: str | None) -> Visitor | None:
    async with transaction(engine, company_id=None) as session:
        return None if token is None else await service.enter_session(session, token)


async def sessions(desk: Desk) -> int:
    return len((await desk.run(lambda s: s.scalars(select(ConsoleSession.id)))).all())


async def test_the_right_password_opens_a_session_in_a_guarded_cookie(
    browser: httpx.AsyncClient, engine: AsyncEngine, desk: Desk
) -> None:
    answer = await enter(browser, next="/console/audit?after=x")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/audit?after=x")
    cookie = answer.headers["set-cookie"]
    assert cookie.endswith("; HttpOnly; Max-Age=43200; Path=/console; SameSite=lax")
    visitor = await who(engine, browser.cookies[COOKIE])
    assert visitor is not None
    assert (visitor.email, visitor.company_id) == (EMAIL, desk.company_id)
    # Who is signed in goes on at once.
    assert (await browser.get("/console/sign-in?next=/console/outbox")).headers["location"] == "/console/outbox"


@pytest.mark.parametrize("path", ["/console", "/console/"])
async def test_the_door_leads_to_the_conversations(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/conversations")


async def test_over_tls_the_cookie_goes_nowhere_else(engine: AsyncEngine, desk: Desk) -> None:
    async with door(engine, secure=True) as browser:
        assert (await enter(browser)).headers["set-cookie"].endswith("SameSite=lax; Secure")


async def test_a_session_is_never_fixed_from_outside(browser: httpx.AsyncClient, engine: AsyncEngine) -> None:
    browser.cookies.set(COOKIE, "chosen-by-somebody-else", path="/console")
    answer = await enter(browser)
    first = answer.cookies[COOKIE]
    assert first != "chosen-by-somebody-else"
    browser.cookies.clear()
    browser.cookies.set(COOKIE, first, path="/console")
    second = (await enter(browser)).cookies[COOKIE]
    assert second != first
    assert await who(engine, first) is None
    assert await who(engine, second) is not None


@pytest.mark.parametrize(
    ("email", "password"), [(EMAIL, "not the password"), ("nobody@shop.example", PASSWORD), (EMAIL, "x" * 900)]
)
async def test_what_does_not_match_is_refused_in_the_same_words(
    browser: httpx.AsyncClient, desk: Desk, email: str, password: str
) -> None:
    answer = await enter(browser, password, email=email)
    assert answer.status_code == 401
    assert "Email and password do not match" in answer.text
    assert f'value="{email}"' in answer.text, "the email stays in the form"
    assert password not in answer.text
    assert "set-cookie" not in answer.headers
    assert await sessions(desk) == 0


async def test_the_fifth_failure_locks_even_the_right_password_out(engine: AsyncEngine, desk: Desk) -> None:
    for number in range(5):
        async with door(engine, address=f"198.51.100.{number}") as browser:
            assert (await enter(browser, "wrong, but long enough")).status_code == 401
    async with door(engine, address="198.51.100.99") as browser:
        answer = await enter(browser)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) in range(800, 902)
        assert "Wait 15 minutes" in answer.text
        assert await sessions(desk) == 0
        await desk.sql("UPDATE sign_in_tries SET since = since - interval '15 minutes'")
        assert (await enter(browser)).status_code == 303


async def test_signing_out_ends_the_session_and_takes_the_cookie(
    browser: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    token = (await enter(browser)).cookies[COOKIE]
    answer = await browser.post("/console/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    assert COOKIE not in browser.cookies
    assert await who(engine, token) is None


@pytest.mark.parametrize(
    "stranger",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://shop.test"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
async def test_a_form_of_another_site_does_nothing(
    browser: httpx.AsyncClient, engine: AsyncEngine, desk: Desk, stranger: dict[str, str]
) -> None:
    form = {"email": EMAIL, "password": PASSWORD}
    assert (await browser.post("/console/sign-in", data=form, headers=stranger)).status_code == 403
    assert await sessions(desk) == 0
    token = (await enter(browser)).cookies[COOKIE]
    assert (await browser.post("/console/sign-out", headers=stranger)).status_code == 403
    assert await who(engine, token) is not None


@pytest.mark.parametrize(
    "next_page",
    [
        "https://evil.example",
        "//evil.example/console",
        "/consolex",
        "/console\\@evil",
        "/console/../shop",
        "javascript:x",
        "",
    ],
)
async def test_the_way_on_stays_in_the_console(browser: httpx.AsyncClient, next_page: str) -> None:
    assert (await enter(browser, next=next_page)).headers["location"] == "/console"


async def test_the_way_in_keeps_the_whole_address(browser: httpx.AsyncClient) -> None:
    page = await browser.get(way_in("/console/conversations?channel=VOICE&since=2026-11-01"))
    assert 'value="/console/conversations?channel=VOICE&amp;since=2026-11-01"' in page.text
