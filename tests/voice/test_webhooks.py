"""What the carrier tells us: signed or refused, each ending with its outcome, and nothing twice."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no py.typed

from app.server import create_server
from app.simulator.twilio import FakeCall, Stream
from app.simulator.twilio import Phone as Phoned
from db.session import transaction
from db.tables.carts import PaymentState
from db.tables.customers import SuppressionScope
from db.tables.delivery import MessageEvent
from db.tables.recovery import CartSaveOutcome, PausedReason
from db.tables.voice import EndReason, VoiceCall, VoiceCallOutcome, VoiceCallStatus
from policy.tokens import BadToken
from recovery import attempts, responses
from recovery import service as recovery
from storefront.carts import service as carts
from tests.factories import SIGNER
from tests.voice.phone import CALL, PHONE, Phone
from voice.calls import service


@pytest.mark.parametrize(
    ("phoned", "outcome", "reason"),
    [
        (Phoned.BUSY, "NO_ANSWER", "BUSY"),
        (Phoned.RINGS_OUT, "NO_ANSWER", "NO_ANSWER"),
        (Phoned.FAILS, "NO_ANSWER", "FAILED"),
        (Phoned.SCREENED, "NO_ANSWER", "CALL_SCREENING"),
        (Phoned.MACHINE, "VOICEMAIL", "MACHINE"),
        (Phoned.FAX, "VOICEMAIL", "MACHINE"),
    ],
)
async def test_a_call_that_reaches_nobody_ends_with_its_outcome(
    phone: Phone, phoned: Phoned, outcome: str, reason: str
) -> None:
    phone.twilio.phones[PHONE] = phoned
    await phone.at(CALL)
    call = await phone.call()
    assert (call.status, call.outcome, call.end_reason, call.slot) == ("ENDED", outcome, reason, None)
    assert phone.streams == []
    # To a machine nothing is said.
    said = '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup /></Response>'
    assert phone.twilio.answers == ([said] if outcome == "VOICEMAIL" else [])
    assert await phone.rows(select(MessageEvent)) == []


async def test_a_call_that_is_called_off_while_it_rings(phone: Phone) -> None:
    phone.twilio.phones[PHONE] = Phoned.RINGS
    await phone.world.live_until(CALL)
    call = await phone.call()
    assert call.status is VoiceCallStatus.DIALLED
    telephony = phone.parts.telephony
    assert telephony is not None
    assert call.provider_id is not None
    await telephony.hang_up(call.provider_id)
    await phone.twilio.settled()
    call = await phone.call()
    assert (call.outcome, call.end_reason) == ("NO_ANSWER", "CANCELLED")


async def test_whoever_holds_the_stream_ends_the_call(phone: Phone) -> None:
    """The carrier's last word comes while the outcome is being written: the one that knows it wins."""

    async def talk(_: FakeCall, stream: Stream) -> None:
        async with transaction(phone.engine, company_id=None) as session:
            await service.open_stream(session, stream.parameters["token"], signer=SIGNER, now=CALL)

    phone.twilio.on_stream = talk
    await phone.at(CALL)
    call = await phone.call()
    assert (call.status, call.slot, call.duration_s) == (VoiceCallStatus.TALKING, 1, 1)
    assert call.completed_at is not None
    async with phone.session() as session:
        # Over at the carrier: a heartbeat puts the sweeper off no longer.
        assert not await service.beat(session, call.id, company_id=phone.id)
        await service.finish(
            session,
            call.id,
            company_id=phone.id,
            outcome=VoiceCallOutcome.DISCOUNT_ACCEPTED,
            end_reason=EndReason.COMPLETED,
            now=CALL,
        )
    ended = await phone.call()
    assert (ended.outcome, ended.completed_at) == ("DISCOUNT_ACCEPTED", call.completed_at)


async def stops_calls(phone: Phone, session: AsyncSession) -> None:
    await recovery.opt_out(
        session,
        phone.maya.id,
        company_id=phone.id,
        scope=SuppressionScope.VOICE,
        source="TEST",
        signer=SIGNER,
        now=CALL,
    )


async def buys(phone: Phone, session: AsyncSession) -> None:
    await recovery.convert(
        session, phone.cart_id, company_id=phone.id, order_id="1", payment_state=PaymentState.PAID, now=CALL
    )


async def comes_back(phone: Phone, session: AsyncSession) -> None:
    await carts.restore(session, phone.cart_id, company_id=phone.id, now=CALL)


async def is_not_interested(phone: Phone, session: AsyncSession) -> None:
    await responses.decline(session, phone.attempt_id, company_id=phone.id, now=CALL)


async def is_let_go(phone: Phone, session: AsyncSession) -> None:
    await recovery.complete(session, phone.attempt_id, CartSaveOutcome.CANCELLED, company_id=phone.id, now=CALL)


async def is_passed_to_a_person(phone: Phone, session: AsyncSession) -> None:
    attempt = await attempts.lock_running(session, phone.attempt_id, company_id=phone.id)
    await attempts.pause(session, attempt, PausedReason.HANDED_OFF, company_id=phone.id, now=CALL)


@pytest.mark.parametrize(
    "meanwhile", [stops_calls, buys, comes_back, is_not_interested, is_let_go, is_passed_to_a_person]
)
async def test_who_needs_no_call_any_more_when_they_answer_is_hung_up_on_in_silence(
    phone: Phone, meanwhile: Callable[[Phone, AsyncSession], Awaitable[None]]
) -> None:
    _, form, post = await ringing(phone)
    async with phone.session() as session:
        await meanwhile(phone, session)
    status, twiml = await post("answer", form)
    assert (status, "Hangup" in twiml, "Stream" in twiml) == (200, True, False)
    call = await phone.call()
    assert (call.outcome, call.end_reason, call.slot) == ("NO_ANSWER", "CANCELLED", None)
    assert call.stream_token_hash is None


