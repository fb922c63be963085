"""Put the console on an application: one a process, since NiceGUI keeps its pages in the process."""

import logging

import nicegui
from fastapi import FastAPI
from nicegui import core, ui
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from web.assets import assets
from web.console import audit_trail, keys, outbox
from web.console.desk import HOME, Desk
from web.console.frame import add_page
from web.console.headers import ConsoleHeaders
from web.console.reading import conversation, conversations
from web.console.settings import history, pages
from web.console.sign_in import sign_in_router
from web.templates import page


def mount_console(app: FastAPI, desk: Desk) -> None:
    """Serve `/console`. Call it last: what is under the path and not one of its pages is told so."""
    app.include_router(sign_in_router(desk))
    add_page(desk, "/conversations", "Conversations", conversations.build)
    add_page(desk, "/conversations/{conversation_id}", "Conversation", conversation.build)
    add_page(desk, "/outbox", "Outbox", outbox.build)
    add_page(desk, "/settings/flow", "Offers and stages", pages.flow)
    add_page(desk, "/settings/calls", "Phone calls", pages.calls)
    add_page(desk, "/settings/chat", "Checkout chat", pages.chat)
    add_page(desk, "/settings/history", "Versions", history.build)
    add_page(desk, "/settings/keys", "API keys", keys.build)
    add_page(desk, "/audit", "Audit trail", audit_trail.build)
    _add_edges(nicegui.app)
    # Only our own pages may open the socket that carries presses of buttons.
    core.sio.eio.cors_allowed_origins = None
    logging.getLogger("nicegui").setLevel(logging.ERROR)
    ui.run_with(
        app,
        mount_path=HOME,
        title="Momentum",
        dark=None,
        tailwind=False,
        binding_refresh_interval=None,
        # A laptop that slept for a minute finds its form as it was.
        reconnect_timeout=60.0,
        show_welcome_message=False,
    )


def _add_edges(console: FastAPI) -> None:
    @console.exception_handler(404)
    async def astray(_: Request, __: Exception) -> Response:
        return page(
            "console/astray.html",
            {"title": "There is no such page", "detail": "The address may be mistyped, or the page has moved."},
            status_code=404,
        )

    @console.get("/favicon.svg", include_in_schema=False)
    async def favicon() -> Response:
        return RedirectResponse(assets.url("layout/wren.svg"), status_code=308)

    console.add_middleware(ConsoleHeaders)
