"""A shop of the save flow's tests, for the phone."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.recovery.shops import Shop, open_shop
from tests.voice.phone import Phone, calling_shop


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    return await open_shop(engine)


@pytest.fixture
async def phone(engine: AsyncEngine) -> AsyncIterator[Phone]:
    async with calling_shop(engine) as made:
        yield made
