"""Queries over carts, their lines and the orders that they become."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, delete, func, or_, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import UtcDateTime
from db.ids import uuid7
from db.statements import Query
from db.tables.carts import Cart, CartLine, HoldStatus, InventoryHold, Order, OrderLine, PaymentState
from db.tables.catalogue import Product, ProductStatus, ProductVariant, VariantPrice
from db.tables.companies import ShippingRate, TaxRate
from db.tables.policy import Grant, GrantStatus
from db.tables.recovery import FlowConfigVersion
from storefront.carts.schemas import CartView


@dataclass(frozen=True, slots=True)
class Sellable:
    """A variant as it can be put into a cart. `price_minor` is None without a price in the cart's currency."""

    variant_id: UUID
    sku: str
    title: str
    variant_title: str
    taxable: bool
    for_sale: bool
    price_minor: int | None


def _head() -> Select[Any]:
    delivery = (
        select(ShippingRate.amount_minor, ShippingRate.free_from_minor)
        .where(
            ShippingRate.company_id == Cart.company_id,
            ShippingRate.currency == Cart.currency,
            or_(ShippingRate.country == Cart.country, ShippingRate.country.is_(None)),
        )
        .order_by(ShippingRate.country.is_(None))
        .limit(1)
        .lateral("delivery")
    )
    tax = (
        select(TaxRate.rate, TaxRate.inclusive)
        .where(TaxRate.company_id == Cart.company_id, or_(TaxRate.country == Cart.country, TaxRate.country.is_(None)))
        .order_by(TaxRate.country.is_(None))
        .limit(1)
        .lateral("tax")
    )
    excluded_skus = (
        select(FlowConfigVersion.config["offers"]["excludedSkus"])
        .where(FlowConfigVersion.company_id == Cart.company_id)
        .order_by(FlowConfigVersion.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    live = and_(
        Grant.company_id == Cart.company_id,
        Grant.cart_id == Cart.id,
        Grant.status == GrantStatus.COMMITTED,
        Grant.expires_at > bindparam("now", type_=UtcDateTime),
    )
    order = and_(Order.company_id == Cart.company_id, Order.cart_id == Cart.id)
    return (
        select(
            *Cart.__table__.columns,
            Grant.id.label("grant_id"),
            Grant.kind,
            Grant.percent,
            Grant.expires_at.label("grant_expires_at"),
            delivery.c.amount_minor.label("delivery_minor"),
            delivery.c.free_from_minor,
            tax.c.rate.label("tax_rate"),
            tax.c.inclusive.label("tax_inclusive"),
            excluded_skus.label("excluded_skus"),
            Order.subtotal_minor,
            Order.discount_minor,
            Order.shipping_minor,
            Order.tax_minor,
            Order.total_minor,
        )
        .outerjoin(Grant, live)
        .outerjoin(Order, order)
        .outerjoin(delivery, true())
        .outerjoin(tax, true())
        .where(Cart.company_id == bindparam("company"), Cart.id == bindparam("cart"))
    )


def _lines() -> Select[Any]:
    hold = and_(
        InventoryHold.company_id == CartLine.company_id,
        InventoryHold.cart_id == CartLine.cart_id,
        InventoryHold.variant_id == CartLine.variant_id,
        InventoryHold.status == HoldStatus.ACTIVE,
        InventoryHold.expires_at > bindparam("now", type_=UtcDateTime),
    )
    return (
        select(
            *CartLine.__table__.columns,
            ProductVariant.product_id,
            func.coalesce(ProductVariant.image_url, Product.image_url).label("image_url"),
            InventoryHold.expires_at.label("hold_expires_at"),
        )
        .join(
            ProductVariant,
            and_(ProductVariant.company_id == CartLine.company_id, ProductVariant.id == CartLine.variant_id),
        )
        .join(Product, and_(Product.company_id == CartLine.company_id, Product.id == ProductVariant.product_id))
        .outerjoin(InventoryHold, hold)
        .where(CartLine.company_id == bindparam("company"), CartLine.cart_id == bindparam("cart"))
        .order_by(CartLine.created_at, CartLine.id)
    )


# Built once: reading a cart is the most frequent question of all.
_HEAD, _LINES = Query(_head()), Query(_lines())


class CartRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    def add(self, cart: Cart) -> None:
        self.session.add(cart)

    async def get_for_update(self, cart_id: UUID, *, company_id: UUID) -> Cart | None:
        """Lock the cart until the transaction ends. It comes first: cart, attempt, grant, message."""
        return await self.session.scalar(
            select(Cart)
            .where(Cart.company_id == company_id, Cart.id == cart_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def head(self, cart_id: UUID, *, company_id: UUID, now: datetime) -> Any | None:
        """The cart beside everything that its totals depend on, but the lines."""
        rows = await _HEAD.rows(self.session, cart=cart_id, company=company_id, now=now)
        return rows[0] if rows else None

    async def lines(self, cart_id: UUID, *, company_id: UUID, now: datetime) -> list[Any]:
        return await _LINES.rows(self.session, cart=cart_id, company=company_id, now=now)

    async def line_rows(self, cart_id: UUID, *, company_id: UUID) -> list[CartLine]:
        """The lines to be changed, under the lock of the cart."""
        rows = await self.session.scalars(
            select(CartLine)
            .where(CartLine.company_id == company_id, CartLine.cart_id == cart_id)
            .order_by(CartLine.created_at, CartLine.id)
            .execution_options(populate_existing=True)
        )
        return list(rows)

    def add_line(self, line: CartLine) -> None:
        self.session.add(line)

    async def remove_line(self, line_id: UUID, *, company_id: UUID) -> None:
        await self.session.execute(delete(CartLine).where(CartLine.company_id == company_id, CartLine.id == line_id))

    async def sellables(self, skus: Collection[str], *, company_id: UUID, currency: str) -> list[Sellable]:
        rows = await self.session.execute(
            select(
                ProductVariant.id,
                ProductVariant.sku,
                Product.title,
                ProductVariant.title.label("variant_title"),
                ProductVariant.taxable,
                and_(ProductVariant.active, Product.status == ProductStatus.ACTIVE).label("for_sale"),
                VariantPrice.price_minor,
            )
            .join(
                Product, and_(Product.company_id == ProductVariant.company_id, Product.id == ProductVariant.product_id)
            )
            .outerjoin(
                VariantPrice,
                and_(
                    VariantPrice.company_id == ProductVariant.company_id,
                    VariantPrice.variant_id == ProductVariant.id,
                    VariantPrice.currency == currency,
                ),
            )
            .where(ProductVariant.company_id == company_id, ProductVariant.sku.in_(skus))
        )
        return [Sellable(*row) for row in rows]

    async def sells_in(self, currency: str, *, company_id: UUID) -> bool:
        found = await self.session.scalar(
            select(VariantPrice.variant_id)
            .where(VariantPrice.company_id == company_id, VariantPrice.currency == currency)
            .limit(1)
        )
        return found is not None

    async def order_of(self, cart_id: UUID, *, company_id: UUID) -> Order | None:
        return await self.session.scalar(select(Order).where(Order.company_id == company_id, Order.cart_id == cart_id))

    async def add_order(
        self,
        cart: CartView,
        *,
        company_id: UUID,
        external_id: str,
        payment_state: PaymentState,
        credited_message_id: UUID | None,
        placed_at: datetime,
    ) -> Order | None:
        """The order with its lines; None when the merchant's number is taken, also by somebody who was faster."""
        order = await self.session.scalar(
            insert(Order)
            .values(
                company_id=company_id,
                id=uuid7(),
                cart_id=cart.id,
                customer_id=cart.customer_id,
                external_id=external_id,
                payment_state=payment_state,
                currency=cart.currency,
                subtotal_minor=cart.subtotal_minor,
                discount_minor=cart.discount_minor,
                shipping_minor=cart.shipping_minor,
                tax_minor=cart.tax_minor,
                total_minor=cart.grand_total_minor,
                grant_id=None if cart.offer is None else cart.offer.grant_id,
                credited_message_id=credited_message_id,
                placed_at=placed_at,
            )
            .on_conflict_do_nothing(index_elements=["company_id", "external_id"])
            .returning(Order)
        )
        if order is not None:
            self.session.add_all(
                OrderLine(
                    company_id=company_id,
                    order_id=order.id,
                    variant_id=line.variant_id,
                    quantity=line.quantity,
                    unit_price_minor=line.unit_price_minor,
                )
                for line in cart.lines
            )
            await self.session.flush()
        return order
