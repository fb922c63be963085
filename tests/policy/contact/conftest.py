"""Fixtures of this room."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.session import transaction
from db.tables.carts import CartStatus
from db.tables.customers import (
    ConsentChannel,
    ConsentMethod,
)
from tests import factories
from tests.policy.contact.shops import NOW, PHONE, Shop


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    company = await factories.make_company(engine, timezone="America/New_York")
    async with transaction(engine, company_id=company.id) as session:
        maya = await factories.make_customer(session, company_id=company.id, phone=PHONE)
        cart = await factories.make_cart(
            session,
            company_id=company.id,
            customer=maya,
            status=CartStatus.ABANDONED,
            abandoned_at=NOW - timedelta(hours=31),
        )
    shop = Shop(engine, company, maya, cart)
    await shop.consent(ConsentChannel.EMAIL, method=ConsentMethod.WIDGET)
    return shop
