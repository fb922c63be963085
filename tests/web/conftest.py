"""The pages of the demo shop over ASGI, with the demo's own content."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from web.mount import mount
from web.outbox.router import outbox_router
from web.storefront.router import storefront_router
from web.storefront.schemas import ProductArt, ShopView

DATA = Path(__file__).parents[2] / "app" / "demo" / "data"


@pytest.fixture(scope="session")
def shop() -> ShopView:
    return ShopView.model_validate_json((DATA / "shop.json").read_text())


@pytest.fixture(scope="session")
def art() -> Mapping[str, ProductArt]:
    specs = json.loads((DATA / "art.json").read_text())
    return {name: ProductArt.model_validate(spec) for name, spec in specs.items()}


@pytest.fixture(scope="session")
def pages_app(shop: ShopView, art: Mapping[str, ProductArt]) -> FastAPI:
    app = FastAPI()
    mount(app)
    app.include_router(storefront_router(shop=shop, publishable_key="pk_test_1", art=art))
    app.include_router(outbox_router(company_name=shop.name))
    return app


@pytest.fixture
async def client(pages_app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(app=pages_app), base_url="http://shop.test") as client:
        yield client
