"""How a process serves HTTP: uvicorn, with request heads that are small and come soon.

httptools takes a head of any length and waits for it for ever; bodies are bounded in `api.bodies`.
"""

import asyncio

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.problems import Problem
from app.memory import keep_loaded

MOST_HEAD_BYTES = 32 * 1024
HEAD_WITHIN_S = 10.0
STOP_WITHIN_S = 15

_PHRASES = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


def serve(app: FastAPI, *, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; answers that have begun are finished.

    There is no access log: the addresses of our links are credentials (`/r/{token}`).
    """
    keep_loaded()
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=BoundedHttp,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )


class HeadTooLarge(Exception):
    """Ends the parser; the answer is 431."""


class BoundedHttp(HttpToolsProtocol):
    head_bytes = 0
    in_head = True
    timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.in_head, self.head_bytes = True, 0
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.head_bytes += len(name) + len(value)
        if self.head_bytes > MOST_HEAD_BYTES:
            raise HeadTooLarge
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # One line of any length is no header yet: what has come of an unfinished head counts too.
        if self.in_head and not self.transport.is_closing():
            self.head_bytes += len(data)
            if self.head_bytes > MOST_HEAD_BYTES:
                self._refuse(431, "Send smaller headers.")

    def send_400_response(self, msg: str) -> None:
        if self.head_bytes > MOST_HEAD_BYTES:
            self._refuse(431, "Send smaller headers.")
        else:
            self._refuse(400, msg)

    def _await_head(self) -> None:
        self._stop_waiting()
        self.timer = self.loop.call_later(HEAD_WITHIN_S, self._refuse, 408, "Send the request's headers at once.")

    def _stop_waiting(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def _refuse(self, status: int, detail: str) -> None:
        self._stop_waiting()
        phrase = _PHRASES[status]
        problem = Problem(title=phrase, status=status, detail=detail, code=phrase.lower().replace(" ", "_"))
        body = problem.model_dump_json(exclude_none=True).encode()
        head = [
            f"HTTP/1.1 {status} {phrase}",
            "content-type: application/problem+json",
            f"content-length: {len(body)}",
            "connection: close",
        ]
        self.transport.write("\r\n".join([*head, "", ""]).encode() + body)
        self.transport.close()
