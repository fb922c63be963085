"""The whole application over a database of the test's own."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.app import living
from tests.app.living import Shop, World


@pytest.fixture
async def world(engine: AsyncEngine) -> AsyncIterator[World]:
    async with living.world(engine) as made:
        yield made


@pytest.fixture
async def shop(world: World) -> Shop:
    return await living.open_shop(world)
