"""The phone's routes as everybody but the carrier, and as the carrier where it names no call: no row changed."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no py.typed

from api.keys import issue_key
from app.demo.runtime import Runtime
from db.clock import real_now
from db.session import transaction
from db.tables.companies import KeyKind
from db.tables.voice import VoiceCall, VoiceCallStatus
from policy.tokens import Token, TokenKind, cart_token
from tests.app.living import START, World
from tests.app.walls import API, DOORS, For, digests, servers, tampered
from tests.factories import SIGNER
from tests.recovery.shops import Shop, open_shop
from tests.voice.calls import make_call
from voice.account import TwilioAccount
from voice.calls import service as calls

SIGNED = [route for route, door in DOORS.items() if door.caller is For.SIGNED]
CALLBACKS = [route for route in SIGNED if route.startswith("POST ")]
STREAM = f"APIWEBSOCKETROUTE {API}/voice/stream"
NOBODY = UUID(int=5)
POLICY_VIOLATION = 1008


@dataclass(frozen=True)
class Line:
    """A shop with two calls that were answered, another shop with one, and the application that is told of them."""

    app: FastAPI
    client: httpx.AsyncClient
    account: TwilioAccount
    shop: Shop
    other: Shop
    call: VoiceCall
    second: VoiceCall
    foreign: VoiceCall

    def sign(self, url: str, form: dict[str, str], *, auth_token: str | None = None) -> str:
        signature: str = RequestValidator(auth_token or self.account.auth_token).compute_signature(url, form)
        return signature

    def form(self, **changes: str) -> dict[str, str]:
        """Somebody picked up and is busy: either callback of our call changes its row for this."""
        told = {"AccountSid": self.account.account_sid, "CallSid": self.call.provider_id or ""}
        return told | {"CallStatus": "busy", "AnsweredBy": "human"} | changes

    async def token(self, call: VoiceCall) -> str:
        """A new one: the one before it is void."""
        async with transaction(self.shop.engine, company_id=call.company_id) as session:
            return calls.issue_stream_token(await session.merge(call), signer=SIGNER)


@pytest.fixture
async def line(carried: World) -> AsyncIterator[Line]:
    engine, account = carried.engine, carried.parts.carrier
    assert account is not None
    shop, other = await open_shop(engine), await open_shop(engine)
    call = await make_call(engine, shop, at=START, status=VoiceCallStatus.ANSWERED)
    # One call a person and day.
    second = await make_call(engine, shop, at=START - timedelta(days=1), status=VoiceCallStatus.ANSWERED, slot=2)
    foreign = await make_call(engine, other, at=START, status=VoiceCallStatus.ANSWERED)
    app, _ = servers(carried, Runtime(company_id=shop.id, publishable_key="pk_x", port=1))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        yield Line(app, client, account, shop, other, call, second, foreign)


def test_every_signed_route_is_walked_here() -> None:
    assert {*CALLBACKS, STREAM} == {*SIGNED}


async def post(line: Line, url: str, form: dict[str, str], **headers: str) -> httpx.Response:
    return await line.client.post(url, data=form, headers=headers)


def url_of(line: Line, route: str, company_id: UUID, call_id: UUID) -> str:
    return line.account.public_url + route.removeprefix("POST ").format(company_id=company_id, call_id=call_id)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers["content-type"]


async def test_a_callback_is_the_carriers_or_nobodys(line: Line, owner: AsyncEngine) -> None:
    shop, call, form = line.shop, line.call, line.form()
    async with shop.begin() as session:
        key = await issue_key(session, KeyKind.SECRET, company_id=shop.id)
    token = cart_token(SIGNER, company_id=shop.id, cart_id=call.cart_id)
    elsewhere = line.form(AccountSid=f"AC{'2' * 32}")
    before = await digests(owner)
    for route, other_route in zip(CALLBACKS, reversed(CALLBACKS), strict=True):
        url = url_of(line, route, shop.id, call.id)
        good = line.sign(url, form)
        signatures = {
            "nonsense": "nonsense",
            "tampered": tampered(good),
            "another account's": line.sign(url, form, auth_token="another token"),
            "the other route's": line.sign(url_of(line, other_route, shop.id, call.id), form),
            "another call's": line.sign(url_of(line, route, shop.id, line.second.id), form),
            "another company's": line.sign(url_of(line, route, line.other.id, call.id), form),
            "another form's": line.sign(url, line.form(CallStatus="completed")),
        }
        answers = {name: await post(line, url, form, **{"X-Twilio-Signature": it}) for name, it in signatures.items()}
        answers["nobody"] = await post(line, url, form)
        answers["merchant"] = await post(line, url, form, authorization=f"Bearer {key}")
        answers["shopper"] = await post(line, url, form, authorization=f"Bearer {token}")
        signed = {"X-Twilio-Signature": line.sign(url, elsewhere)}
        answers["signed, but of another account"] = await post(line, url, elsewhere, **signed)
        for who, answer in answers.items():
            assert refusal(answer) == (403, "application/problem+json"), (route, who)
        assert await digests(owner) == before, route


async def test_the_carrier_changes_the_call_that_the_address_names_and_no_other(line: Line, owner: AsyncEngine) -> None:
    shop, other, call = line.shop, line.other, line.call
    before = await digests(owner)
    for route in CALLBACKS:
        named = {
            "another company": (other.id, call.id, line.form()),
            "no company": (NOBODY, call.id, line.form()),
            "another call": (shop.id, line.second.id, line.form()),
            "another company's call": (shop.id, line.foreign.id, line.form()),
            "no call": (shop.id, NOBODY, line.form()),
            "another call of the carrier": (shop.id, call.id, line.form(CallSid=line.second.provider_id or "")),
        }
        for what, (company_id, call_id, form) in named.items():
            url = url_of(line, route, company_id, call_id)
            answer = await post(line, url, form, **{"X-Twilio-Signature": line.sign(url, form)})
            assert (answer.status_code, "<Stream" in answer.text) == (DOORS[route].status, False), (route, what)
            assert ("<Hangup" in answer.text) == route.endswith("/answer"), (route, what)
            assert await digests(owner) == before, (route, what)
    # So that a refusal above is the wall's, and not a mistake in the request.
    table = VoiceCall.__tablename__
    for route in CALLBACKS:
        url = url_of(line, route, shop.id, call.id)
        answer = await post(line, url, line.form(), **{"X-Twilio-Signature": line.sign(url, line.form())})
        assert (answer.status_code, "<Stream" in answer.text) == (DOORS[route].status, route.endswith("/answer"))
        after = await digests(owner)
        assert after[table] != before[table], route
        before = after


async def opened(line: Line, signature: str | None, token: str | None, *, call_sid: str | None = None) -> list[Any]:
    """Ask for the stream as Twilio does: what the application did with the socket, and the code it closed it with."""
    parameters = {} if token is None else {"token": token}
    start = {"streamSid": "MZ1", "callSid": call_sid or line.call.provider_id, "customParameters": parameters}
    message = json.dumps({"event": "start", "streamSid": "MZ1", "start": start})
    incoming: list[dict[str, Any]] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": message},
        {"type": "websocket.disconnect", "code": 1005},
    ]
    done: list[Any] = []

    async def receive() -> dict[str, Any]:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        done.extend([message["type"].removeprefix("websocket."), *filter(None, [message.get("code")])])

    headers = [] if signature is None else [(b"x-twilio-signature", signature.encode())]
    scope = {"type": "websocket", "path": STREAM.split(" ")[1], "query_string": b"", "headers": headers}
    await line.app(scope, receive, send)
    return done


async def test_a_stream_that_the_carrier_did_not_ask_for_is_not_accepted(line: Line, owner: AsyncEngine) -> None:
    token, url = await line.token(line.call), line.account.stream_url
    signatures = {
        "nobody": None,
        "nonsense": "nonsense",
        "tampered": tampered(line.sign(url, {})),
        "another account's": line.sign(url, {}, auth_token="another token"),
        "a callback's": line.sign(line.account.webhook(line.shop.id, line.call.id, "answer"), {}),
    }
    before = await digests(owner)
    for who, signature in signatures.items():
        assert await opened(line, signature, token) == ["close", POLICY_VIOLATION], who
    assert await digests(owner) == before


async def test_a_stream_opens_with_its_own_token_once(line: Line, owner: AsyncEngine) -> None:
    replaced = await line.token(line.call)
    token, seconds, foreign = [await line.token(each) for each in (line.call, line.second, line.foreign)]
    read = SIGNER.read(token, kind=TokenKind.STREAM, now=real_now())
    signature = line.sign(line.account.stream_url, {})
    tokens = {
        "none": None,
        "nonsense": "nonsense",
        "tampered": tampered(token),
        "replaced": replaced,
        "another call's": seconds,
        "another company's": foreign,
        "signed for another company": SIGNER.sign(replace(read, company_id=line.other.id)),
        "a cart's": cart_token(SIGNER, company_id=line.shop.id, cart_id=line.call.cart_id),
        "signed for another kind": SIGNER.sign(Token(TokenKind.CART, line.shop.id, (line.call.id,), read.expires_at)),
    }
    before = await digests(owner)
    for which, each in tokens.items():
        assert await opened(line, signature, each) == ["accept", "close", POLICY_VIOLATION], which
        assert await digests(owner) == before, which
    assert await opened(line, signature, token, call_sid="CA0") == ["accept", "close", POLICY_VIOLATION]
    assert await digests(owner) == before
    # None of them has used it up.
    async with transaction(line.shop.engine, company_id=None) as session:
        streamed = await calls.open_stream(session, token, signer=SIGNER, now=START)
        assert streamed is not None
        assert streamed.call_id == line.call.id
    before = await digests(owner)
    assert await opened(line, signature, token) == ["accept", "close", POLICY_VIOLATION]
    assert await digests(owner) == before


async def test_a_stream_opens_in_time_or_not_at_all(line: Line, owner: AsyncEngine) -> None:
    read = SIGNER.read(await line.token(line.call), kind=TokenKind.STREAM, now=real_now())
    late = SIGNER.sign(replace(read, expires_at=real_now() - timedelta(seconds=1)))
    # As if it had been given out a minute ago: but for its age it is the call's own.
    async with line.shop.begin() as session:
        call = await session.merge(line.call)
        call.stream_token_hash = sha256(late.encode()).hexdigest()
    before = await digests(owner)
    assert await opened(line, line.sign(line.account.stream_url, {}), late) == ["accept", "close", POLICY_VIOLATION]
    assert await digests(owner) == before
