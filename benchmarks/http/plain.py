"""The reference: FastAPI routes with one SELECT, or the same writes, over SQLAlchemy Core and nothing else.

No authentication, no rules, no locks, no idempotency. It connects as the owner, so that no company has to be named.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from db.base import Base, type_json
from db.clock import real_now
from db.ids import uuid7
from db.tables.carts import CartStatus, HoldStatus
from db.tables.catalogue import Product, ProductVariant

CART, LINE, HOLD = (Base.metadata.tables[name] for name in ("carts", "cart_lines", "inventory_holds"))
Row = type_json


def create_plain(owner_url: str, company_id: UUID, variants: list[UUID]) -> FastAPI:
    app = FastAPI()
    engine = create_async_engine(owner_url, pool_size=20, max_overflow=0)

    @app.get("/carts/{cart_id}")
    async def read_cart(cart_id: UUID) -> Row:
        async with engine.connect() as connection:
            found = await connection.execute(select(CART).where(CART.c.company_id == company_id, CART.c.id == cart_id))
            return dict(found.mappings().one())

    @app.get("/products")
    async def list_products() -> list[Row]:
        """As many rows as our page has."""
        async with engine.connect() as connection:
            found = await connection.execute(
                select(Product.__table__).where(Product.company_id == company_id).order_by(Product.id).limit(50)
            )
            return [dict(row) for row in found.mappings()]

    @app.post("/carts")
    async def open_cart() -> Row:
        now, cart_id = real_now(), uuid7()
        cart = {"company_id": company_id, "id": cart_id, "status": CartStatus.ACTIVE, "currency": "USD"}
        async with engine.begin() as connection:
            await connection.execute(insert(CART).values(**cart, last_activity_at=now, created_at=now))
            line_id = await _put(connection, cart_id, variants[0])
        return {"cart": cart_id, "line": line_id}

    @app.post("/carts/{cart_id}/items")
    async def add_item(cart_id: UUID) -> Row:
        async with engine.begin() as connection:
            line_id = await _put(connection, cart_id, variants[1])
            await _touch(connection, cart_id)
        return {"line": line_id}

    @app.patch("/carts/{cart_id}/items/{line_id}")
    async def change(cart_id: UUID, line_id: UUID) -> Row:
        async with engine.begin() as connection:
            await connection.execute(
                update(LINE).where(LINE.c.company_id == company_id, LINE.c.id == line_id).values(quantity=2)
            )
            await connection.execute(
                update(HOLD).where(*_hold(cart_id)).values(quantity=2, expires_at=real_now() + timedelta(minutes=15))
            )
            await _touch(connection, cart_id)
        return {"line": line_id}

    @app.delete("/carts/{cart_id}/items/{line_id}")
    async def remove(cart_id: UUID, line_id: UUID) -> Row:
        async with engine.begin() as connection:
            await connection.execute(delete(LINE).where(LINE.c.company_id == company_id, LINE.c.id == line_id))
            await connection.execute(
                update(HOLD).where(*_hold(cart_id)).values(status=HoldStatus.RELEASED, ended_at=real_now())
            )
            await _touch(connection, cart_id)
        return {"line": line_id}

    async def _put(connection: AsyncConnection, cart_id: UUID, variant_id: UUID) -> UUID:
        now, line_id = real_now(), uuid7()
        variant = (
            await connection.execute(
                select(ProductVariant.__table__).where(
                    ProductVariant.company_id == company_id, ProductVariant.id == variant_id
                )
            )
        ).one()
        common = {"company_id": company_id, "cart_id": cart_id, "variant_id": variant_id, "quantity": 1}
        line = {"id": line_id, "sku": variant.sku, "name": "Product", "unit_price_minor": 24_99, "taxable": True}
        ends = now + timedelta(minutes=15)
        times = {"placed_at": now, "expires_at": ends, "renewable_until": ends}
        await connection.execute(insert(LINE).values(**common, **line, created_at=now))
        await connection.execute(insert(HOLD).values(**common, **times, id=uuid7(), status=HoldStatus.ACTIVE))
        return line_id

    async def _touch(connection: AsyncConnection, cart_id: UUID) -> None:
        await connection.execute(
            update(CART)
            .where(CART.c.company_id == company_id, CART.c.id == cart_id)
            .values(last_activity_at=real_now())
        )

    def _hold(cart_id: UUID) -> tuple[Any, ...]:
        return (HOLD.c.company_id == company_id, HOLD.c.cart_id == cart_id, HOLD.c.variant_id == variants[1])

    return app
