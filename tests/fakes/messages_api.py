"""A Messages API server for one test: each request takes the next scripted answer, as the provider would send it.

llmock serves the ordinary cases; this one sends what it cannot: hangs, endless streams, errors inside a stream,
rare stop reasons, several tool calls, usage with cache counts.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pydantic import JsonValue


@dataclass(frozen=True)
class Events:
    """A streamed answer. `then` is what follows the last event: an orderly end, a broken connection, silence, or a
    chunk that is no JSON ("corrupt")."""

    events: Sequence[JsonValue]
    then: str = "end"


@dataclass(frozen=True)
class Endless:
    """The same event again and again, until the client has had enough."""

    first: Sequence[JsonValue]
    again: JsonValue


@dataclass(frozen=True)
class Status:
    code: int
    body: str = '{"type": "error", "error": {"type": "api_error", "message": ""}}'
    headers: Sequence[tuple[str, str]] = ()


Answer = Events | Endless | Status


def started(*, input_tokens: int = 10, cache_read: int = 0, cache_write: int = 0) -> JsonValue:
    return {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-haiku-5-5",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": input_tokens,
                "output_tokens": 1,
                "cache_read_input_tokens": cache_read,
                "cache_creation_input_tokens": cache_write,
            },
        },
    }


def text_block(*pieces: str, index: int = 0) -> list[JsonValue]:
    deltas = [text_delta(piece, index=index) for piece in pieces]
    return [text_start(index=index), *deltas, {"type": "content_block_stop", "index": index}]


def text_start(*, index: int = 0) -> JsonValue:
    return {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}


def text_delta(text: str, *, index: int = 0) -> JsonValue:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}


def tool_block(name: str, *pieces: str, index: int = 0, closed: bool = True) -> list[JsonValue]:
    block: JsonValue = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}}
    events: list[JsonValue] = [{"type": "content_block_start", "index": index, "content_block": block}]
    for piece in pieces:
        delta: JsonValue = {"type": "input_json_delta", "partial_json": piece}
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
    if closed:
        events.append({"type": "content_block_stop", "index": index})
    return events


def ended(stop_reason: str | None, *, output_tokens: int = 5) -> list[JsonValue]:
    delta: JsonValue = {"stop_reason": stop_reason, "stop_sequence": None}
    return [
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": output_tokens}},
        {"type": "message_stop"},
    ]


def error(kind: str) -> JsonValue:
    return {"type": "error", "error": {"type": kind, "message": "said inside the stream"}}


@dataclass
class MessagesApi:
    url: str
    answers: list[Answer] = field(default_factory=list)
    requests: list[dict[str, JsonValue]] = field(default_factory=list)

    def script(self, *answers: Answer) -> None:
        self.answers.extend(answers)


@asynccontextmanager
async def serving() -> AsyncIterator[MessagesApi]:
    """Serve on a free port of this machine until the block ends; connections that still hang are cut then."""
    open_tasks: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_tasks.add(task)
        try:
            api.requests.append(await _read_body(reader))
            await _send(writer, api.answers.pop(0))
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client had enough, or the test is over
        finally:
            open_tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    api = MessagesApi(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield api
    finally:
        server.close()
        for task in tuple(open_tasks):
            task.cancel()
        await asyncio.gather(*open_tasks, return_exceptions=True)


async def _read_body(reader: asyncio.StreamReader) -> dict[str, JsonValue]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length"))
    body: dict[str, JsonValue] = json.loads(await reader.readexactly(length))
    return body


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    match answer:
        case Status(code, body, headers):
            payload = body.encode()
            extra = "".join(f"{name}: {value}\r\n" for name, value in headers)
            head = f"HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}\r\n{extra}"
            writer.write(f"{head}connection: close\r\n\r\n".encode() + payload)
        case Events(events, then):
            _begin(writer)
            for event in events:
                _chunk(writer, event)
            await writer.drain()
            if then == "hang":
                await asyncio.Event().wait()
            elif then == "corrupt":
                _write(writer, b'event: content_block_delta\ndata: {"type": "content_block_delta", "ind\n\n')
                writer.write(b"0\r\n\r\n")
            elif then == "end":
                writer.write(b"0\r\n\r\n")
            # "break": the connection closes in the middle of the chunked body
        case Endless(first, again):
            _begin(writer)
            for event in first:
                _chunk(writer, event)
            while not writer.is_closing():
                _chunk(writer, again)
                await writer.drain()
                await asyncio.sleep(0)
    await writer.drain()


def _begin(writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    )


def _chunk(writer: asyncio.StreamWriter, event: JsonValue) -> None:
    assert isinstance(event, dict)
    _write(writer, f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
