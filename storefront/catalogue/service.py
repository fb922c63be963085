"""What a shop sells, listed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.repository import CatalogueRepository
from storefront.catalogue.schemas import ListedPage

PAGE_SIZE = 50


async def list_products(
    session: AsyncSession,
    *,
    company_id: UUID,
    currency: str,
    now: datetime,
    after: UUID | None = None,
    limit: int = PAGE_SIZE,
) -> ListedPage:
    """A page of the variants on sale in a currency, in the order in which they were added."""
    items = await CatalogueRepository(session).list_on_sale(
        company_id=company_id, currency=currency, now=now, after=after, limit=limit + 1
    )
    page = tuple(items[:limit])
    return ListedPage(page, after=page[-1].id if len(items) > limit else None)
