"""The WebSocket that Twilio opens for an answered call: who may, and which call it is (rules H-50).

The request to open it is signed as a callback is, and its first message carries a token that opens one stream.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

import asyncio
import logging

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.websockets import WebSocketDisconnect

from db.clock import read_clock
from db.session import transaction
from policy.tokens import BadToken, Signer
from voice.account import TwilioAccount
from voice.calls import service as calls
from voice.calls.schemas import StreamedCall
from voice.pipeline import Phone, hold_call
from voice.processors.serializer import MAX_MESSAGE_CHARACTERS

logger = logging.getLogger(__name__)

# Under the API's prefix, for the address that `TwilioAccount.stream_url` gives out.
PATH = "/voice/stream"
# The name of the <Parameter> that carries the one-time token.
TOKEN_PARAMETER = "token"
# From the connection to the `start` message, which Twilio sends at once.
START_WITHIN_S = 5.0
MESSAGES_BEFORE_START = 2

REFUSED = 1008  # policy violation (RFC 6455, 7.4.1)


class NoStart(Exception):
    """What connected does not speak as Twilio does."""


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class Start(_Part):
    stream_sid: str
    call_sid: str
    custom_parameters: dict[str, str] = {}


class _Message(_Part):
    event: str
    start: Start | None = None


def stream_router(phone: Phone, signer: Signer, account: TwilioAccount) -> APIRouter:
    router = APIRouter()

    @router.websocket(PATH)
    async def stream(websocket: WebSocket) -> None:
        """Twilio's side of a call. Without a signature and a good token nothing is read, written or said."""
        if not account.signed(account.stream_url, {}, websocket.headers.get("x-twilio-signature", "")):
            logger.warning("stream_refused", extra={"reason": "Unsigned"})
            await websocket.close(REFUSED)  # before it is accepted: HTTP 403
            return
        await websocket.accept()
        try:
            async with asyncio.timeout(START_WITHIN_S):
                start = await _start(websocket)
            call = await _open(phone, signer, start)
        except (NoStart, BadToken, TimeoutError) as refused:
            logger.warning("stream_refused", extra={"reason": type(refused).__name__})
            await websocket.close(REFUSED)
            return
        except WebSocketDisconnect:
            return
        if call is None:
            await websocket.close()  # without its stream, Twilio ends the call
            return
        await hold_call(phone, call, websocket, stream_sid=start.stream_sid)

    return router


async def _start(websocket: WebSocket) -> Start:
    """The `start` message; `connected` comes before it."""
    for _ in range(MESSAGES_BEFORE_START):
        text = await websocket.receive_text()
        if len(text) > MAX_MESSAGE_CHARACTERS:
            raise NoStart
        try:
            message = _Message.model_validate_json(text)
        except ValidationError as wrong:
            raise NoStart from wrong
        if message.start is not None:
            return message.start
    raise NoStart


async def _open(phone: Phone, signer: Signer, start: Start) -> StreamedCall | None:
    """Use up the token, and only for the call that it was given to. None: the call was called off."""
    async with transaction(phone.engine, company_id=None) as session:
        now = await read_clock(session)
        token = start.custom_parameters.get(TOKEN_PARAMETER, "")
        call = await calls.open_stream(session, token, signer=signer, now=now)
        if call is not None and call.provider_id != start.call_sid:
            raise BadToken
    return call
