"""Serves the static files of every page and of the widget."""

from dataclasses import asdict

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import JSONResponse, Response

from web.assets import Asset, assets

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "public, max-age=0, must-revalidate"

router = APIRouter(include_in_schema=False)


def mount(app: FastAPI) -> None:
    """Add `/static/…` to the application."""
    app.include_router(router)


@router.get("/static/inventory.json")
async def inventory() -> JSONResponse:
    """The widget's scripts with hash and purpose, for a payment page's script inventory."""
    return JSONResponse([asdict(entry) for entry in assets.inventory()], headers=_any_shop(_ASK_AGAIN))


@router.get("/static/{name:path}")
async def static_file(name: str, request: Request) -> Response:
    version, _, rest = name.partition("/")
    if version == assets.version and (asset := assets.find(rest)):
        return _response(asset, request, _FOR_EVER)
    if asset := assets.find(name):
        return _response(asset, request, _ASK_AGAIN)
    return Response("Not found.", status_code=404, media_type="text/plain")


def _response(asset: Asset, request: Request, cache_control: str) -> Response:
    headers = _any_shop(cache_control) | {"etag": f'"{asset.integrity}"', "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(asset.gzipped, headers=headers, media_type=asset.media_type)
    return Response(asset.body, headers=headers, media_type=asset.media_type)


def _any_shop(cache_control: str) -> dict[str, str]:
    """Modules and hashed scripts need CORS when a merchant's page loads them from here."""
    return {
        "cache-control": cache_control,
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
    }
