"""Who may open a call's stream: the one with its token, once."""

import json
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no py.typed
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from db.clock import real_now
from db.tables.voice import EndReason, VoiceCall, VoiceCallOutcome, VoiceCallStatus
from policy.tokens import Token, TokenKind
from recovery import responses
from tests.factories import NOW, SIGNER
from tests.recovery.shops import Shop
from tests.voice.lines import ACCOUNT, SIGNATURE, Customer, Exchange, exchange
from tests.voice.scripted import ScriptedCall

CONNECTED = json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})


def start(call: VoiceCall, token: str | None, *, call_sid: str | None = None) -> str:
    said = {
        "streamSid": "MZ1",
        "accountSid": "AC1",
        "callSid": call_sid or call.provider_id,
        "tracks": ["inbound"],
        "customParameters": {} if token is None else {"token": token},
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    }
    return json.dumps({"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": said})


async def refused(line: Exchange, *messages: str) -> int:
    """The code that the connection is closed with."""
    async with connect(line.url, additional_headers={"X-Twilio-Signature": SIGNATURE}) as connection:
        for message in messages:
            await connection.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def untouched(line: Exchange, call: VoiceCall) -> bool:
    row = await line.row(call.id)
    return (
        (row.status, row.stream_token_used_at) == (VoiceCallStatus.ANSWERED, None)
        and isinstance(line.live, ScriptedCall)
        and line.live.told == []
        and line.carrier.hung_up == []
    )


async def test_a_token_that_is_not_good_opens_nothing(engine: AsyncEngine, shop: Shop) -> None:
    async with exchange(engine, shop, ScriptedCall()) as line:
        call, token = await line.answered_call()
        other = f"{token[:-4]}AAAA"
        late = SIGNER.sign(Token(TokenKind.STREAM, shop.id, (call.id,), real_now() - timedelta(seconds=1)))
        for wrong in (None, "", "no-token", other, late):
            assert await refused(line, CONNECTED, start(call, wrong)) == 1008
            assert await untouched(line, call)
        # The right token, for another call of the carrier: it is not used up.
        assert await refused(line, CONNECTED, start(call, token, call_sid="CA0")) == 1008
        assert await untouched(line, call)


async def test_a_request_that_the_carrier_did_not_sign_is_refused(engine: AsyncEngine, shop: Shop) -> None:
    of_another_account = RequestValidator("another token").compute_signature(ACCOUNT.stream_url, {})
    of_another_address = RequestValidator(ACCOUNT.auth_token).compute_signature("wss://shop.example/elsewhere", {})
    async with exchange(engine, shop, ScriptedCall()) as line:
        call, token = await line.answered_call()
        for signature in (None, "", of_another_account, of_another_address):
            headers = {} if signature is None else {"X-Twilio-Signature": signature}
            with pytest.raises(InvalidStatus) as refused:
                async with connect(line.url, additional_headers=headers) as connection:
                    await connection.send(start(call, token))
            assert refused.value.response.status_code == 403
            assert await untouched(line, call)


async def test_a_token_opens_one_stream(engine: AsyncEngine, shop: Shop) -> None:
    live = ScriptedCall()
    async with exchange(engine, shop, live) as line:
        call, token = await line.answered_call()
        customer = Customer(call, token)
        customer.stream.hang_up()
        await customer.stream.carry(line.url)
        await line.carrier.when.wait()
        told = list(live.told)
        assert await refused(line, CONNECTED, start(call, token)) == 1008
        assert live.told == told
        assert line.carrier.hung_up == [call.provider_id]


async def test_who_needs_no_call_any_more_when_the_stream_opens_hears_nothing(engine: AsyncEngine, shop: Shop) -> None:
    async with exchange(engine, shop, ScriptedCall()) as line:
        call, token = await line.answered_call()
        async with shop.begin() as session:
            await responses.decline(session, call.attempt_id, company_id=shop.id, now=NOW)
        assert await refused(line, CONNECTED, start(call, token)) == 1000
        row = await line.row(call.id)
        assert isinstance(line.live, ScriptedCall)
        assert line.live.told == []
        # And its token opens nothing any more.
        assert await refused(line, CONNECTED, start(call, token)) == 1008
    assert (row.outcome, row.end_reason, row.slot) == (VoiceCallOutcome.NO_ANSWER, EndReason.CANCELLED, None)


@pytest.mark.parametrize(
    "messages",
    [
        ("not json",),
        ("[]",),
        (CONNECTED, CONNECTED),
        (CONNECTED, json.dumps({"event": "start", "start": {"streamSid": 7}})),
        (json.dumps({"event": "x" * 20_000}),),
    ],
)
async def test_what_does_not_speak_as_twilio_does_is_sent_away(
    engine: AsyncEngine, shop: Shop, messages: tuple[str, ...]
) -> None:
    async with exchange(engine, shop, ScriptedCall()) as line:
        call, _ = await line.answered_call()
        assert await refused(line, *messages) == 1008
        assert await untouched(line, call)
