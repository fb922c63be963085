"""A model that answers instantly: the Messages API in a process of its own, which prints its address.

`python -m benchmarks.chat.messages_api`: the first request of a turn is answered with a call of `get_cart`, the one
that brings its result with `ANSWER`, streamed a few words at a time. Connections are kept alive, as the provider's are.
"""

import asyncio
import json
import re
import signal
from collections.abc import Sequence

from pydantic import JsonValue

from tests.fakes.messages_api import ended, started, text_block, tool_block

ANSWER = "Your cart has 1 × Signature Blend 0, and the total is $30.98. Shipping is $5.99 of that."
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _streamed(events: Sequence[JsonValue]) -> bytes:
    body = b""
    for event in events:
        assert isinstance(event, dict)
        data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        body += f"{len(data):x}\r\n".encode() + data + b"\r\n"
    return _HEAD + body + b"0\r\n\r\n"


_PIECES = re.findall(r"\S+ \S+ ?|\S+ ?", ANSWER)
_CALL = _streamed([started(), *tool_block("get_cart", "{}"), *ended("tool_use")])
_TEXT = _streamed([started(), *text_block(*_PIECES), *ended("end_turn")])


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, rest = self.received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or length is None or len(rest) < int(length[1]):
            return
        self.received = rest[int(length[1]) :]
        last = json.loads(rest[: int(length[1])])["messages"][-1]["content"]
        has_result = not isinstance(last, str) and any(part["type"] == "tool_result" for part in last)
        self.transport.write(_TEXT if has_result else _CALL)


async def _serve() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(_Connection, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
