from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.delivery.shops import Shop, open_shop
from tests.fakes.smtp import FakeSmtp, serving


@pytest.fixture
async def smtp() -> AsyncIterator[FakeSmtp]:
    async with serving() as fake:
        yield fake


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    return await open_shop(engine)
