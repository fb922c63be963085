"""What the simulation reads of the calls that it had placed, and its one customer a call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.tables.catalogue import ProductVariant, Stock
from db.tables.policy import Grant
from db.tables.recovery import SaveAttempt
from db.tables.voice import VoiceCall


@dataclass(frozen=True)
class GrantGiven:
    """`value` is a percentage, or None for free shipping."""

    kind: str
    value: float | None


class SimulationRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def calls(self, cart_ids: Sequence[UUID], *, company_id: UUID) -> dict[UUID, VoiceCall]:
        """The call of each cart that has one, by cart."""
        rows = await self.session.scalars(
            select(VoiceCall).where(VoiceCall.company_id == company_id, VoiceCall.cart_id.in_(cart_ids))
        )
        return {call.cart_id: call for call in rows}

    async def waiting(self, cart_ids: Sequence[UUID], *, company_id: UUID) -> list[tuple[str, str, datetime | None]]:
        """Stage, status and due instant of the carts' attempts: why nobody has been called yet."""
        rows = await self.session.execute(
            select(SaveAttempt.current_stage, SaveAttempt.status, SaveAttempt.due_at).where(
                SaveAttempt.company_id == company_id, SaveAttempt.cart_id.in_(cart_ids)
            )
        )
        return [(row.current_stage, row.status, row.due_at) for row in rows]

    async def grants(self, grant_ids: Sequence[UUID], *, company_id: UUID) -> list[GrantGiven]:
        rows = await self.session.scalars(select(Grant).where(Grant.company_id == company_id, Grant.id.in_(grant_ids)))
        return [GrantGiven(grant.kind.value, None if grant.percent is None else float(grant.percent)) for grant in rows]

    async def have_in_stock(self, sku: str, at_least: int, *, company_id: UUID) -> None:
        variant = select(ProductVariant.id).where(ProductVariant.company_id == company_id, ProductVariant.sku == sku)
        await self.session.execute(
            update(Stock)
            .where(Stock.company_id == company_id, Stock.variant_id == variant.scalar_subquery())
            .values(on_hand=func.greatest(Stock.on_hand, at_least))
        )


def transcript_of(call: VoiceCall) -> list[type_json]:
    return list(call.transcript or [])
