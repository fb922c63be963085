"""A server that holds calls, Twilio's end of the line, and a customer with a voice: all on loopback."""

import asyncio
import audioop
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import uvicorn
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no py.typed

from app.simulator.media import MediaStream
from db.session import transaction
from db.tables.voice import VoiceCall, VoiceCallStatus
from graphs.voice_call.events import LiveCall
from tests.factories import NOW, SIGNER
from tests.recovery.shops import Shop
from tests.voice.calls import make_call
from tests.voice.scripted import ScriptedAgent
from voice.account import TwilioAccount
from voice.calls import service as calls
from voice.pipeline import Limits, Phone
from voice.speech.local import LocalSpeech
from voice.speech.local_models import get_local_models
from voice.speech.schemas import Speech
from voice.stream import PATH, TOKEN_PARAMETER, stream_router
from voice.telephony import Dial
from voice.turns.policies import TurnStop

# The address stands behind another one, as with a proxy: it is the public one that is signed.
ACCOUNT = TwilioAccount("AC1", "a token of the tests", "+15005550006", None, "https://shop.example")
SIGNATURE: str = RequestValidator(ACCOUNT.auth_token).compute_signature(ACCOUNT.stream_url, {})
QUIET_RMS = 300
LIMITS = Limits(call_s=30, idle_s=2, beat_every_s=0.2)


@dataclass
class Carrier:
    """Records who was hung up."""

    hung_up: list[str] = field(default_factory=list)
    when: asyncio.Event = field(default_factory=asyncio.Event)

    async def dial(self, dial: Dial) -> str:
        raise AssertionError("nobody dials here")

    async def hang_up(self, provider_id: str) -> None:
        self.hung_up.append(provider_id)
        self.when.set()


@dataclass
class Exchange:
    engine: AsyncEngine
    shop: Shop
    url: str
    carrier: Carrier
    live: LiveCall

    async def answered_call(self) -> tuple[VoiceCall, str]:
        """A call that was answered just now, and the token that opens its stream."""
        call = await make_call(self.engine, self.shop, at=NOW, status=VoiceCallStatus.ANSWERED)
        return call, await self.token_for(call)

    async def token_for(self, call: VoiceCall) -> str:
        async with transaction(self.engine, company_id=self.shop.id) as session:
            return calls.issue_stream_token(await session.merge(call), signer=SIGNER)

    async def row(self, call_id: UUID) -> VoiceCall:
        async with transaction(self.engine, company_id=self.shop.id) as session:
            return await session.get_one(VoiceCall, (self.shop.id, call_id))


@asynccontextmanager
async def exchange(
    engine: AsyncEngine,
    shop: Shop,
    live: LiveCall,
    *,
    limits: Limits = LIMITS,
    speech: Speech = LocalSpeech(),
) -> AsyncIterator[Exchange]:
    """Everything of a call but its conversation, which is `live`."""
    carrier = Carrier()
    await speech.warm()
    phone = Phone(engine, ScriptedAgent(live), speech, carrier, TurnStop.TIMEOUT, limits)
    app = FastAPI()
    app.include_router(stream_router(phone, SIGNER, ACCOUNT))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="websockets-sansio"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    port = listening.getsockname()[1]
    try:
        yield Exchange(engine, shop, f"ws://127.0.0.1:{port}{PATH}", carrier, live)
    finally:
        server.should_exit = True
        await serving


async def voice(text: str) -> bytes:
    """What the customer's phone sends when they say it: 8 kHz mu-law."""
    return audioop.lin2ulaw(await get_local_models().synthesise(text, rate=8_000), 2)


def to_the_last_word(ulaw: bytes) -> bytes:
    """A recording without the silence behind it."""
    frames = [ulaw[at : at + 160] for at in range(0, len(ulaw), 160)]
    while frames and audioop.rms(audioop.ulaw2lin(frames[-1], 2), 2) < QUIET_RMS:
        frames.pop()
    return b"".join(frames)


async def understood(ulaw: bytes) -> str:
    """What is said in an 8 kHz mu-law recording."""
    wide, _ = audioop.ratecv(audioop.ulaw2lin(ulaw, 2), 2, 1, 8_000, 16_000, None)
    return await get_local_models().recognise(wide)


class Customer:
    """Hears what is played and says what the test tells it to."""

    def __init__(self, call: VoiceCall, token: str) -> None:
        assert call.provider_id is not None
        self.stream = MediaStream(
            account_sid="AC1",
            call_sid=call.provider_id,
            parameters={TOKEN_PARAMETER: token},
            hears=self._hears,
            signature=SIGNATURE,
        )
        self.frames_heard = 0
        self._quiet_frames = 0
        self._changed = asyncio.Event()

    def _hears(self, frame: bytes | None) -> None:
        if frame is None:
            self._quiet_frames += 1
        else:
            self.frames_heard += 1
            self._quiet_frames = 0
        self._changed.set()

    async def until_heard(self, frames: int) -> None:
        """Return when this many frames of ours were played to the customer."""
        while self.frames_heard < frames:
            self._changed.clear()
            await self._changed.wait()

    async def until_said(self) -> None:
        """Return when the customer has nothing more to say, or nobody to say it to."""

        async def said() -> None:
            while self.stream.saying:
                self._changed.clear()
                await self._changed.wait()

        either = {asyncio.create_task(said()), asyncio.create_task(self._closed())}
        _, others = await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()

    async def _closed(self) -> None:
        await self.stream.closed.wait()

    async def until_quiet(self, frames: int = 40) -> None:
        """Return when we have said something and then nothing for so long (40 frames are 0.8 s)."""
        while not self.frames_heard or self._quiet_frames < frames:
            self._changed.clear()
            await self._changed.wait()
        self.frames_heard = 0
