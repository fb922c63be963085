"""Headers that every answer carries unless its route says otherwise (OWASP Secure Headers)."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge import PREFIX

EVERYWHERE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
# An answer of the API is no page, holds a shopper's data, and is nobody's to keep.
API_ANSWERS = {"cache-control": "no-store", "content-security-policy": "default-src 'none'; frame-ancestors 'none'"}
OVER_TLS = {"strict-transport-security": "max-age=31536000"}


class SecurityHeaders:
    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self.app = app
        self.shared = EVERYWHERE | (OVER_TLS if public_url.startswith("https://") else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                wanted = self.shared | (API_ANSWERS if scope["path"].startswith(PREFIX) else {})
                for name, value in wanted.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, answer)
