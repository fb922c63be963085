"""Fixtures of this room."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.session import transaction
from tests import factories
from tests.policy.offers.shops import Shop


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    company = await factories.make_company(engine, timezone="America/New_York")
    async with transaction(engine, company_id=company.id) as session:
        beans = await factories.make_product(
            session, "BEANS", company_id=company.id, prices={"USD": 3000}, unit_cost_minor=1500
        )
        await factories.make_shipping_rate(session, company_id=company.id, free_from_minor=None)
        maya = await factories.make_customer(session, company_id=company.id)
    return Shop(engine, company, beans, maya)
