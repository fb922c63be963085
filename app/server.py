"""The API process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI

from api import cart_save, carts, chat, conversations, orders, outbox, products
from api.application import create_application
from api.edge import PREFIX, Edge, Rates
from app import voice_routes
from app.parts import Parts
from db.session import refuse_unsafe_role
from voice.webhooks.router import webhook_router
from web import mount as static_files
from web.recovery.router import recovery_router

if TYPE_CHECKING:
    from voice.pipeline import Phone

ROUTERS: Sequence[APIRouter] = (
    products.router,
    carts.router,
    orders.router,
    chat.sessions,
    chat.messages,
    cart_save.router,
    conversations.router,
    outbox.router,
    voice_routes.router,
)


def create_server(
    parts: Parts, *, phone: "Phone | None" = None, more: Sequence[APIRouter] = (), rates: Rates | None = None
) -> FastAPI:
    """The API, the links of our messages and the widget's files; `more` are routers under the same prefix.

    Without `phone` no call can be held here.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await refuse_unsafe_role(parts.engine)
        if phone is not None:
            await phone.speech.warm()
        yield
        # Told to stop: answers that have begun are finished, so that nothing that was shown is lost.
        await parts.chat.drain()
        await parts.aclose()

    edge = Edge(parts.engine, parts.signer, parts.public_url, rates or Rates())
    app = create_application(edge, [*ROUTERS, *more], lifespan=lifespan)
    app.state.chat = parts.chat
    app.state.calling = parts.calling
    app.include_router(recovery_router(parts.engine, parts.signer))
    if parts.carrier is not None:
        app.include_router(webhook_router(parts.engine, parts.signer, parts.carrier), prefix=PREFIX)
    if phone is not None and parts.carrier is not None:
        # With it comes Pipecat, which takes seconds to import.
        from voice.stream import stream_router

        app.include_router(stream_router(phone, parts.signer, parts.carrier), prefix=PREFIX)
    static_files.mount(app)
    return app
