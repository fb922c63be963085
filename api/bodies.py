"""A request's body is read whole before anything is opened for it: never more than `most` bytes, never slowly.

A body that dribbles in would otherwise hold a transaction open for as long as its sender likes.
"""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, respond

# The largest body that fits the OpenAPI document is a cart with all its lines, about 70 kB.
MOST_BYTES = 256 * 1024
WITHIN_S = 10.0
# A connection that is closed on unread bytes is reset, and the answer with it. So what is a little too large is read
# to its end and dropped; what is this many times too large is cut off.
LINGER = 4

# What has not been read is not read: the connection ends with the answer.
_END = {"connection": "close"}
_TOO_LARGE = Problem(
    title="The request is too large",
    status=413,
    detail=f"Send at most {MOST_BYTES // 1024} KiB.",
    code="too_large",
)
_TOO_SLOW = Problem(
    title="The request took too long",
    status=408,
    detail=f"Send the whole request within {WITHIN_S:.0f} seconds.",
    code="too_slow",
)


class Bodies:
    def __init__(self, app: ASGIApp, *, most: int = MOST_BYTES, within_s: float = WITHIN_S) -> None:
        self.app = app
        self.most = most
        self.within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self.within_s):
                body = await self._read(scope, receive)
        except TimeoutError:
            await respond(_TOO_SLOW, _END)(scope, receive, send)
            return
        if body and body[-1]["type"] == "http.disconnect":
            return
        if body is None:
            await respond(_TOO_LARGE, _END)(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> list[Message] | None:
        """The body's messages, or None for one that is too large: what comes of it is dropped, and not for long."""
        declared = int(Headers(scope=scope).get("content-length", "0"))
        messages: list[Message] = []
        size = 0
        while size <= LINGER * self.most and declared <= LINGER * self.most:
            message = await receive()
            size += len(message.get("body", b""))
            fits = max(size, declared) <= self.most
            if fits:
                messages.append(message)
            if not message.get("more_body", False):
                return messages if fits else None
        return None


def _replay(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def next_message() -> Message:
        return next(waiting, None) or await receive()

    return next_message
