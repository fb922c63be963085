"""The merchant's console: put on the API's application, or alone in a process of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from api.keys import issue_key
from app.database import database
from app.logs import configure_logs
from app.serving import serve
from app.settings import Settings, signing_key
from db.session import open_engine, ping, refuse_unsafe_role
from policy.access.passwords import Passwords
from policy.tokens import Signer
from web import mount as static_files
from web.console.desk import Desk
from web.console.mount import mount_console


def add_console(app: FastAPI, engine: AsyncEngine, signer: Signer, *, public_url: str) -> None:
    """Put the console on an application that serves `/static` already. Once a process, after all other routes."""
    mount_console(app, Desk(engine, signer, Passwords(), issue_key, secure=public_url.startswith("https:")))


def create_console(engine: AsyncEngine, signer: Signer, *, public_url: str) -> FastAPI:
    """The console without the API, for a process of its own."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await refuse_unsafe_role(engine)
        yield
        await engine.dispose()

    app = FastAPI(title="Momentum console", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)

    @app.get("/healthz")
    async def healthy() -> dict[str, str]:
        await ping(engine)
        return {"status": "ok"}

    static_files.mount(app)
    add_console(app, engine, signer, public_url=public_url)
    return app


def run(host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    settings = Settings()
    configure_logs(settings.log_level)
    with database(settings) as url:
        app = create_console(open_engine(url), Signer(signing_key(settings)), public_url=settings.public_url)
        serve(app, host=host, port=port)
