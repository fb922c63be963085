"""Deepgram's two WebSocket protocols on loopback: /v1/listen (speech to text) and /v1/speak (text to speech).

https://developers.deepgram.com/reference/speech-to-text/listen-streaming
https://developers.deepgram.com/reference/text-to-speech/speak-streaming
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, urlparse

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

KEY = "deepgram-test-key"
AUDIO_CHUNK_BYTES = 4096

# 16-bit samples and their rate to what is in them, and the way back.
Hear = Callable[[bytes, int], Awaitable[str]]
Speak = Callable[[str, int], Awaitable[bytes]]


@dataclass(frozen=True)
class Connection:
    path: str
    query: dict[str, str]


@dataclass
class FakeDeepgram:
    hear: Hear
    speak: Speak
    port: int = 0
    connections: list[Connection] = field(default_factory=list)
    # What came over /v1/speak, in order.
    commands: list[str] = field(default_factory=list)
    refused: int = 0
    is_down: bool = False
    _open: set[ServerConnection] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def go_down(self) -> None:
        """Drop what is connected, and let nobody in any more."""
        self.is_down = True
        for connection in list(self._open):
            connection.transport.abort()

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.is_down:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Down.\n")
        if request.headers.get("Authorization", "").lower() == f"token {KEY}":
            return None
        self.refused += 1
        return connection.respond(HTTPStatus.UNAUTHORIZED, "Invalid credentials.\n")

    async def converse(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        address = urlparse(connection.request.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.connections.append(Connection(address.path, query))
        rate = int(query["sample_rate"])
        self._open.add(connection)
        try:
            with suppress(ConnectionClosed):
                await (self._listen if address.path == "/v1/listen" else self._speak)(connection, rate)
        finally:
            self._open.discard(connection)

    async def _listen(self, connection: ServerConnection, rate: int) -> None:
        """One final result for each Finalize, after a partial one with its first words."""
        audio = bytearray()
        async for message in connection:
            if isinstance(message, bytes):
                audio += message
                continue
            match json.loads(message)["type"]:
                case "Finalize":
                    text = await self.hear(bytes(audio), rate) if audio else ""
                    audio.clear()
                    words = text.split()
                    await connection.send(_results(" ".join(words[: len(words) // 2]), final=False))
                    await connection.send(_results(text, final=True))
                case "CloseStream":
                    await connection.send(json.dumps(_METADATA))
                    return

    async def _speak(self, connection: ServerConnection, rate: int) -> None:
        text = ""
        async for message in connection:
            command = json.loads(message)
            self.commands.append(command["type"])
            match command["type"]:
                case "Speak":
                    text += command["text"]
                case "Flush":
                    pcm = await self.speak(text, rate) if text.strip() else b""
                    text = ""
                    for start in range(0, len(pcm), AUDIO_CHUNK_BYTES):
                        await connection.send(pcm[start : start + AUDIO_CHUNK_BYTES])
                    await connection.send(json.dumps({"type": "Flushed", "sequence_id": 0}))
                case "Clear":
                    text = ""
                    await connection.send(json.dumps({"type": "Cleared", "sequence_id": 0}))
                case "Close":
                    return


def _results(text: str, *, final: bool) -> str:
    words = [{"word": word, "start": 0.0, "end": 0.1, "confidence": 0.9} for word in text.split()]
    return json.dumps(
        {
            "type": "Results",
            "channel_index": [0, 1],
            "duration": 1.0,
            "start": 0.0,
            "is_final": final,
            "speech_final": final,
            "from_finalize": final,
            "channel": {"alternatives": [{"transcript": text, "confidence": 0.98, "words": words}]},
            "metadata": {
                "request_id": "r",
                "model_info": {"name": "nova-3", "version": "1", "arch": "nova-3"},
                "model_uuid": "u",
            },
        }
    )


_METADATA = {
    "type": "Metadata",
    "transaction_key": "deprecated",
    "request_id": "r",
    "sha256": "s",
    "created": "2026-11-22T15:00:00.000Z",
    "duration": 1.0,
    "channels": 1,
}


@asynccontextmanager
async def serving(hear: Hear, speak: Speak) -> AsyncIterator[FakeDeepgram]:
    """A fake on a free port of the loopback."""
    fake = FakeDeepgram(hear, speak)
    async with serve(fake.converse, "127.0.0.1", 0, process_request=fake.admit) as server:
        (listening,) = server.sockets
        fake.port = listening.getsockname()[1]
        yield fake
