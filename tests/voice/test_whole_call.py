"""A whole call as it runs: dialler, webhooks, stream, pipeline and agent, with a customer who listens and speaks."""

import audioop
import re
from collections.abc import Iterator
from difflib import SequenceMatcher

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.simulator.caller import ScriptedCaller
from app.simulator.scenarios import SCENARIOS, ScenarioName
from db.tables.policy import Grant
from db.tables.voice import EndReason, VoiceCallOutcome, VoiceCallStatus
from tests.voice.phone import CALL, calling_shop
from voice.speech.local_models import get_local_models

# The recogniser hears a recording in pieces of about so long, cut where nothing is said: half a number is another one.
PIECE_BYTES, PAUSE_BYTES, FRAME_BYTES = 8_000 * 8, 8_000 // 2, 160
QUIET = 200


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+|\d+", text.lower())


async def heard_again(ulaw: bytes) -> str:
    """What speech to text makes of a recording."""
    pieces = []
    for piece in between_pauses(ulaw):
        narrow = audioop.ulaw2lin(piece, 2)
        wide, _ = audioop.ratecv(narrow, 2, 1, 8_000, 16_000, None)
        pieces.append(await get_local_models().recognise(wide))
    return " ".join(pieces)


def between_pauses(ulaw: bytes) -> Iterator[bytes]:
    start = quiet = 0
    for at in range(0, len(ulaw), FRAME_BYTES):
        loud = audioop.rms(audioop.ulaw2lin(ulaw[at : at + FRAME_BYTES], 2), 2) > QUIET
        quiet = 0 if loud else quiet + FRAME_BYTES
        if at - start >= PIECE_BYTES and quiet >= PAUSE_BYTES:
            yield ulaw[start:at]
            start = at
    yield ulaw[start:]


def share_heard(said: str, heard: str) -> float:
    """How many of the words that were said are heard, in their order."""
    expected = words(said)
    matcher = SequenceMatcher(a=expected, b=words(heard), autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / len(expected)


@pytest.mark.phone
@pytest.mark.timeout(400)
async def test_a_customer_who_talks_over_us_accepts_an_offer(engine: AsyncEngine) -> None:
    async with calling_shop(engine, holds_calls=True) as phone:
        caller = ScriptedCaller(get_local_models(), SCENARIOS[ScenarioName.BARGE_IN], name="Maya")
        phone.twilio.on_stream = caller.answer
        await phone.at(CALL)
    # The server has finished what it held.
    call = await phone.call()
    grants: list[Grant] = await phone.rows(select(Grant))
    assert (call.status, call.slot) == (VoiceCallStatus.ENDED, None)
    assert (call.outcome, call.end_reason) == (VoiceCallOutcome.DISCOUNT_ACCEPTED, EndReason.COMPLETED)
    (grant,) = grants
    assert (call.grant_id, grant.status) == (grant.id, "COMMITTED")

    assert call.transcript is not None
    said = [str(row["text"]) for row in call.transcript if row["speaker"] == "AGENT"]
    assert caller.stream is not None
    heard = await heard_again(bytes(caller.stream.agent))
    # The customer spoke into the disclosure, and yet it is there to its last word.
    assert caller.said[0] == "Hello? Who is this?"
    assert share_heard(said[0], heard) > 0.85
    assert "stored as text" in heard.lower()
    # No number was said that stands in no row.
    written = set(re.findall(r"\d+", " ".join(said)))
    assert set(re.findall(r"\d+", heard)) <= written
    assert "20" in written
    assert caller.measured.silences_ms
