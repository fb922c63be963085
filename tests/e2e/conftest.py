"""A shop behind a real port and a headless browser before it. Playwright's loop wants a pytest process of its own."""

import asyncio
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy.ext.asyncio import AsyncEngine

from api import carts, products
from api.application import create_application
from api.edge import Edge
from api.keys import issue_key
from db.clock import real_now
from db.embedded import EmbeddedServer
from db.session import open_engine, transaction
from db.tables.companies import KeyKind
from storefront.catalogue.importing import import_products
from storefront.catalogue.shopify import parse_shopify
from tests import factories as make
from web.mount import mount
from web.storefront.router import storefront_router
from web.storefront.schemas import ProductArt, ShopView

DATA = Path(__file__).parents[2] / "app" / "demo" / "data"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WAIT_MS = 20_000
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]


async def _shop(engine: AsyncEngine, base_url: str) -> FastAPI:
    """The demo's catalogue and pages over the real API of carts and products."""
    shop = ShopView.model_validate_json((DATA / "shop.json").read_text())
    art = json.loads((DATA / "art.json").read_text())
    company = await make.make_company(engine, name=shop.name)
    async with transaction(engine, company_id=company.id) as session:
        key = await issue_key(session, KeyKind.PUBLISHABLE, company_id=company.id)
        await make.make_shipping_rate(session, company_id=company.id, free_from_minor=50_00)
    await import_products(
        lambda: transaction(engine, company_id=company.id),
        parse_shopify((DATA / "products.csv").read_bytes(), currency="USD"),
        company_id=company.id,
        now=real_now(),
    )
    app = create_application(Edge(engine, make.SIGNER, base_url), [carts.router, products.router])
    mount(app)
    drawings = {name: ProductArt.model_validate(spec) for name, spec in art.items()}
    app.include_router(storefront_router(shop=shop, publishable_key=key, art=drawings))
    return app


async def _serve(
    database: EmbeddedServer, listening: socket.socket, up: threading.Event, down: threading.Event
) -> None:
    engine = open_engine(database.app_url, pool_size=5)
    app = await _shop(engine, f"http://127.0.0.1:{listening.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    # The socket listens already: who connects before the server is up waits in its queue.
    up.set()
    await asyncio.to_thread(down.wait)
    server.should_exit = True
    await serving
    await engine.dispose()


@pytest.fixture
def base_url(database: EmbeddedServer) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    up, down = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(database, listening, up, down)))
    thread.start()
    try:
        assert up.wait(30)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        down.set()
        thread.join(15)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if executable is None:
        pytest.skip("no Chromium on this machine")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-US", timezone_id="America/Los_Angeles", reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    yield context.new_page()
    context.close()
