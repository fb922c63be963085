"""The frame around every page: who is signed in, where to go, and what happens when something is refused."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import ui
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from policy.access.rules import Right
from policy.errors import AppError, NotFound
from web.assets import assets
from web.console.desk import HOME, Desk, SignedOut, Visit, visit_of
from web.console.sign_in import way_in
from web.console.tags import heading, tag

Build = Callable[[Visit, Request], Awaitable[None]]
Press = Callable[[], Awaitable[None]]
# A page that waits for a busy database is better late than an error.
BUILT_WITHIN_S = 20.0


@dataclass(frozen=True)
class Place:
    """Where the navigation leads. Later pages join the group that they belong to."""

    path: str
    label: str
    icon: str
    right: Right | None = None


NAVIGATION: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        "Customers",
        (
            Place("/conversations", "Conversations", "forum"),
            Place("/outbox", "Outbox", "outgoing_mail"),
        ),
    ),
    (
        "Policy",
        (
            Place("/settings/flow", "Offers and stages", "tune"),
            Place("/settings/calls", "Phone calls", "call"),
            Place("/settings/chat", "Checkout chat", "chat"),
            Place("/settings/history", "Versions", "history"),
        ),
    ),
    (
        "Administration",
        (
            Place("/settings/keys", "API keys", "key", Right.MANAGE_KEYS),
            Place("/audit", "Audit trail", "fact_check"),
        ),
    ),
)


def add_page(desk: Desk, path: str, title: str, build: Build) -> None:
    """Serve a page to whoever is signed in; `path` is inside the console and may have parameters."""

    async def shown(request: Request) -> Response | None:
        visit = await visit_of(request, desk)
        if visit is None:
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(way_in(f"{request.url.path}{query}"), status_code=303)
        _head(visit, request)
        try:
            await build(visit, request)
        except AppError as refused:
            ui.context.client.status_code = refused.status
            heading(refused.title, refused.detail)
            if isinstance(refused, NotFound):
                tag("a", "Back to the conversations", look="press quiet", href=f"{HOME}/conversations")
        return None

    ui.page(path, title=f"{title} · Momentum", response_timeout=BUILT_WITHIN_S)(shown)


def guarded(press: Press) -> Press:
    """A press of a button whose refusal is said on the page it was pressed on."""

    async def pressed() -> None:
        try:
            await press()
        except SignedOut as over:
            ui.notify(over.detail, type="warning", timeout=0, close_button="Close", multi_line=True)
        except AppError as refused:
            ui.notify(f"{refused.title}. {refused.detail}", type="negative", timeout=10_000, close_button="Close")

    return pressed


def _head(visit: Visit, request: Request) -> None:
    client = ui.context.client
    ui.add_head_html(f'<link rel="stylesheet" href="{assets.url("console/console.css")}">')
    ui.add_head_html(f'<script type="module" src="{assets.url("console/console.js")}"></script>')
    client.content.classes("page")
    with client.layout:
        skip = tag("a", "Skip to the content", look="skip", href="#content")
        bar = tag("header", look="bar")
        navigation = tag("nav", look="navigation", id="navigation", aria_label="Console")
        tag("div", look="veil", data_veil="")
    for index, element in enumerate((skip, bar, navigation)):
        element.move(target_index=index)
    with bar:
        with tag("button", look="menu", type="button", aria_label="Menu", aria_expanded="false", data_menu=""):
            tag("span", "menu", look="icon", aria_hidden="true")
        with tag("a", look="mark", href=HOME):
            tag("img", src=assets.url("layout/wren.svg"), alt="", width="30", height="23")
            tag("span", "Momentum")
        tag("span", visit.company.name, look="shop")
        tag("span", look="space")
        _account(visit)
    with navigation:
        _places(visit, request.url.path)


def _account(visit: Visit) -> None:
    with tag("details", look="account", data_account=""):
        with tag("summary", aria_label=f"Account of {visit.visitor.email}"):
            tag("span", visit.visitor.email[:1].upper(), look="initial", aria_hidden="true")
            tag("span", visit.visitor.email, look="email")
        with tag("div", look="account-menu"):
            tag("strong", visit.visitor.email)
            tag("span", f"{visit.role} of {visit.company.name}")
            with tag("form", method="post", action=f"{HOME}/sign-out"):
                tag("button", "Sign out", type="submit", look="press quiet")


def _places(visit: Visit, path: str) -> None:
    for group, places in NAVIGATION:
        allowed = [place for place in places if place.right is None or visit.may(place.right)]
        if not allowed:
            continue
        tag("h2", group)
        with tag("ul"):
            for place in allowed:
                here = path.startswith(f"{HOME}{place.path}")
                with tag("li"):
                    current = {"aria_current": "page"} if here else {}
                    with tag("a", href=f"{HOME}{place.path}", **current):
                        tag("span", place.icon, look="icon", aria_hidden="true")
                        tag("span", place.label)
