"""Every process refuses to run as a role that row-level security does not bind (decision 22)."""

import asyncio
from datetime import timedelta

import pytest

from app.parts import Parts, assemble
from app.server import create_server
from app.settings import Settings
from app.worker import run_worker
from db.embedded import EmbeddedServer
from db.session import UnsafeRole

LOST = timedelta(minutes=5)


@pytest.fixture
async def parts_of_the_owner(database: EmbeddedServer) -> Parts:
    return assemble(Settings.model_validate({"signing_key": "f" * 40}), database.owner_url)


async def test_the_api_refuses(parts_of_the_owner: Parts) -> None:
    app = create_server(parts_of_the_owner)
    with pytest.raises(UnsafeRole, match="momentum_app"):
        async with app.router.lifespan_context(app):
            raise AssertionError("it served")
    await parts_of_the_owner.aclose()


async def test_the_worker_refuses(parts_of_the_owner: Parts, database: EmbeddedServer) -> None:
    with pytest.raises(UnsafeRole, match="momentum_app"):
        await run_worker(parts_of_the_owner, database.owner_url, stop=asyncio.Event(), concurrency=1, lost_after=LOST)
    await parts_of_the_owner.aclose()
