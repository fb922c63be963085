"""Queries of what was shown."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.tables.carts import Cart
from db.tables.storefront import TriggerImpression


class TriggerRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def lock_cart(self, cart_id: UUID, *, company_id: UUID) -> None:
        """One logger at a time for a cart: a partitioned table has no unique index on the handle."""
        await self.session.execute(
            select(Cart.id).where(Cart.company_id == company_id, Cart.id == cart_id).with_for_update()
        )

    async def is_logged(self, cart_id: UUID, session_id: UUID, handle: str, *, company_id: UUID) -> bool:
        found = await self.session.scalar(
            select(TriggerImpression.id)
            .where(
                TriggerImpression.company_id == company_id,
                TriggerImpression.cart_id == cart_id,
                TriggerImpression.handle == handle,
                TriggerImpression.session_id == session_id,
            )
            .limit(1)
        )
        return found is not None

    async def add(
        self,
        cart_id: UUID,
        *,
        company_id: UUID,
        session_id: UUID,
        trigger: str,
        placement: str,
        handle: str,
        now: datetime,
    ) -> None:
        await self.session.execute(
            insert(TriggerImpression).values(
                company_id=company_id,
                id=uuid7(),
                impressed_at=now,
                cart_id=cart_id,
                session_id=session_id,
                trigger=trigger,
                placement=placement,
                handle=handle,
                control=False,
                context={},
            )
        )
