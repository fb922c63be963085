"""The application behind a real port: in a thread with an event loop of its own, or in the loop that asks."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

import uvicorn
from fastapi import FastAPI

MakeApp = Callable[[str], Awaitable[FastAPI]]


@contextmanager
def serving(make_app: MakeApp, *, http: type[asyncio.Protocol] | Literal["auto"] = "auto") -> Iterator[str]:
    """Serve what `make_app(base_url)` makes; yields the base address. `http` is uvicorn's protocol."""
    listening = socket.create_server(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    up, down = threading.Event(), threading.Event()

    async def serve() -> None:
        server = uvicorn.Server(uvicorn.Config(await make_app(base_url), log_level="error", http=http))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        # The socket listens already: who connects before the server is up waits in its queue.
        up.set()
        await asyncio.to_thread(down.wait)
        server.should_exit = True
        await running

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert up.wait(60)
        yield base_url
    finally:
        down.set()
        thread.join(30)
        listening.close()


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Serve `app` in this event loop; yields the base address. What `app` does at its end is done."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listening.close()
