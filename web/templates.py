"""The one Jinja environment: pages are escaped by default, and a name that is not there is an error."""

from collections.abc import Mapping

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from starlette.responses import HTMLResponse

from policy.money import format_money
from web.assets import ROOTS, assets

_HERE = ROOTS["layout"].parent

environment = Environment(
    loader=PrefixLoader(
        {
            "layout": FileSystemLoader(_HERE / "layout"),
            "console": FileSystemLoader(_HERE / "console" / "templates"),
            "storefront": FileSystemLoader(_HERE / "storefront" / "templates"),
            "outbox": FileSystemLoader(_HERE / "outbox" / "templates"),
            "recovery": FileSystemLoader(_HERE / "recovery" / "templates"),
        }
    ),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.globals["asset"] = assets.url
environment.globals["integrity"] = assets.integrity
environment.filters["money"] = format_money

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Everything from our own origin, nothing inline."""


def render(name: str, context: Mapping[str, object]) -> str:
    return environment.get_template(name).render(context)


def page(
    name: str,
    context: Mapping[str, object],
    *,
    status_code: int = 200,
    content_policy: str = CONTENT_POLICY,
) -> HTMLResponse:
    """A page under the content policy. It is never stored, and its address (a recovery token, say) never
    travels on as a referrer."""
    return HTMLResponse(
        render(name, context),
        status_code=status_code,
        headers={
            "content-security-policy": content_policy,
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        },
    )
