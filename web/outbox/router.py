"""The outbox page of the demo: each message as its receiver sees it, and the shop's clock."""

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from web.templates import CONTENT_POLICY, page

# A message is shown in a sandboxed frame that inherits this policy, and mail is styled inline.
_WITH_INLINE_STYLE = CONTENT_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


def outbox_router(*, company_name: str, demo_base: str = "/demo") -> APIRouter:
    """`/outbox`, for the demo only: `demo_base` serves `outbox.json`, `clock.json` and `state.json` keyless."""
    router = APIRouter(include_in_schema=False)

    @router.get("/outbox")
    async def outbox() -> HTMLResponse:
        return page(
            "outbox/outbox.html",
            {"company_name": company_name, "demo_base": demo_base},
            content_policy=_WITH_INLINE_STYLE,
        )

    return router
