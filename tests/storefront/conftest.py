from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.session import transaction
from db.tables.companies import Company
from tests.factories import make_company


@pytest.fixture
async def shop(engine: AsyncEngine) -> Company:
    return await make_company(engine)


@pytest.fixture
async def session(engine: AsyncEngine, shop: Company) -> AsyncIterator[AsyncSession]:
    """The shop's own transaction; what a test does in it is rolled back with its database."""
    async with transaction(engine, company_id=shop.id) as session:
        yield session
