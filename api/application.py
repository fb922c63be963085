"""The HTTP application: routers under one prefix, problems, health."""

from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import Lifespan

from api import problems
from api.bodies import Bodies
from api.cors import Cors
from api.edge import PREFIX, Edge
from api.headers import SecurityHeaders
from db.session import ping

DESCRIPTION = (
    "Carts that are about to be lost, won back. Merchants' servers use a secret key, the widget a publishable key "
    "and then a cart token. Money is a decimal number of major units beside `currency`. Errors are problem+json. "
    "Writes take `Idempotency-Key`. Lists are paged by cursor."
)


def create_application(
    edge: Edge, routers: Sequence[APIRouter], *, lifespan: Lifespan[FastAPI] | None = None
) -> FastAPI:
    app = FastAPI(
        title="Momentum",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # its page loads scripts from a third party; the document itself is enough for every tool
        openapi_url=f"{PREFIX}/openapi.json",
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.edge = edge
    app.openapi = partial(_document, app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    problems.install(app)
    # The last one added is the outermost.
    app.add_middleware(Cors, owner=app)
    app.add_middleware(Bodies)
    app.add_middleware(SecurityHeaders, public_url=edge.public_url)
    for router in routers:
        app.include_router(router, prefix=PREFIX)

    @app.get("/healthz", include_in_schema=False)
    async def healthy() -> dict[str, str]:
        """Answers when the process serves and its database does."""
        await ping(edge.engine)
        return {"status": "ok"}

    return app


def _document(app: FastAPI) -> problems.OpenAPI:
    """The OpenAPI document, with the problem that every error answer refers to."""
    if app.openapi_schema is None:
        app.openapi_schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        app.openapi_schema.setdefault("components", {}).setdefault("schemas", {})["Problem"] = (
            problems.Problem.model_json_schema()
        )
    return app.openapi_schema
