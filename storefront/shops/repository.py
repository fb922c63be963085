"""Queries over the company as its shop shows it."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.companies import Company
from storefront.shops.schemas import Home


class ShopRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def home(self, *, company_id: UUID) -> Home:
        found = select(Company.legal_name, Company.country, Company.currency).where(Company.id == company_id)
        return Home(*(await self.session.execute(found)).one())
