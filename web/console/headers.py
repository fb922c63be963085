"""What a browser may do with the console's pages."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# NiceGUI writes its start-up inline and Vue compiles templates in the browser: scripts may be inline and evaluated.
# All the same nothing is loaded from, or sent to, anywhere but here.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-src 'none'; frame-ancestors 'none'"
)
PAGES = {
    "content-security-policy": CONTENT_POLICY,
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


class ConsoleHeaders:
    """Every page of the console, and nothing of what lies under /_nicegui, which may be cached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "/_nicegui" in scope["path"]:
                    headers["x-content-type-options"] = "nosniff"
                else:
                    headers.update(PAGES)
            await send(message)

        await self.app(scope, receive, answer)
