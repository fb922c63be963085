"""Short ways to do in tests what shoppers do."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from storefront.carts import service
from storefront.carts.rules import DEFAULT, CartPolicy
from storefront.carts.schemas import CartView
from storefront.customers.schemas import CustomerDetails, Evidence
from tests.factories import NOW, SIGNER

MAYA = CustomerDetails(email="maya@example.com", first_name="Maya", timezone="America/New_York", country="US")
EVIDENCE = Evidence(ip="203.0.113.7", user_agent="Firefox")


async def open_cart(
    session: AsyncSession,
    *items: tuple[str, int],
    company_id: UUID,
    currency: str = "USD",
    customer: CustomerDetails | None = None,
    now: datetime = NOW,
    policy: CartPolicy = DEFAULT,
) -> CartView:
    return await service.open_cart(
        session,
        company_id=company_id,
        currency=currency,
        items=items,
        customer=customer,
        evidence=EVIDENCE,
        signer=SIGNER,
        now=now,
        policy=policy,
    )


async def start_checkout(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    customer: CustomerDetails | None = None,
    now: datetime = NOW,
    policy: CartPolicy = DEFAULT,
) -> CartView:
    return await service.start_checkout(
        session,
        cart_id,
        company_id=company_id,
        customer=customer,
        evidence=EVIDENCE,
        signer=SIGNER,
        now=now,
        policy=policy,
    )
