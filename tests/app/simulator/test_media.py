"""The fake's end of a media stream, against what Twilio documents."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from app.simulator.media import FRAME_BYTES, MediaStream


class Ours:
    """The other end of the stream: what came in, and a way to send."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.connection: ServerConnection | None = None
        self._came = asyncio.Event()

    async def serve(self, connection: ServerConnection) -> None:
        self.connection = connection
        async for text in connection:
            self.messages.append(json.loads(text))
            self._came.set()

    async def until(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        while len(found := [each for each in self.messages if each["event"] == event]) < count:
            self._came.clear()
            await asyncio.wait_for(self._came.wait(), 10)
        return found

    async def send(self, stream: MediaStream, event: str, **content: object) -> None:
        assert self.connection is not None
        await self.connection.send(json.dumps({"event": event, "streamSid": stream.stream_sid, **content}))

    async def play(self, stream: MediaStream, frames: int) -> None:
        payload = base64.b64encode(b"\x01" * FRAME_BYTES * frames).decode()
        await self.send(stream, "media", media={"payload": payload})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[MediaStream, Ours, list[bytes | None]]]:
    ours = Ours()
    heard: list[bytes | None] = []
    stream = MediaStream(account_sid="AC1", call_sid="CA1", parameters={"token": "t"}, hears=heard.append, signature="")
    async with serve(ours.serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        carrying = asyncio.create_task(stream.carry(f"ws://127.0.0.1:{port}"))
        await ours.until("media")
        yield stream, ours, heard
        stream.hang_up()
        await carrying
        (stop,) = await ours.until("stop")
        assert stop["stop"] == {"accountSid": "AC1", "callSid": "CA1"}


async def test_it_begins_as_twilio_does_and_numbers_are_strings() -> None:
    async with connected() as (stream, ours, _):
        media = await ours.until("media", 3)
    hello, start = ours.messages[:2]
    assert hello == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert (start["sequenceNumber"], start["streamSid"]) == ("1", stream.stream_sid)
    assert start["start"] == {
        "accountSid": "AC1",
        "streamSid": stream.stream_sid,
        "callSid": "CA1",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": "t"},
    }
    assert [each["sequenceNumber"] for each in media[:3]] == ["2", "3", "4"]
    assert [(each["media"]["chunk"], each["media"]["timestamp"]) for each in media[:2]] == [("1", "20"), ("2", "40")]
    assert media[0]["media"]["payload"] == base64.b64encode(b"\xff" * FRAME_BYTES).decode()


async def test_a_mark_comes_back_when_everything_before_it_was_played() -> None:
    async with connected() as (stream, ours, heard):
        await ours.play(stream, 10)
        await ours.send(stream, "mark", mark={"name": "7"})
        await ours.play(stream, 1)
        (mark,) = await ours.until("mark")
        played = [frame for frame in heard if frame is not None]
    assert mark["mark"] == {"name": "7"}
    assert 10 <= len(played) <= 11


async def test_clear_throws_away_what_was_not_played_and_returns_its_marks() -> None:
    async with connected() as (stream, ours, heard):
        await ours.play(stream, 500)
        await ours.send(stream, "mark", mark={"name": "1"})
        await ours.send(stream, "mark", mark={"name": "2"})
        await ours.send(stream, "clear")
        marks = await ours.until("mark", 2)
        await ours.until("media", len(await ours.until("media")) + 3)
    assert [each["mark"]["name"] for each in marks] == ["1", "2"]
    assert len([frame for frame in heard if frame is not None]) < 500
    assert heard[-1] is None


async def test_what_the_customer_says_and_presses_goes_out() -> None:
    async with connected() as (stream, ours, _):
        stream.say(b"\x05" * FRAME_BYTES)
        await stream.press("9")
        (key,) = await ours.until("dtmf")
        await ours.until("media", len(await ours.until("media")) + 3)
    assert key["dtmf"] == {"track": "inbound_track", "digit": "9"}
    assert bytes(stream.customer).count(b"\x05" * FRAME_BYTES) == 1


async def test_a_message_for_another_stream_is_nothing() -> None:
    async with connected() as (stream, ours, heard):
        assert ours.connection is not None
        await ours.connection.send(
            json.dumps(
                {
                    "event": "media",
                    "streamSid": "MZ-other",
                    "media": {"payload": base64.b64encode(b"\x01" * 800).decode()},
                }
            )
        )
        await ours.send(stream, "mark", mark={"name": "1"})
        await ours.until("mark")
    assert all(frame is None for frame in heard)
