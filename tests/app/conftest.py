"""The whole application over a database of the test's own."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.embedded import EmbeddedServer
from db.session import open_engine
from tests.app import living
from tests.app.living import CARRIER, Shop, World


@pytest.fixture
async def world(engine: AsyncEngine) -> AsyncIterator[World]:
    async with living.world(engine) as made:
        yield made


@pytest.fixture
async def carried(engine: AsyncEngine) -> AsyncIterator[World]:
    """With a carrier: the phone's routes are there."""
    async with living.world(engine, **CARRIER) as made:
        yield made


@pytest.fixture
async def owner(database: EmbeddedServer) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database.owner_url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def shop(world: World) -> Shop:
    return await living.open_shop(world)
