"""Errors, rendered once: problem+json (RFC 9457) with a code that programs can read."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from policy.errors import AppError

logger = logging.getLogger(__name__)

# FastAPI's own type for an OpenAPI document and its parts.
OpenAPI = dict[str, Any]


class Problem(BaseModel):
    """What went wrong and what to do about it."""

    type: str = "about:blank"
    title: str = Field(examples=["The state does not allow that"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["This cart was paid for; open a new one."])
    code: str = Field(examples=["conflict"])
    errors: list[dict[str, str]] | None = Field(
        default=None, description="Which fields, when the payload is malformed."
    )


def respond(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status_code=problem.status,
        media_type="application/problem+json",
        headers=headers,
    )


def responses(*statuses: int) -> dict[int | str, OpenAPI]:
    """OpenAPI entries for the problems that a route can answer with, besides 401 and 422."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in (401, 422, *statuses)
    }


def from_app_error(error: AppError) -> JSONResponse:
    headers = {"Retry-After": str(error.retry_after_s)} if hasattr(error, "retry_after_s") else None
    return respond(Problem(title=error.title, status=error.status, detail=error.detail, code=error.code), headers)


def install(app: FastAPI) -> None:
    @app.exception_handler(AppError)
    async def app_error(_: Request, error: AppError) -> JSONResponse:
        return from_app_error(error)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        fields = [
            {"field": ".".join(str(part) for part in each["loc"]), "message": each["msg"]} for each in error.errors()
        ]
        return respond(
            Problem(
                title="The payload is malformed",
                status=422,
                detail="Correct the fields named in `errors`.",
                code="malformed",
                errors=fields,
            )
        )

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase
        return respond(
            Problem(
                title=phrase, status=error.status_code, detail=str(error.detail), code=phrase.lower().replace(" ", "_")
            ),
            dict(error.headers) if error.headers else None,
        )

    @app.exception_handler(500)
    async def crashed(request: Request, error: Exception) -> JSONResponse:
        # The route, not the address: that of a link is a credential.
        route = getattr(request.scope.get("route"), "path", None)
        logger.error("request_crashed", extra={"method": request.method, "route": route}, exc_info=error)
        return respond(
            Problem(
                title="Something broke on our side",
                status=500,
                detail="Nothing of this request was kept. Try again; if it stays, tell us the time it happened.",
                code="internal",
            ),
            # The server closes the connection after a crash; who keeps it open would lose the next request.
            {"connection": "close"},
        )
