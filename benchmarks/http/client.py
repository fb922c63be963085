"""A load client that costs little: prepared requests over connections that stay open."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CONNECTIONS = 32


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    token: str = ""
    body: Any = None

    def encoded(self) -> bytes:
        body = b"" if self.body is None else json.dumps(self.body).encode()
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {self.token}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(frozen=True)
class Answers:
    """In the order of the requests; latencies in milliseconds."""

    bodies: list[Any]
    latencies: list[float]
    took_s: float


async def send(port: int, requests: Sequence[Request]) -> Answers:
    """Send them, 32 at once. Raises RuntimeError for an answer that is not 2xx."""
    bodies: list[Any] = [None] * len(requests)
    latencies: list[float] = [0.0] * len(requests)
    waiting = iter(enumerate(requests))

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, request in waiting:
            begun = time.perf_counter()
            writer.write(request.encoded())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            latencies[number] = 1000 * (time.perf_counter() - begun)
            if not head.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(f"{request.method} {request.path}: {head!r} {body!r}")
            bodies[number] = json.loads(body)
        writer.close()

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(work())
    return Answers(bodies, latencies, time.perf_counter() - begun)
