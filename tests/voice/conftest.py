"""A shop of the save flow's tests, for the phone."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.recovery.shops import Shop, open_shop


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    return await open_shop(engine)
