import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.policy.access.desks import Desk, make_desk


@pytest.fixture
async def desk(engine: AsyncEngine) -> Desk:
    return await make_desk(engine)
