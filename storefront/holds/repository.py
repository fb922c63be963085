"""Queries over stock and the units held of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import UtcDateTime
from db.statements import Query
from db.tables.carts import HoldStatus, InventoryHold
from db.tables.catalogue import Stock
from storefront.holds.rules import StockLevel

_VARIANTS = bindparam("variants", type_=ARRAY(Uuid))
# Built once: whoever looks at a cart's stock asks these.
_HELD_BY_OTHERS = (
    select(InventoryHold.variant_id, func.sum(InventoryHold.quantity).label("held"))
    .where(
        InventoryHold.company_id == bindparam("company"),
        InventoryHold.variant_id == func.any(_VARIANTS),
        InventoryHold.cart_id != bindparam("cart"),
        InventoryHold.status == HoldStatus.ACTIVE,
        InventoryHold.expires_at > bindparam("now", type_=UtcDateTime),
    )
    .group_by(InventoryHold.variant_id)
)
_TAKEN = Query(_HELD_BY_OTHERS)


def _levels() -> Select[*tuple[Any, ...]]:
    held = _HELD_BY_OTHERS.subquery()
    return (
        select(Stock.variant_id, Stock.on_hand, Stock.policy, func.coalesce(held.c.held, 0).label("held"))
        .outerjoin(held, held.c.variant_id == Stock.variant_id)
        .where(Stock.company_id == bindparam("company"), Stock.variant_id == func.any(_VARIANTS))
    )


_LEVELS = Query(_levels())


class HoldRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def lock_stock(self, variant_ids: Iterable[UUID], *, company_id: UUID) -> list[Stock]:
        """Lock the stock rows, always in the same order: who wants the same units queues behind us."""
        rows = await self.session.scalars(
            select(Stock)
            .where(Stock.company_id == company_id, Stock.variant_id.in_(variant_ids))
            .order_by(Stock.variant_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return list(rows)

    async def levels(
        self, cart_id: UUID, variant_ids: Iterable[UUID], *, company_id: UUID, now: datetime
    ) -> dict[UUID, StockLevel]:
        """What this cart could have of each variant, for who only looks."""
        rows = await _LEVELS.rows(self.session, company=company_id, cart=cart_id, variants=list(variant_ids), now=now)
        return {row.variant_id: StockLevel(row.on_hand, row.policy, int(row.held)) for row in rows}

    async def held_by_others(
        self, cart_id: UUID, variant_ids: Iterable[UUID], *, company_id: UUID, now: datetime
    ) -> dict[UUID, int]:
        """Unexpired units by variant. Read it under the lock of the stock rows."""
        rows = await _TAKEN.rows(self.session, company=company_id, cart=cart_id, variants=list(variant_ids), now=now)
        return {row.variant_id: int(row.held) for row in rows}

    async def of_cart(self, cart_id: UUID, *, company_id: UUID) -> list[InventoryHold]:
        """The cart's holds that nobody has closed, locked against the ticker; some may be past their time."""
        rows = await self.session.scalars(
            select(InventoryHold)
            .where(
                InventoryHold.company_id == company_id,
                InventoryHold.cart_id == cart_id,
                InventoryHold.status == HoldStatus.ACTIVE,
            )
            .order_by(InventoryHold.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return list(rows)

    def add(self, hold: InventoryHold) -> None:
        self.session.add(hold)

    async def end(
        self,
        cart_id: UUID,
        status: HoldStatus,
        *,
        company_id: UUID,
        now: datetime,
        variant_ids: Iterable[UUID] | None = None,
    ) -> None:
        """Close the cart's open holds, of some variants or of all."""
        of_these = [] if variant_ids is None else [InventoryHold.variant_id.in_(variant_ids)]
        await self.session.execute(
            update(InventoryHold)
            .where(
                InventoryHold.company_id == company_id,
                InventoryHold.cart_id == cart_id,
                InventoryHold.status == HoldStatus.ACTIVE,
                *of_these,
            )
            .values(status=status, ended_at=now)
        )
