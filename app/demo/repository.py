"""Queries of the demo's seeding: what is there already."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.tables.carts import Order
from db.tables.catalogue import Bundle, Product, ProductVariant, Review, VariantPrice
from db.tables.companies import Company
from db.tables.customers import Customer


@dataclass(frozen=True)
class Priced:
    variant_id: UUID
    price_minor: int


class DemoRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def company(self, *, company_id: UUID) -> Company | None:
        return await self.session.scalar(select(Company).where(Company.id == company_id))

    async def prices(self, currency: str, *, company_id: UUID) -> dict[str, Priced]:
        """What each SKU is and costs."""
        rows = await self.session.execute(
            select(ProductVariant.sku, ProductVariant.id, VariantPrice.price_minor)
            .join(
                VariantPrice,
                (VariantPrice.company_id == ProductVariant.company_id) & (VariantPrice.variant_id == ProductVariant.id),
            )
            .where(ProductVariant.company_id == company_id, VariantPrice.currency == currency)
        )
        return {row.sku: Priced(row.id, row.price_minor) for row in rows}

    async def product_ids(self, *, company_id: UUID) -> dict[str, UUID]:
        rows = await self.session.execute(select(Product.handle, Product.id).where(Product.company_id == company_id))
        return {row.handle: row.id for row in rows}

    async def customer_ids(self, *, company_id: UUID) -> dict[str, UUID]:
        rows = await self.session.execute(
            select(Customer.email, Customer.id).where(Customer.company_id == company_id, Customer.email.is_not(None))
        )
        return {str(row.email): row.id for row in rows}

    async def has_reviews(self, *, company_id: UUID) -> bool:
        found = await self.session.scalar(select(Review.id).where(Review.company_id == company_id).limit(1))
        return found is not None

    async def has_bundles(self, *, company_id: UUID) -> bool:
        found = await self.session.scalar(select(Bundle.id).where(Bundle.company_id == company_id).limit(1))
        return found is not None

    async def add_order(self, order: type_json, *, company_id: UUID) -> bool:
        """Keep a past order; False when it is there."""
        kept = await self.session.execute(
            insert(Order)
            .values(company_id=company_id, **order)
            .on_conflict_do_nothing(index_elements=["company_id", "external_id"])
            .returning(Order.id)
        )
        return kept.first() is not None
