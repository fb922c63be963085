"""Queries over stock and the units held of it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import HoldStatus, InventoryHold
from db.tables.catalogue import Stock


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

    async def stock(self, variant_ids: Iterable[UUID], *, company_id: UUID) -> list[Stock]:
        """The stock rows as they are, for who only looks."""
        rows = await self.session.scalars(
            select(Stock).where(Stock.company_id == company_id, Stock.variant_id.in_(variant_ids))
        )
        return list(rows)

    async def held_by_others(
        self, cart_id: UUID, variant_ids: Iterable[UUID], *, company_id: UUID, now: datetime
    ) -> dict[UUID, int]:
        """Unexpired units by variant. Read it under the lock of the stock rows."""
        rows = await self.session.execute(
            select(InventoryHold.variant_id, func.sum(InventoryHold.quantity))
            .where(
                InventoryHold.company_id == company_id,
                InventoryHold.variant_id.in_(variant_ids),
                InventoryHold.cart_id != cart_id,
                InventoryHold.status == HoldStatus.ACTIVE,
                InventoryHold.expires_at > now,
            )
            .group_by(InventoryHold.variant_id)
        )
        return {variant_id: int(quantity) for variant_id, quantity in rows}

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
