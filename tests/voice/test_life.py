"""A call once it has a row: its stream opens once, its end is one end, and everything that waited for it goes on."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.session import transaction
from db.tables.carts import PaymentState
from db.tables.conversations import ConversationChannel, MessageRole
from db.tables.delivery import MessageEvent
from db.tables.recovery import CartSaveOutcome, CartSaveStatus
from db.tables.voice import EndReason, VoiceCall, VoiceCallOutcome, VoiceCallStatus
from graphs.conversations import service as conversations
from graphs.conversations.transcript.repository import TranscriptRepository
from graphs.voice_call import calls as heard
from policy.tokens import BadToken
from recovery import service as recovery
from tests.factories import NOW, SIGNER
from tests.policy.races import somebody_waits
from tests.recovery.shops import Shop
from tests.voice.calls import make_call
from voice.calls import service
from voice.calls.schemas import StreamedCall


async def read(shop: Shop, call: VoiceCall) -> VoiceCall:
    found: list[VoiceCall] = await shop.rows(select(VoiceCall).where(VoiceCall.id == call.id))
    return found[0]


async def token_for(engine: AsyncEngine, shop: Shop, call: VoiceCall) -> str:
    async with transaction(engine, company_id=shop.id) as session:
        return service.issue_stream_token(await session.get_one(VoiceCall, (shop.id, call.id)), signer=SIGNER)


async def end(engine: AsyncEngine, call: VoiceCall, outcome: VoiceCallOutcome, reason: EndReason) -> bool:
    async with transaction(engine, company_id=call.company_id) as session:
        return await service.finish(
            session, call.id, company_id=call.company_id, outcome=outcome, end_reason=reason, now=NOW
        )


async def test_a_stream_opens_once(engine: AsyncEngine, shop: Shop) -> None:
    call = await make_call(engine, shop, at=NOW, status=VoiceCallStatus.ANSWERED)
    replaced = await token_for(engine, shop, call)
    token = await token_for(engine, shop, call)
    for wrong in (replaced, token[:-1], "", "v.x"):
        with pytest.raises(BadToken):
            async with transaction(engine, company_id=None) as session:
                await service.open_stream(session, wrong, signer=SIGNER, now=NOW)
    assert (await read(shop, call)).status is VoiceCallStatus.ANSWERED
    async with transaction(engine, company_id=None) as session:
        opened = await service.open_stream(session, token, signer=SIGNER, now=NOW)
    assert opened == StreamedCall(call.id, shop.id, call.provider_id or "")
    with pytest.raises(BadToken):
        async with transaction(engine, company_id=None) as session:
            await service.open_stream(session, token, signer=SIGNER, now=NOW)
    found = await read(shop, call)
    assert (found.status, found.stream_token_used_at) == (VoiceCallStatus.TALKING, NOW)


async def test_who_buys_as_the_stream_opens_is_not_talked_to(engine: AsyncEngine, shop: Shop) -> None:
    call = await make_call(engine, shop, at=NOW, status=VoiceCallStatus.ANSWERED)
    token = await token_for(engine, shop, call)

    async def opens() -> StreamedCall | None:
        async with transaction(engine, company_id=None) as session:
            return await service.open_stream(session, token, signer=SIGNER, now=NOW)

    async with asyncio.timeout(20), shop.begin() as session:
        await recovery.convert(
            session, call.cart_id, company_id=shop.id, order_id="1", payment_state=PaymentState.PAID, now=NOW
        )
        opening = asyncio.create_task(opens())
        await somebody_waits(engine, opening)
    assert await opening is None
    assert (await read(shop, call)).end_reason is EndReason.CANCELLED


async def test_the_first_outcome_wins_and_frees_the_line(engine: AsyncEngine, shop: Shop) -> None:
    call = await make_call(engine, shop, at=NOW, status=VoiceCallStatus.TALKING)
    assert await end(engine, call, VoiceCallOutcome.DISCOUNT_ACCEPTED, EndReason.COMPLETED)
    assert not await end(engine, call, VoiceCallOutcome.DISCONNECTED, EndReason.HUNG_UP)
    found = await read(shop, call)
    assert (found.status, found.slot, found.outcome, found.end_reason, found.completed_at) == (
        VoiceCallStatus.ENDED,
        None,
        VoiceCallOutcome.DISCOUNT_ACCEPTED,
        EndReason.COMPLETED,
        NOW,
    )
    (intervention,) = await shop.interventions()
    assert (intervention.status, intervention.error_message) == ("DELIVERED", None)
    assert [event.kind for event in await shop.rows(select(MessageEvent))] == ["REPLIED"]
    attempt = await shop.attempt(call.attempt_id)
    assert attempt.status is CartSaveStatus.IN_PROGRESS


async def test_nobody_reached_is_no_touch(engine: AsyncEngine, shop: Shop) -> None:
    call = await make_call(engine, shop, at=NOW)
    assert await end(engine, call, VoiceCallOutcome.NO_ANSWER, EndReason.BUSY)
    (intervention,) = await shop.interventions()
    assert (intervention.status, intervention.error_message) == ("FAILED", "BUSY")
    assert await shop.rows(select(MessageEvent)) == []


async def test_who_declined_is_left_in_peace(engine: AsyncEngine, shop: Shop) -> None:
    call = await make_call(engine, shop, at=NOW, status=VoiceCallStatus.TALKING)
    assert await end(engine, call, VoiceCallOutcome.DECLINED, EndReason.DECLINED)
    attempt = await shop.attempt(call.attempt_id)
    assert (attempt.outcome, attempt.due_at) == (CartSaveOutcome.CANCELLED, None)


async def test_who_only_took_the_link_has_not_declined(engine: AsyncEngine, shop: Shop) -> None:
    call = await make_call(engine, shop, at=NOW, status=VoiceCallStatus.TALKING)
    assert await end(engine, call, VoiceCallOutcome.DECLINED, EndReason.COMPLETED)
    assert (await shop.attempt(call.attempt_id)).status is CartSaveStatus.IN_PROGRESS


async def test_a_call_that_ended_is_let_go(engine: AsyncEngine, shop: Shop) -> None:
    call = await make_call(engine, shop, at=NOW, status=VoiceCallStatus.TALKING, silent_for=timedelta(minutes=5))
    async with transaction(engine, company_id=shop.id) as session:
        assert await service.beat(session, call.id, company_id=shop.id)
    assert (await read(shop, call)).heartbeat_at - call.heartbeat_at > timedelta(minutes=4)
    await end(engine, call, VoiceCallOutcome.RECOVERED, EndReason.COMPLETED)
    async with transaction(engine, company_id=shop.id) as session:
        assert not await service.beat(session, call.id, company_id=shop.id)


async def test_the_transcript_is_kept_with_the_call(engine: AsyncEngine, shop: Shop) -> None:
    call = await make_call(engine, shop, at=NOW, status=VoiceCallStatus.TALKING, answered_at=NOW)
    async with transaction(engine, company_id=shop.id) as session:
        conversation = await conversations.open_conversation(
            session,
            call.cart_id,
            company_id=shop.id,
            channel=ConversationChannel.VOICE,
            policy_version=0,
            disclosure="This is an AI.",
            now=NOW,
        )
        await TranscriptRepository(session).add(
            conversation.id,
            MessageRole.USER,
            "Yes, that's me.",
            company_id=shop.id,
            turn_id=None,
            bindings={"atMs": 2500},
            now=NOW,
        )
        await heard.played(session, conversation.id, 1, company_id=shop.id, at_ms=10, whole=True)
        (await session.get_one(VoiceCall, (shop.id, call.id))).session_id = conversation.id
    await end(engine, call, VoiceCallOutcome.DISCONNECTED, EndReason.HUNG_UP)
    assert (await read(shop, call)).transcript == [
        {"speaker": "AGENT", "text": "This is an AI.", "atMs": 10},
        {"speaker": "CUSTOMER", "text": "Yes, that's me.", "atMs": 2500},
    ]
