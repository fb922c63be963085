"""The demo shop's pages. Products, cart and prices reach them over the API, as they would any merchant's."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse, Response

from db.tables.customers import ConsentChannel
from storefront.customers.rules import wording
from web.storefront.schemas import ProductArt, ShopView
from web.templates import page, render

_A_DAY = "public, max-age=86400"


def storefront_router(
    *,
    shop: ShopView,
    publishable_key: str,
    art: Mapping[str, ProductArt],
    api_base: str = "/api/momentum",
) -> APIRouter:
    """Pages under `/shop`; a browser gets the publishable key, the company's name and the API's address only.

    `art` names a product's drawing by its handle, or by `handle--variant` where a variant looks different.
    """
    router = APIRouter(include_in_schema=False)
    pictures = {name: render("storefront/art.svg.j2", {"art": spec}) for name, spec in art.items()}
    scene = render("storefront/scene.svg.j2", {})
    shared: dict[str, object] = {"shop": shop, "publishable_key": publishable_key, "api_base": api_base}

    # The very sentence whose hash is kept with the consent (rules C-01).
    consent = wording(ConsentChannel.EMAIL, seller=shop.legal_name).text

    @router.get("/")
    async def root() -> RedirectResponse:
        return RedirectResponse("/shop")

    @router.get("/shop")
    async def catalogue() -> HTMLResponse:
        return page("storefront/catalogue.html", shared)

    @router.get("/shop/products/{handle}")
    async def product(handle: str) -> HTMLResponse:
        return page("storefront/product.html", {**shared, "handle": handle})

    @router.get("/shop/checkout")
    async def checkout() -> HTMLResponse:
        return page("storefront/checkout.html", {**shared, "consent": consent})

    @router.get("/shop/thank-you")
    async def thank_you() -> HTMLResponse:
        return page("storefront/thank_you.html", shared)

    @router.get("/shop/art/{name}.svg")
    async def picture(name: str) -> Response:
        drawing = scene if name == "scene" else pictures.get(name)
        if drawing is None:
            return Response("Not found.", status_code=404, media_type="text/plain")
        return Response(drawing, media_type="image/svg+xml", headers={"cache-control": _A_DAY})

    return router
