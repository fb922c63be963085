"""Queries of calls."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.voice import VoiceCall, VoiceCallStatus


class CallRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, call_id: UUID, *, company_id: UUID) -> VoiceCall | None:
        return await self.session.scalar(
            select(VoiceCall).where(VoiceCall.company_id == company_id, VoiceCall.id == call_id)
        )

    async def get_for_update(self, call_id: UUID, *, company_id: UUID) -> VoiceCall | None:
        """Lock the call until the transaction ends. After everything else: cart, attempt, grant, message, call."""
        return await self.session.scalar(
            select(VoiceCall)
            .where(VoiceCall.company_id == company_id, VoiceCall.id == call_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def heard_of(self, call_id: UUID, *, company_id: UUID) -> bool:
        """Note that a live call shows signs of life, in the database's own time; False when it has ended."""
        live = await self.session.scalar(
            update(VoiceCall)
            .where(
                VoiceCall.company_id == company_id, VoiceCall.id == call_id, VoiceCall.status != VoiceCallStatus.ENDED
            )
            .values(heartbeat_at=func.clock_timestamp())
            .returning(VoiceCall.id)
        )
        return live is not None
