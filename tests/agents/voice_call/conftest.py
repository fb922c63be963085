"""A shop of the save flow's tests, whose shopper takes the call."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.recovery.shops import Shop, open_shop


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    made = await open_shop(engine)
    await made.consent()
    return made
