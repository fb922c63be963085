"""Queries of the tool layer: calls that were made, people who were asked for."""

from collections.abc import Mapping
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.session import run_statement
from db.tables.conversations import Handoff, ToolCall

_ADD = """
    INSERT INTO tool_calls (company_id, id, session_id, turn_id, attempt_id, call_key, name, input, outcome, reason,
                            result, policy_version, latency_ms, called_at)
    VALUES (%(company_id)s, %(id)s, %(session_id)s, %(turn_id)s, %(attempt_id)s, %(call_key)s, %(name)s, %(input)s,
            %(outcome)s, %(reason)s, %(result)s, %(policy_version)s, %(latency_ms)s, %(called_at)s)
    ON CONFLICT (company_id, call_key) DO NOTHING RETURNING id
"""


class ToolCallRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def lock(self, call_key: str, *, company_id: UUID) -> None:
        """One run at a time for a key, held until the transaction ends. It comes before every row lock."""
        name = f"tool-call:{company_id}:{call_key}"
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

    async def get(self, call_key: str, *, company_id: UUID) -> ToolCall | None:
        return await self.session.scalar(
            select(ToolCall).where(ToolCall.company_id == company_id, ToolCall.call_key == call_key)
        )

    async def add(self, row: Mapping[str, object], *, company_id: UUID) -> bool:
        """Keep a call; False when a call with this key is kept already. Waits for one that is being made."""
        json = {name: Jsonb(row[name]) for name in ("input", "result")}
        return bool(await run_statement(self.session, _ADD, company_id=company_id, **{**row, **json}))

    async def results(self, conversation_id: UUID, name: str, *, company_id: UUID) -> list[type_json]:
        """What this conversation's calls of a tool answered, oldest first."""
        found = await self.session.scalars(
            select(ToolCall.result)
            .where(ToolCall.company_id == company_id, ToolCall.session_id == conversation_id, ToolCall.name == name)
            .order_by(ToolCall.called_at, ToolCall.id)
        )
        return list(found)


class HandoffRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, conversation_id: UUID, *, company_id: UUID) -> Handoff | None:
        return await self.session.scalar(
            select(Handoff).where(Handoff.company_id == company_id, Handoff.session_id == conversation_id)
        )

    async def add(self, row: Mapping[str, object], *, company_id: UUID) -> None:
        """Ask for a person; a conversation that has asked already stays as it is."""
        await self.session.execute(
            insert(Handoff)
            .values(company_id=company_id, **row)
            .on_conflict_do_nothing(index_elements=["company_id", "session_id"])
        )
