"""The OpenAPI document is whole: each route says what it does, how it fails, and shows an example."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from api.application import create_application
from api.edge import Edge
from app.server import ROUTERS
from tests.factories import SIGNER


@pytest.fixture
def document(engine: AsyncEngine) -> dict[str, Any]:
    app: FastAPI = create_application(Edge(engine, SIGNER, "http://shop.example"), ROUTERS)
    return app.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def shows_an_example(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether a schema, or the page items or parts it refers to, has an example."""
    if "example" in schema or "examples" in schema:
        return True
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return shows_an_example(document, document["components"]["schemas"][name])
    inner = [schema["items"]] if "items" in schema else []
    properties = schema.get("properties", {})
    if "items" in properties and "nextCursor" in properties:
        inner.append(properties["items"])
    elif properties:
        return all(shows_an_example(document, part) for part in properties.values())
    return any(shows_an_example(document, part) for part in inner)


def test_each_route_says_what_it_does_and_shows_an_example(document: dict[str, Any]) -> None:
    lacking: list[str] = []
    for name, operation in operations(document):
        done = next(status for status in operation["responses"] if status.startswith("2"))
        contents = [operation["responses"][done]["content"]["application/json"]]
        if "requestBody" in operation:
            contents.append(operation["requestBody"]["content"]["application/json"])
        if not operation.get("description"):
            lacking.append(f"{name}: no description")
        lacking += [f"{name}: no example" for each in contents if not shows_an_example(document, each["schema"])]
    assert lacking == []


def test_each_route_names_its_errors(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["Problem"]["required"] == ["title", "status", "detail", "code"]
    for name, operation in operations(document):
        assert {"401", "403", "422"} <= operation["responses"].keys(), name
        for status, response in operation["responses"].items():
            if not status.startswith("2"):
                assert "application/problem+json" in response["content"], (name, status)


def test_each_write_can_be_repeated_safely(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        headers = {each["name"].lower() for each in operation.get("parameters", []) if each["in"] == "header"}
        if not name.startswith("GET "):
            assert "idempotency-key" in headers, name


def test_every_route_wants_credentials(document: dict[str, Any]) -> None:
    assert all(operation.get("security") for _, operation in operations(document))
