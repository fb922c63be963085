"""Queries over the company as its shop shows it."""

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.statements import Query
from db.tables.companies import Company
from storefront.shops.schemas import Home

_HOME = Query(select(Company.legal_name, Company.country, Company.currency).where(Company.id == bindparam("company")))


class ShopRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def home(self, *, company_id: UUID) -> Home:
        [found] = await _HOME.rows(self.session, company=company_id)
        return Home(*found)
