"""Queries over what was bought together and what is in stock."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import UtcDateTime
from db.statements import Query
from db.tables.carts import HoldStatus, InventoryHold, Order, OrderLine, PaymentState
from db.tables.catalogue import Product, ProductStatus, ProductVariant, Stock, StockPolicy, VariantPrice
from storefront.carts.rules import line_name
from storefront.upsells.rules import Candidate

# An order that came to nothing says nothing about what goes together.
CAME_TO_NOTHING = (PaymentState.FAILED, PaymentState.CANCELLED, PaymentState.REFUNDED)
_COMPANY = bindparam("company", type_=Uuid)
_PRODUCTS = bindparam("products", type_=ARRAY(Uuid))


class UpsellRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def candidates(
        self,
        cart_id: UUID,
        product_ids: Collection[UUID],
        *,
        company_id: UUID,
        currency: str,
        since: datetime,
        limit: int,
        now: datetime,
    ) -> list[Candidate]:
        """What goes with these products: for sale, in stock, priced in the currency, and none of them.

        The best variant of each product, and of these the best `limit` (as `rules.rank`): a large category does not
        leave the database.
        """
        rows = await _CANDIDATES.rows(
            self.session,
            company=company_id,
            cart=cart_id,
            products=list(product_ids),
            currency=currency,
            since=since,
            most=limit,
            now=now,
        )
        return [_candidate(row) for row in rows]


def _candidate(row: Any) -> Candidate:
    return Candidate(
        variant_id=row.id,
        product_id=row.product_id,
        sku=row.sku,
        name=line_name(row.title, row.variant_title),
        unit_price_minor=row.price_minor,
        image_url=row.image_url,
        orders_together=row.orders_together,
        units_sold=int(row.units_sold),
    )


def _candidates() -> Select[*tuple[Any, ...]]:
    each = _ranked().subquery()
    shown = [column for column in each.c if column.name != "place"]
    order = each.c.orders_together.desc(), each.c.units_sold.desc(), each.c.sku
    return select(*shown).where(each.c.place == 1).order_by(*order).limit(bindparam("most", type_=Integer))


def _ranked() -> Select[*tuple[Any, ...]]:
    """All that fits, each with its place among the variants of its product."""
    lines = _recent_lines()
    together = _together(lines)
    sold = select(lines.c.variant_id, func.sum(lines.c.quantity).label("units")).group_by(lines.c.variant_id).cte()
    same_category = Product.category.in_(_categories())
    orders_together = func.coalesce(together.c.orders, 0)
    units_sold = case((same_category, func.coalesce(sold.c.units, 0)), else_=0)
    place = func.row_number().over(
        partition_by=ProductVariant.product_id,
        order_by=(orders_together.desc(), units_sold.desc(), ProductVariant.sku),
    )
    return (
        _available()
        .add_columns(orders_together.label("orders_together"), units_sold.label("units_sold"), place.label("place"))
        .outerjoin(together, together.c.variant_id == ProductVariant.id)
        .outerjoin(sold, sold.c.variant_id == ProductVariant.id)
        .where(
            ProductVariant.product_id != func.all(_PRODUCTS),
            or_(together.c.orders.is_not(None), same_category),
        )
    )


def _available() -> Select[*tuple[Any, ...]]:
    """Variants on sale in the currency of which this cart could have one."""
    return (
        select(
            ProductVariant.id,
            ProductVariant.product_id,
            ProductVariant.sku,
            Product.title,
            ProductVariant.title.label("variant_title"),
            VariantPrice.price_minor,
            func.coalesce(ProductVariant.image_url, Product.image_url).label("image_url"),
        )
        .join(Product, _same(Product.company_id, Product.id, ProductVariant.product_id))
        .join(VariantPrice, _same(VariantPrice.company_id, VariantPrice.variant_id, ProductVariant.id))
        .join(Stock, _same(Stock.company_id, Stock.variant_id, ProductVariant.id))
        .where(
            ProductVariant.company_id == _COMPANY,
            ProductVariant.active,
            Product.status == ProductStatus.ACTIVE,
            VariantPrice.currency == bindparam("currency"),
            or_(Stock.policy != StockPolicy.DENY, Stock.on_hand > _held()),
        )
    )


def _same(company: Any, key: Any, other: Any) -> ColumnElement[bool]:
    return and_(company == ProductVariant.company_id, key == other)


def _recent_lines() -> CTE:
    return (
        select(OrderLine.order_id, OrderLine.variant_id, OrderLine.quantity, ProductVariant.product_id)
        .join(Order, and_(Order.company_id == OrderLine.company_id, Order.id == OrderLine.order_id))
        .join(
            ProductVariant,
            and_(ProductVariant.company_id == OrderLine.company_id, ProductVariant.id == OrderLine.variant_id),
        )
        .where(
            OrderLine.company_id == _COMPANY,
            Order.placed_at >= bindparam("since", type_=UtcDateTime),
            *(Order.payment_state != state for state in CAME_TO_NOTHING),
        )
        .cte("recent_lines")
    )


def _together(lines: CTE) -> CTE:
    orders = select(lines.c.order_id).where(lines.c.product_id == func.any(_PRODUCTS))
    return (
        select(lines.c.variant_id, func.count(lines.c.order_id.distinct()).label("orders"))
        .where(lines.c.order_id.in_(orders))
        .group_by(lines.c.variant_id)
        .cte("together")
    )


def _categories() -> Any:
    # No category is none that two products could share.
    return select(Product.category).where(
        Product.company_id == _COMPANY, Product.id == func.any(_PRODUCTS), Product.category != ""
    )


def _held() -> ScalarSelect[Any]:
    return (
        select(func.coalesce(func.sum(InventoryHold.quantity), 0))
        .where(
            InventoryHold.company_id == ProductVariant.company_id,
            InventoryHold.variant_id == ProductVariant.id,
            InventoryHold.cart_id != bindparam("cart"),
            InventoryHold.status == HoldStatus.ACTIVE,
            InventoryHold.expires_at > bindparam("now", type_=UtcDateTime),
        )
        .scalar_subquery()
    )


_CANDIDATES = Query(_candidates())