async def ringing(phone: Phone) -> tuple[VoiceCall, dict[str, str], Callable[..., Awaitable[tuple[int, str]]]]:
    """A call that rings, the form of its answer, and a way to post it."""
    phone.twilio.phones[PHONE] = Phoned.RINGS
    await phone.world.live_until(CALL)
    call = await phone.call()
    form = phone.twilio.parameters(phone.twilio.calls[call.provider_id or ""])
    carrier = phone.parts.carrier
    assert carrier is not None

    async def post(name: str, form: dict[str, str], **more: str) -> tuple[int, str]:
        return await phone.twilio.post(carrier.webhook(phone.id, call.id, name), form, **more)

    return call, form | {"CallStatus": "in-progress", "AnsweredBy": "human"}, post


def state(call: VoiceCall) -> dict[str, object]:
    return {name: value for name, value in vars(call).items() if not name.startswith("_")}


@pytest.mark.parametrize("name", ["answer", "status"])
@pytest.mark.parametrize("signature", ["", "not-base64!", "c2lnbmF0dXJlIG9mIG5vYm9keSwgYXQgYWxs"])
async def test_an_unsigned_callback_writes_nothing(phone: Phone, name: str, signature: str) -> None:
    _, form, _ = await ringing(phone)
    before = state(await phone.call())
    over = form | {"CallStatus": "completed", "CallDuration": "9"}
    answer = await phone.world.client.post(
        f"/api/momentum/voice/twilio/{phone.id}/{before['id']}/{name}",
        data=over,
        headers={"X-Twilio-Signature": signature} if signature else {},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert state(await phone.call()) == before


async def test_a_signature_holds_for_its_own_address_and_form(phone: Phone) -> None:
    """What was signed for one call, route or form is good for no other."""
    call, form, _ = await ringing(phone)
    before = state(await phone.call())
    carrier = phone.parts.carrier
    assert carrier is not None
    sign = RequestValidator(carrier.auth_token).compute_signature
    status_url = carrier.webhook(phone.id, call.id, "status")
    answer_url = carrier.webhook(phone.id, call.id, "answer")
    tries = [
        (answer_url, form, sign(status_url, form)),
        (status_url, form | {"CallStatus": "busy"}, sign(status_url, form)),
        (f"{status_url}?x=1", form, sign(status_url, form)),
        (status_url, form | {"AccountSid": f"AC{'2' * 32}"}, sign(status_url, form | {"AccountSid": f"AC{'2' * 32}"})),
    ]
    for url, sent, signature in tries:
        assert (await phone.twilio.post(url, sent, signature=signature))[0] == 403
    assert state(await phone.call()) == before


async def test_what_names_no_call_is_malformed(phone: Phone) -> None:
    _, form, post = await ringing(phone)
    before = state(await phone.call())
    assert (await post("status", {"AccountSid": form["AccountSid"]}))[0] == 422
    assert (await post("status", form | {"CallDuration": "soon"}))[0] == 422
    assert state(await phone.call()) == before


async def test_a_callback_of_another_call_changes_nothing(phone: Phone) -> None:
    _, form, post = await ringing(phone)
    before = state(await phone.call())
    other = form | {"CallSid": f"CA{'9' * 32}"}
    assert (await post("status", other | {"CallStatus": "busy"}))[0] == 204
    status, twiml = await post("answer", other)
    assert (status, "Hangup" in twiml) == (200, True)
    assert state(await phone.call()) == before


async def test_asked_twice_only_the_newer_token_is_good(phone: Phone) -> None:
    _, form, post = await ringing(phone)
    _, first = await post("answer", form)
    _, second = await post("answer", form)
    tokens = [each.split('value="')[1].split('"')[0] for each in (first, second)]
    assert tokens[0] != tokens[1]
    async with transaction(phone.engine, company_id=None) as session:
        with pytest.raises(BadToken):
            await service.open_stream(session, tokens[0], signer=SIGNER, now=CALL)
    async with transaction(phone.engine, company_id=None) as session:
        await service.open_stream(session, tokens[1], signer=SIGNER, now=CALL)
    # And when the stream is open, whoever asks again hears nothing.
    _, third = await post("answer", form)
    assert "Hangup" in third
    assert (await phone.call()).status is VoiceCallStatus.TALKING


async def test_a_replayed_ending_changes_nothing(phone: Phone) -> None:
    _, form, post = await ringing(phone)
    ended = form | {"CallStatus": "no-answer", "AnsweredBy": ""}
    assert (await post("status", ended))[0] == 204
    before = state(await phone.call())
    assert before["end_reason"] == EndReason.NO_ANSWER
    for late in ("busy", "completed", "ringing", "no-answer"):
        assert (await post("status", ended | {"CallStatus": late}))[0] == 204
    assert "Hangup" in (await post("answer", form))[1]
    assert state(await phone.call()) == before


async def test_without_a_carrier_there_are_no_callbacks(phone: Phone) -> None:
    server = create_server(replace(phone.parts, carrier=None, telephony=None))
    transport = httpx.ASGITransport(server)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        answer = await client.post(f"/api/momentum/voice/twilio/{phone.id}/{phone.id}/status", data={})
    assert answer.status_code == 404
