"""The demo's API process: the same server with the demo shop's pages, the outbox page and the clock."""

from typing import TYPE_CHECKING

from fastapi import FastAPI

from app.console import add_console
from app.database import database
from app.demo import files
from app.demo.routes import demo_api, demo_pages
from app.demo.runtime import Runtime
from app.logs import configure_logs
from app.parts import Parts, assemble
from app.phone import open_phone
from app.server import create_server
from app.serving import serve
from app.settings import Settings
from web.outbox.router import outbox_router
from web.storefront.router import storefront_router

if TYPE_CHECKING:
    from voice.pipeline import Phone


def create_demo_server(parts: Parts, runtime: Runtime, phone: "Phone | None" = None) -> FastAPI:
    app = create_server(parts, phone=phone, more=[demo_api(parts.engine)])
    view = files.shop_view()
    app.include_router(storefront_router(shop=view, publishable_key=runtime.publishable_key, art=files.art()))
    app.include_router(outbox_router(company_name=view.name))
    app.include_router(demo_pages(parts.engine, runtime.company_id))
    add_console(app, parts.engine, parts.signer, public_url=parts.public_url)
    return app


def main() -> None:
    settings = Settings()
    configure_logs(settings.log_level)
    runtime = Runtime.read(settings.data_dir)
    with database(settings) as url:
        parts = assemble(settings, url)
        app = create_demo_server(parts, runtime, open_phone(settings, parts))
        serve(app, host="127.0.0.1", port=runtime.port)


if __name__ == "__main__":
    main()
