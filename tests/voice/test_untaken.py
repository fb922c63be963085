"""A call that nobody could take up is ended at once: its line is free, and the carrier is told."""

from uuid import UUID

import pytest
from fastapi import WebSocket
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message

from db.tables.voice import EndReason, VoiceCall, VoiceCallOutcome, VoiceCallStatus
from graphs.voice_call.events import LiveCall
from tests.factories import NOW
from tests.recovery.shops import open_shop
from tests.voice.calls import make_call
from tests.voice.test_once import Carrier
from voice.calls.schemas import StreamedCall
from voice.pipeline import Phone, hold_call
from voice.speech.local import LocalSpeech


class Unready(Exception):
    """The rows cannot be read."""


class NobodyThere:
    async def answer(self, call_id: UUID, *, company_id: UUID) -> LiveCall:
        raise Unready


async def _receive() -> Message:
    raise AssertionError("nobody listens")


async def _send(_: Message) -> None:
    raise AssertionError("nobody speaks")


async def test_a_call_that_cannot_be_taken_up_is_ended_at_once(engine: AsyncEngine) -> None:
    shop = await open_shop(engine)
    call = await make_call(engine, shop, at=NOW, status=VoiceCallStatus.TALKING)
    carrier = Carrier()
    phone = Phone(engine, NobodyThere(), LocalSpeech(), carrier)
    websocket = WebSocket({"type": "websocket"}, _receive, _send)

    with pytest.raises(Unready):
        await hold_call(phone, StreamedCall(call.id, shop.id, "CA1"), websocket, stream_sid="MZ1")

    async with shop.begin() as session:
        row = await session.get_one(VoiceCall, (shop.id, call.id))
    assert (row.status, row.slot, row.outcome, row.end_reason) == (
        VoiceCallStatus.ENDED,
        None,
        VoiceCallOutcome.DISCONNECTED,
        EndReason.FAILED,
    )
    assert carrier.hung_up == ["CA1"]
