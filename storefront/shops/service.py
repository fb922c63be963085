"""Where a shop is at home."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from storefront.shops.repository import ShopRepository
from storefront.shops.schemas import Home


async def home(session: AsyncSession, *, company_id: UUID) -> Home:
    """The company's legal name, country and currency: what holds until a shopper says otherwise."""
    return await ShopRepository(session).home(company_id=company_id)
