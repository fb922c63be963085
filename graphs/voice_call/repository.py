"""Queries of the voice agent: its call's row, and where the call stood after its last turn."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.tables.conversations import ChatTurn
from db.tables.voice import VoiceCall


class VoiceCallRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def cart_of(self, call_id: UUID, *, company_id: UUID) -> UUID | None:
        return await self.session.scalar(
            select(VoiceCall.cart_id).where(VoiceCall.company_id == company_id, VoiceCall.id == call_id)
        )

    async def get_for_update(self, call_id: UUID, *, company_id: UUID) -> VoiceCall | None:
        return await self.session.scalar(
            select(VoiceCall).where(VoiceCall.company_id == company_id, VoiceCall.id == call_id).with_for_update()
        )

    async def bind(self, call_id: UUID, session_id: UUID, *, company_id: UUID) -> None:
        """Name the conversation in which the call is held."""
        await self._change(call_id, {"session_id": session_id}, company_id=company_id)

    async def accept(self, call_id: UUID, grant_id: UUID, *, company_id: UUID) -> None:
        """Name the grant that the customer said yes to."""
        await self._change(call_id, {"grant_id": grant_id}, company_id=company_id)

    async def _change(self, call_id: UUID, values: type_json, *, company_id: UUID) -> None:
        await self.session.execute(
            update(VoiceCall).where(VoiceCall.company_id == company_id, VoiceCall.id == call_id).values(**values)
        )

    async def last_result(self, session_id: UUID, *, company_id: UUID) -> type_json | None:
        """What the last turn left that came far enough to leave where the call stands."""
        return await self.session.scalar(
            select(ChatTurn.result)
            .where(
                ChatTurn.company_id == company_id,
                ChatTurn.session_id == session_id,
                ChatTurn.result.has_key("progress"),
            )
            .order_by(ChatTurn.position.desc())
            .limit(1)
        )
