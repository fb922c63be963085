"""Twilio's end of a media stream: what Twilio sends, with its quirks, and what it does with what it is sent.

Audio is played at the pace of a real line: a mark comes back when everything before it was heard, and `clear` throws
away what was not, and returns its marks at once.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

import asyncio
import base64
import json
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from time import perf_counter

from pydantic import BaseModel
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

FRAME_BYTES, FRAME_S = 160, 0.02
SILENCE = b"\xff" * FRAME_BYTES
ANSWER_WITHIN_S = 10.0

# Told of each 20 ms: what the customer hears, or None where nothing is played.
Hears = Callable[[bytes | None], None]


class _Media(BaseModel):
    payload: str


class _Mark(BaseModel):
    name: str


class _Message(BaseModel):
    """What may come from us to Twilio."""

    event: str
    streamSid: str
    media: _Media | None = None
    mark: _Mark | None = None


class MediaStream:
    """One call's media. `agent` and `customer` are what each said, 8 kHz mu-law, on one time line."""

    def __init__(
        self, *, account_sid: str, call_sid: str, parameters: Mapping[str, str], hears: Hears, signature: str
    ) -> None:
        self.stream_sid = f"MZ{secrets.token_hex(16)}"
        self._account_sid, self._call_sid, self._parameters = account_sid, call_sid, parameters
        self._hears, self._signature = hears, signature
        self.agent, self.customer = bytearray(), bytearray()
        self.cleared_at: float | None = None
        self.marks_returned: list[str] = []
        self.closed = asyncio.Event()
        # Audio and marks in the order they came; a mark is a name.
        self._playing: deque[bytearray | str] = deque()
        self._saying = bytearray()
        self._sequence = 0
        self._frames = 0

    def say(self, ulaw: bytes) -> None:
        """Put words into the customer's mouth, after what is being said."""
        self._saying += ulaw

    @property
    def saying(self) -> bool:
        return bool(self._saying)

    async def press(self, digit: str) -> None:
        await self._send("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def hang_up(self) -> None:
        self.closed.set()

    async def carry(self, url: str) -> None:
        """Open the stream and keep it going until either side ends it."""
        headers = {"X-Twilio-Signature": self._signature}
        async with connect(url, open_timeout=ANSWER_WITHIN_S, additional_headers=headers) as self._connection:
            receiving = asyncio.create_task(self._receive(self._connection))
            try:
                await self._connection.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
                await self._send("start", start=self._start())
                await self._keep_time()
            except ConnectionClosed:
                pass
            finally:
                receiving.cancel()
                await self._stop()
                self.closed.set()

    def _start(self) -> dict[str, object]:
        return {
            "accountSid": self._account_sid,
            "streamSid": self.stream_sid,
            "callSid": self._call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(self._parameters),
        }

    async def _stop(self) -> None:
        try:
            await self._send("stop", stop={"accountSid": self._account_sid, "callSid": self._call_sid})
        except ConnectionClosed:
            return

    async def _keep_time(self) -> None:
        """One frame each way every 20 ms; a late tick is made up for."""
        due = perf_counter()
        while not self.closed.is_set():
            await self._tick()
            due += FRAME_S
            await asyncio.sleep(max(0.0, due - perf_counter()))

    async def _tick(self) -> None:
        said = bytes(self._saying[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\xff")
        del self._saying[:FRAME_BYTES]
        self._frames += 1
        media = {
            "track": "inbound",
            # Numbers as strings, as Twilio has them.
            "chunk": str(self._frames),
            "timestamp": str(round(self._frames * FRAME_S * 1000)),
            "payload": base64.b64encode(said).decode(),
        }
        await self._send("media", media=media)
        heard = await self._play()
        self.customer += said
        self.agent += heard or SILENCE
        self._hears(heard)

    async def _play(self) -> bytes | None:
        frame = bytearray()
        while self._playing and len(frame) < FRAME_BYTES:
            next_up = self._playing[0]
            if isinstance(next_up, str):
                self._playing.popleft()
                await self._return_mark(next_up)
                continue
            wanted = FRAME_BYTES - len(frame)
            frame += next_up[:wanted]
            del next_up[:wanted]
            if not next_up:
                self._playing.popleft()
        return bytes(frame).ljust(FRAME_BYTES, b"\xff") if frame else None

    async def _receive(self, connection: ClientConnection) -> None:
        try:
            async for text in connection:
                message = _Message.model_validate_json(text)
                if message.streamSid != self.stream_sid:
                    continue
                match message.event:
                    case "media" if message.media is not None:
                        self._playing.append(bytearray(base64.b64decode(message.media.payload)))
                    case "mark" if message.mark is not None:
                        self._playing.append(message.mark.name)
                    case "clear":
                        await self._clear()
        except ConnectionClosed:
            pass
        self.closed.set()

    async def _clear(self) -> None:
        thrown_away, self._playing = self._playing, deque()
        self.cleared_at = perf_counter()
        for each in thrown_away:
            if isinstance(each, str):
                await self._return_mark(each)

    async def _return_mark(self, name: str) -> None:
        self.marks_returned.append(name)
        await self._send("mark", mark={"name": name})

    async def _send(self, event: str, **content: object) -> None:
        self._sequence += 1
        message = {"event": event, "sequenceNumber": str(self._sequence), "streamSid": self.stream_sid, **content}
        await self._connection.send(json.dumps(message))
