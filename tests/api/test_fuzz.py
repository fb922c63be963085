"""Whatever fits the OpenAPI document, and much that does not, gets an answer that is not a crash of ours."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from app.demo.seed import COMPANY_ID, seed
from app.parts import assemble
from app.server import create_server
from app.settings import Settings
from db.embedded import EmbeddedServer
from policy.tokens import cart_token
from tests.live import serving

# A small run in every `make test`; `FUZZ_EXAMPLES=100` for a long one.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))


@dataclass(frozen=True)
class Target:
    base_url: str
    secret_key: str
    publishable_key: str
    cart_id: UUID
    cart_token: str

    def credential(self, path: str) -> str:
        """Who may call the path, so that what is behind it is reached."""
        if "/cs/" in path or ("/carts/{cart_id}" in path and not path.endswith("/convert")):
            return self.cart_token
        return self.publishable_key if path.endswith(("/products", "/carts")) else self.secret_key


@pytest.fixture
def target(database: EmbeddedServer) -> Iterator[Target]:
    made: list[Target] = []

    async def make_app(base_url: str) -> FastAPI:
        key = "f" * 40
        parts = assemble(Settings.model_validate({"signing_key": key, "public_url": base_url}), database.app_url)
        shop = await seed(parts.engine, parts.signer)
        token = cart_token(parts.signer, company_id=COMPANY_ID, cart_id=shop.cart_id)
        made.append(Target(base_url, shop.keys.secret, shop.keys.publishable, shop.cart_id, token))
        return create_server(parts)

    with serving(make_app):
        yield made[0]


def test_no_request_breaks_the_server(target: Target) -> None:
    schema = schemathesis.openapi.from_url(f"{target.base_url}/api/momentum/openapi.json")
    operations = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operations.append(found.ok())
    assert len(operations) >= 20
    for operation in operations:
        _fuzz(operation, target)


def _fuzz(operation: "APIOperation[Any, Any, Any, Any]", target: Target) -> None:
    headers = {"Authorization": f"Bearer {target.credential(operation.path)}"}

    @given(case=operation.as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def send(case: "Case[Any]") -> None:
        if "cart_id" in case.path_parameters:
            case.path_parameters["cart_id"] = str(target.cart_id)
        response = case.call(headers=headers, timeout=30)
        assert response.status_code < 500, f"{case.method} {case.path}: {response.text}"

    send()
