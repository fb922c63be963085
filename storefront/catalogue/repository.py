"""Queries of the catalogue tables."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, and_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import UtcDateTime
from db.statements import Query
from db.tables.carts import HoldStatus, InventoryHold
from db.tables.catalogue import (
    PriceHistory,
    Product,
    ProductStatus,
    ProductVariant,
    Stock,
    VariantPrice,
)
from storefront.catalogue.schemas import ListedVariant
from storefront.holds.rules import NOTHING, StockLevel


def _on_sale() -> Select[*tuple[Any, ...]]:
    held = (
        select(func.coalesce(func.sum(InventoryHold.quantity), 0))
        .where(
            InventoryHold.company_id == ProductVariant.company_id,
            InventoryHold.variant_id == ProductVariant.id,
            InventoryHold.status == HoldStatus.ACTIVE,
            InventoryHold.expires_at > bindparam("now", type_=UtcDateTime),
        )
        .scalar_subquery()
    )
    price = and_(
        VariantPrice.company_id == ProductVariant.company_id,
        VariantPrice.variant_id == ProductVariant.id,
        VariantPrice.currency == bindparam("currency"),
    )
    stock = and_(Stock.company_id == ProductVariant.company_id, Stock.variant_id == ProductVariant.id)
    return (
        select(
            ProductVariant.id,
            ProductVariant.sku,
            ProductVariant.title.label("variant"),
            ProductVariant.image_url.label("variant_image_url"),
            Product.id.label("product_id"),
            Product.handle,
            Product.title,
            Product.description,
            Product.category,
            Product.tags,
            Product.image_url,
            VariantPrice.price_minor,
            VariantPrice.compare_at_minor,
            Stock.on_hand,
            Stock.policy,
            held.label("held"),
        )
        .join(Product, and_(Product.company_id == ProductVariant.company_id, Product.id == ProductVariant.product_id))
        .join(VariantPrice, price)
        .outerjoin(Stock, stock)
        .where(
            ProductVariant.company_id == bindparam("company"),
            ProductVariant.active,
            Product.status == ProductStatus.ACTIVE,
            ProductVariant.id > bindparam("after"),
        )
        .order_by(ProductVariant.id)
        .limit(bindparam("most", type_=Integer))
    )


# Built once: each page of the shop asks it.
_ON_SALE = Query(_on_sale())


class CatalogueRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def lock_imports(self, *, company_id: UUID) -> None:
        """Let one import of a company write at a time, until the transaction ends."""
        await self.session.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(f"products {company_id}", 0)))
        )

    async def products(self, handles: Collection[str], *, company_id: UUID) -> dict[str, Product]:
        found = await self.session.scalars(
            select(Product).where(Product.company_id == company_id, Product.handle.in_(handles))
        )
        return {product.handle: product for product in found}

    async def variants(
        self, skus: Collection[str], product_ids: Collection[UUID], *, company_id: UUID
    ) -> dict[str, ProductVariant]:
        """Variants with these SKUs, and all those of these products, by SKU."""
        found = await self.session.scalars(
            select(ProductVariant).where(
                ProductVariant.company_id == company_id,
                or_(ProductVariant.sku.in_(skus), ProductVariant.product_id.in_(product_ids)),
            )
        )
        return {variant.sku: variant for variant in found}

    async def prices(
        self, variant_ids: Collection[UUID], *, company_id: UUID, currency: str
    ) -> dict[UUID, VariantPrice]:
        found = await self.session.scalars(
            select(VariantPrice).where(
                VariantPrice.company_id == company_id,
                VariantPrice.variant_id.in_(variant_ids),
                VariantPrice.currency == currency,
            )
        )
        return {price.variant_id: price for price in found}

    async def lock_stock(self, variant_ids: Collection[UUID], *, company_id: UUID) -> dict[UUID, Stock]:
        """Lock stock rows in the order of carts (by variant), so that neither waits for the other in a circle."""
        found = await self.session.scalars(
            select(Stock)
            .where(Stock.company_id == company_id, Stock.variant_id.in_(variant_ids))
            .order_by(Stock.variant_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return {stock.variant_id: stock for stock in found}

    async def add(
        self,
        products: Iterable[Product] = (),
        variants: Iterable[ProductVariant] = (),
        details: Iterable[VariantPrice | PriceHistory | Stock] = (),
    ) -> None:
        """Store new rows, parents before children, and what was changed on loaded ones."""
        for rows in (products, variants, details):
            self.session.add_all(rows)
            await self.session.flush()

    async def list_on_sale(
        self, *, company_id: UUID, currency: str, now: datetime, after: UUID | None, limit: int
    ) -> list[ListedVariant]:
        """Active variants that have a price in `currency`, in the order in which they were added."""
        # Every id is greater than the least.
        rows = await _ON_SALE.rows(
            self.session, company=company_id, currency=currency, now=now, after=after or UUID(int=0), most=limit
        )
        return [_listed(row, currency) for row in rows]


def _listed(row: Any, currency: str) -> ListedVariant:
    level = NOTHING if row.policy is None else StockLevel(row.on_hand, row.policy, int(row.held))
    return ListedVariant(
        id=row.id,
        product_id=row.product_id,
        handle=row.handle,
        sku=row.sku,
        title=row.title,
        variant=row.variant,
        description=row.description,
        category=row.category,
        tags=tuple(row.tags),
        image_url=row.variant_image_url or row.image_url,
        product_image_url=row.image_url,
        price_minor=row.price_minor,
        compare_at_minor=row.compare_at_minor,
        currency=currency,
        stock=level.available,
    )
