import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.recovery import shops
from tests.recovery.shops import Shop


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    """Maya agreed to email."""
    opened = await shops.open_shop(engine)
    await opened.consent()
    return opened
