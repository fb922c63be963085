"""Queries of calls."""

from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.jobs import Job
from db.tables.voice import VoiceCall, VoiceCallStatus
from voice.calls.schemas import CallClaim

# Spec 7's scriptType of every recovery call.
SCRIPT = "CART_RECOVERY"


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

    @staticmethod
    def note_life(call: VoiceCall) -> None:
        """The locked call shows signs of life, in the database's own time.

        Written with whatever else changes: a row that one transaction updates twice has its foreign keys checked
        again, which locks what they point at, out of order.
        """
        call.heartbeat_at = func.clock_timestamp()

    async def heard_of(self, call_id: UUID, *, company_id: UUID) -> bool:
        """Note that a live call shows signs of life, in the database's own time; False when it has ended, or its
        carrier says that it has."""
        live = await self.session.scalar(
            update(VoiceCall)
            .where(
                VoiceCall.company_id == company_id,
                VoiceCall.id == call_id,
                VoiceCall.status != VoiceCallStatus.ENDED,
                VoiceCall.completed_at.is_(None),
            )
            .values(heartbeat_at=func.clock_timestamp())
            .returning(VoiceCall.id)
        )
        return live is not None

    async def lines_taken(self, *, company_id: UUID) -> list[int]:
        rows = await self.session.scalars(
            select(VoiceCall.slot).where(VoiceCall.company_id == company_id, VoiceCall.slot.is_not(None))
        )
        return [line for line in rows if line is not None]

    async def open(self, claim: CallClaim, *, company_id: UUID, now: datetime) -> UUID | None:
        """Keep a new live call; None where an index says that this person, number or cart has had theirs."""
        opened: UUID | None = await self.session.scalar(
            insert(VoiceCall)
            .values(
                **asdict(claim),
                company_id=company_id,
                id=uuid7(),
                status=VoiceCallStatus.CLAIMED,
                script_type=SCRIPT,
                initiated_at=now,
                heartbeat_at=func.clock_timestamp(),
            )
            .on_conflict_do_nothing()
            .returning(VoiceCall.id)
        )
        return opened

    async def lost(self, *, older_than: timedelta, limit: int) -> list[Job]:
        """Live calls of every company that nothing was heard of (a SECURITY DEFINER function, ids only)."""
        found = func.lost_calls(older_than, limit).table_valued("company_id", "id")
        rows = await self.session.execute(select(found.c.company_id, found.c.id))
        return [Job(company_id=row.company_id, id=row.id) for row in rows]

    async def still_lost(self, call_id: UUID, *, company_id: UUID, older_than: timedelta) -> VoiceCall | None:
        """The live call, if nothing was heard of it since, in the database's own time."""
        return await self.session.scalar(
            select(VoiceCall)
            .where(
                VoiceCall.company_id == company_id,
                VoiceCall.id == call_id,
                VoiceCall.status != VoiceCallStatus.ENDED,
                VoiceCall.heartbeat_at < func.clock_timestamp() - older_than,
            )
            .with_for_update()
        )
