"""A process dies in a conversation: what the customer had said by then counts (rules C-06, C-23)."""

import asyncio
from functools import partial

import pytest
from sqlalchemy import text

from agents.voice_call.turn import Input, begin
from db.session import transaction
from db.tables.conversations import ChatSession, ChatTurn, ConversationStatus, ToolCall, TurnStatus
from db.tables.customers import Suppression
from db.tables.recovery import CartSaveStatus
from db.tables.voice import VoiceCall, VoiceCallStatus
from tests.agents.voice_call.talk import Phone, agent, ring
from tests.factories import NOW
from tests.recovery.shops import Shop
from tests.voice.lines import Carrier
from voice.calls import jobs as calls
from voice.calls.rules import End


async def swept(shop: Shop, phone: Phone) -> VoiceCall:
    """The process is gone for a minute, and two workers find that out."""
    async with shop.begin() as session:
        await session.execute(text("UPDATE cart_voice_calls SET heartbeat_at = heartbeat_at - interval '1 minute'"))

    async def last_words(end: End) -> End:
        hang_up = await agent(shop.engine).end_lost(phone.call.id, end.reason, company_id=shop.id)
        return End(hang_up.outcome, hang_up.end_reason)

    opened = partial(transaction, shop.engine, company_id=shop.id)
    close = partial(calls.close_lost, opened, Carrier(), last_words, phone.call.id, company_id=shop.id, now=NOW)
    await asyncio.gather(close(), close())
    async with shop.begin() as session:
        return await session.get_one(VoiceCall, (shop.id, phone.call.id))


async def dies_after_storing(shop: Shop, phone: Phone, words: str) -> None:
    """The turn's first transaction is committed, and nothing comes after it."""
    line = phone.line
    await begin(line.parts, line.call_id, line.session_id, Input(text=words, at_ms=9), company_id=shop.id, emit=print)


async def test_an_opt_out_that_was_stored_and_not_kept_is_kept(shop: Shop) -> None:
    phone = await ring(shop, status=VoiceCallStatus.TALKING)
    await phone.identified()
    await dies_after_storing(shop, phone, "Please stop calling me.")
    assert await phone.rows(Suppression) == []
    found = await swept(shop, phone)
    assert (found.status, found.outcome, found.end_reason, found.slot) == ("ENDED", "DECLINED", "OPT_OUT", None)
    assert await phone.rows(Suppression)
    assert {each.name for each in await phone.rows(ToolCall)} == {"set_opt_out"}
    assert {each.status for each in await phone.rows(ChatSession)} == {ConversationStatus.CLOSED}
    assert TurnStatus.RUNNING not in {each.status for each in await phone.rows(ChatTurn)}


async def test_who_had_said_no_has_said_no(shop: Shop) -> None:
    phone = await ring(shop, status=VoiceCallStatus.TALKING)
    await phone.identified()
    await phone.say("I'm not interested.")
    found = await swept(shop, phone)
    assert (found.outcome, found.end_reason) == ("DECLINED", "DECLINED")
    assert (await shop.attempt(phone.call.attempt_id)).status is not CartSaveStatus.IN_PROGRESS


@pytest.mark.parametrize("words", ["Yes, a moment please.", "Do you ship to Canada?"])
async def test_who_had_said_neither_was_cut_off(shop: Shop, words: str) -> None:
    phone = await ring(shop, status=VoiceCallStatus.TALKING)
    await phone.identified()
    await dies_after_storing(shop, phone, words)
    found = await swept(shop, phone)
    assert (found.outcome, found.end_reason) == ("DISCONNECTED", "PROCESS_LOST")
    assert (await shop.attempt(phone.call.attempt_id)).status is CartSaveStatus.IN_PROGRESS
    assert await phone.rows(Suppression) == []
