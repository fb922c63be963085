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
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.base import UtcDateTime
from db.statements import Query
from db.tables.carts import HoldStatus, InventoryHold, Order, OrderLine, PaymentState
from db.tables.catalogue import Product, ProductStatus, ProductVariant, Stock, StockPolicy, VariantPrice
from storefront.carts.rules import line_name
from storefront.upsells.rules import Candidate

# An order that came to nothing says nothing about what goes together.
CAME_TO_NOTHING = (PaymentState.FAILED, PaymentState.CANCELLED, PaymentState.REFUNDED)
# What is read of a shop's past, however much there is: an answer that waits for all of it comes too late. Ids grow with
# time, so the latest are the end of an index.
LATEST_ORDERS = 500
LATEST_OF_EACH = 200  # variant in the cart
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
    together, sold = _together(), _sold()
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


def _sold() -> CTE:
    """Units sold of each variant, in the shop's latest orders."""
    latest = (
        select(Order.id, Order.placed_at, Order.payment_state)
        .where(Order.company_id == _COMPANY)
        .order_by(Order.id.desc())
        .limit(literal_column(str(LATEST_ORDERS)))
        .subquery()
    )
    orders = select(latest.c.id).where(_counts(latest.c)).cte("latest_orders")
    return _once(
        select(OrderLine.variant_id, func.sum(OrderLine.quantity).label("units"))
        .join(orders, orders.c.id == OrderLine.order_id)
        .where(OrderLine.company_id == _COMPANY)
        .group_by(OrderLine.variant_id)
        .cte("sold")
    )


def _together() -> CTE:
    """Of the latest orders of what is in the cart, how many had each variant."""
    line = aliased(OrderLine)
    latest = (
        select(line.order_id)
        .where(line.company_id == _COMPANY, line.variant_id == ProductVariant.id)
        .order_by(line.id.desc())
        .limit(literal_column(str(LATEST_OF_EACH)))
        .lateral()
    )
    # Looked up for each line: a join might go through all orders that a shop ever had.
    counts = select(_counts(Order)).where(Order.company_id == _COMPANY, Order.id == latest.c.order_id)
    orders = (
        select(latest.c.order_id)
        .select_from(ProductVariant)
        .join(latest, counts.scalar_subquery())
        .where(ProductVariant.company_id == _COMPANY, ProductVariant.product_id == func.any(_PRODUCTS))
        .distinct()
        .cte("orders_of_these")
    )
    return _once(
        select(OrderLine.variant_id, func.count().label("orders"))
        .join(orders, orders.c.order_id == OrderLine.order_id)
        .where(OrderLine.company_id == _COMPANY)
        .group_by(OrderLine.variant_id)
        .cte("together")
    )


def _once(part: CTE) -> CTE:
    """Worked out once: a planner that expects one row would do it again for each candidate."""
    return part.prefix_with("MATERIALIZED")


def _counts(order: Any) -> ColumnElement[bool]:
    """Whether an order is recent and came to something."""
    recent = order.placed_at >= bindparam("since", type_=UtcDateTime)
    return and_(recent, *(order.payment_state != state for state in CAME_TO_NOTHING))


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
