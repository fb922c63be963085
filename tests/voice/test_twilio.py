"""Twilio's own client against a server that speaks Twilio's protocol: what is asked, and what each answer means."""

import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web

from app.simulator.twilio import FakeTwilio, Phone
from db.ids import uuid7
from voice.account import TwilioAccount
from voice.telephony import Dial, DialUnknown, NotDialled
from voice.twilio import TwilioTelephony

SID, TOKEN = f"AC{'1' * 32}", "a token of the tests"
DIAL = Dial(uuid7(), uuid7(), "+15035550142")


@pytest.fixture
async def twilio() -> AsyncIterator[FakeTwilio]:
    async with FakeTwilio(SID, TOKEN, phones={DIAL.to_number: Phone.RINGS}) as fake:
        yield fake


@pytest.fixture
def account(twilio: FakeTwilio) -> TwilioAccount:
    # Nobody listens there: what Twilio asks back is another test's.
    return TwilioAccount(SID, TOKEN, "+15005550006", twilio.base_url, "http://127.0.0.1:9")


async def test_a_call_is_asked_for_once_with_its_limits(twilio: FakeTwilio, account: TwilioAccount) -> None:
    provider_id = await TwilioTelephony(account).dial(DIAL)
    (asked,) = twilio.asked
    there = f"http://127.0.0.1:9/api/momentum/voice/twilio/{DIAL.company_id}/{DIAL.call_id}"
    assert (asked.method, asked.path) == ("POST", f"/2010-04-01/Accounts/{SID}/Calls.json")
    assert asked.form == {
        "To": "+15035550142",
        "From": "+15005550006",
        "Url": f"{there}/answer",
        "StatusCallback": f"{there}/status",
        "StatusCallbackEvent": "completed",
        "Timeout": "25",
        "TimeLimit": "600",
        "MachineDetection": "Enable",
        "MachineDetectionTimeout": "5",
    }
    assert twilio.calls[provider_id].events == ("initiated", "ringing", "answered", "completed")


async def test_hanging_up_is_quiet_whatever_the_call_does(twilio: FakeTwilio, account: TwilioAccount) -> None:
    telephony = TwilioTelephony(account)
    provider_id = await telephony.dial(DIAL)
    await telephony.hang_up(provider_id)
    twilio.calls[provider_id].status = "completed"
    await telephony.hang_up(provider_id)
    await telephony.hang_up("CA-nobody-knows")
    assert twilio.calls[provider_id].stopped.is_set()
    assert [each.form for each in twilio.asked[1:]] == [{"Status": "completed"}] * 3


@pytest.mark.parametrize(
    ("change", "to", "reason"),
    [
        ({"auth_token": "another"}, "+15035550142", "TWILIO_20003"),
        ({}, "5035550142", "TWILIO_21211"),
        ({"base_url": "http://127.0.0.1:9"}, "+15035550142", "UNREACHABLE"),
    ],
)
async def test_what_was_certainly_not_placed_is_said_so(
    twilio: FakeTwilio, account: TwilioAccount, change: dict[str, str], to: str, reason: str
) -> None:
    with pytest.raises(NotDialled) as refused:
        await TwilioTelephony(replace(account, **change)).dial(replace(DIAL, to_number=to))
    assert refused.value.reason == reason
    assert twilio.calls == {}


@pytest.mark.parametrize("fault", ["breaks", "drops"])
async def test_silence_after_the_request_leaves_it_unknown(account: TwilioAccount, fault: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        if fault == "drops":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"code": 20500, "message": "Internal", "status": 500}, status=500)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        with pytest.raises(DialUnknown) as unknown:
            await TwilioTelephony(replace(account, base_url=base_url)).dial(DIAL)
    finally:
        await runner.cleanup()
    assert unknown.value.reason == {"breaks": "TWILIO_20500", "drops": "LINE_LOST"}[fault]


async def test_an_answer_that_does_not_come_is_unknown(account: TwilioAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice.twilio.REQUEST_TIMEOUT_S", 0.2)
    # It listens, so the connection is made; nobody ever reads or answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        telephony = TwilioTelephony(replace(account, base_url=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        with pytest.raises(DialUnknown) as unknown:
            await telephony.dial(DIAL)
    assert unknown.value.reason == "LINE_LOST"
