"""Queries of conversations: sessions, leases, turns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import bindparam, cast, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import JSON, type_json
from db.session import run_statement
from db.statements import Reading
from db.tables.conversations import (
    ChatLease,
    ChatMessage,
    ChatSession,
    ChatTurn,
    ConversationChannel,
    ConversationStatus,
    HandoffStatus,
    ToolCall,
    TurnSource,
    TurnStatus,
)

_CONVERSATION = Reading(
    select(ChatSession).where(
        ChatSession.company_id == bindparam("company"), ChatSession.id == bindparam("conversation")
    )
)
_OF_ATTEMPT = Reading(
    select(ChatSession)
    .where(
        ChatSession.company_id == bindparam("company"),
        ChatSession.attempt_id == bindparam("attempt"),
        ChatSession.channel == bindparam("channel"),
    )
    .order_by(ChatSession.id)
    .limit(1)
)
_HANDOFF = (
    "SELECT 1 FROM handoffs WHERE company_id = %(company_id)s AND session_id = %(session_id)s AND status = %(status)s"
)
_TAKE_LEASE = """
    WITH before AS (SELECT turn_id FROM chat_leases WHERE company_id = %(company_id)s AND session_id = %(session_id)s)
    INSERT INTO chat_leases AS lease (company_id, session_id, turn_id, expires_at)
    VALUES (%(company_id)s, %(session_id)s, %(turn_id)s, %(until)s)
    ON CONFLICT (company_id, session_id) DO UPDATE SET turn_id = excluded.turn_id, expires_at = excluded.expires_at
    WHERE %(seize)s OR lease.expires_at <= %(now)s
    RETURNING (SELECT turn_id FROM before)
"""
_END_LEASE = """
    DELETE FROM chat_leases
    WHERE company_id = %(company_id)s AND session_id = %(session_id)s AND turn_id = %(turn_id)s
"""
_COUNT_SINCE = """
    SELECT count(*) FROM chat_turns
    WHERE company_id = %(company_id)s AND session_id = %(session_id)s AND started_at > %(since)s
"""
_ADD_TURN = """
    WITH touched AS (
        UPDATE chat_sessions SET last_message_at = %(now)s WHERE company_id = %(company_id)s AND id = %(session_id)s
    )
    INSERT INTO chat_turns (company_id, id, session_id, position, request_key, status, started_at)
    SELECT %(company_id)s, %(id)s, %(session_id)s, coalesce(max(position), 0) + 1, %(request_key)s::text, 'RUNNING',
           %(started_at)s
    FROM chat_turns WHERE company_id = %(company_id)s AND session_id = %(session_id)s
"""
_FINISH = """
    UPDATE chat_turns
    SET status = %(status)s, model = %(model)s, fallback_reason = %(fallback_reason)s, input_tokens = %(input_tokens)s,
        output_tokens = %(output_tokens)s, cost_micro_usd = %(cost_micro_usd)s, timings = timings || %(timings)s,
        result = %(result)s, finished_at = %(finished_at)s
    WHERE company_id = %(company_id)s AND id = %(id)s AND status = 'RUNNING'
    RETURNING id
"""


@dataclass(frozen=True)
class Lease:
    """The right to answer. `dead_turn` let it expire: its process is gone."""

    dead_turn: UUID | None


class ConversationRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(self, conversation: ChatSession) -> ChatSession:
        self.session.add(conversation)
        await self.session.flush()
        return conversation

    async def get(self, session_id: UUID, *, company_id: UUID) -> ChatSession | None:
        return await _CONVERSATION.first(self.session, company=company_id, conversation=session_id)

    async def of_attempt(
        self, attempt_id: UUID, channel: ConversationChannel, *, company_id: UUID
    ) -> ChatSession | None:
        return await _OF_ATTEMPT.first(self.session, company=company_id, attempt=attempt_id, channel=channel.value)

    async def page(
        self, *, company_id: UUID, cart_id: UUID | None, after: UUID | None, limit: int
    ) -> list[ChatSession]:
        """Newest first; `after` is the last id of the page before."""
        query = select(ChatSession).where(ChatSession.company_id == company_id)
        if cart_id is not None:
            query = query.where(ChatSession.cart_id == cart_id)
        if after is not None:
            query = query.where(ChatSession.id < after)
        return list(await self.session.scalars(query.order_by(ChatSession.id.desc()).limit(limit)))

    async def close(self, session_id: UUID, *, company_id: UUID) -> None:
        await self.session.execute(
            update(ChatSession)
            .where(ChatSession.company_id == company_id, ChatSession.id == session_id)
            .values(status=ConversationStatus.CLOSED)
        )

    async def is_silenced(self, session_id: UUID, *, company_id: UUID) -> bool:
        """Whether a person has taken over (decision 31)."""
        return bool(
            await run_statement(
                self.session,
                _HANDOFF,
                company_id=company_id,
                session_id=session_id,
                status=HandoffStatus.ACCEPTED.value,
            )
        )

    async def take_lease(
        self, session_id: UUID, turn_id: UUID, *, company_id: UUID, now: datetime, life: timedelta, seize: bool = False
    ) -> Lease | None:
        """Become the one that answers; None while another turn does, unless it is to be put out. `now` is real time."""
        rows = await run_statement(
            self.session,
            _TAKE_LEASE,
            company_id=company_id,
            session_id=session_id,
            turn_id=turn_id,
            until=now + life,
            now=now,
            seize=seize,
        )
        return Lease(dead_turn=rows[0][0]) if rows else None

    async def end_lease(self, session_id: UUID, turn_id: UUID, *, company_id: UUID) -> None:
        await run_statement(self.session, _END_LEASE, company_id=company_id, session_id=session_id, turn_id=turn_id)

    async def holds_lease(self, session_id: UUID, turn_id: UUID, *, company_id: UUID, now: datetime) -> bool:
        found = await self.session.scalar(
            select(ChatLease.turn_id).where(
                ChatLease.company_id == company_id,
                ChatLease.session_id == session_id,
                ChatLease.turn_id == turn_id,
                ChatLease.expires_at > now,
            )
        )
        return found is not None


class TurnRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(
        self,
        turn_id: UUID,
        session_id: UUID,
        request_key: str | None,
        *,
        company_id: UUID,
        started_at: datetime,
        now: datetime,
    ) -> None:
        """The conversation's next turn, which is its latest sign of life (`now`). One writer at a time: the holder of
        the lease."""
        await run_statement(
            self.session,
            _ADD_TURN,
            company_id=company_id,
            id=turn_id,
            session_id=session_id,
            request_key=request_key,
            started_at=started_at,
            now=now,
        )

    async def get(self, turn_id: UUID, *, company_id: UUID) -> ChatTurn:
        """As it is in the database now."""
        return (
            await self.session.scalars(
                select(ChatTurn)
                .where(ChatTurn.company_id == company_id, ChatTurn.id == turn_id)
                .execution_options(populate_existing=True)
            )
        ).one()

    async def lock_running(self, turn_id: UUID, *, company_id: UUID) -> bool:
        """Lock a turn until the transaction ends; False if it has ended already."""
        locked = await self.session.scalar(
            select(ChatTurn.id)
            .where(ChatTurn.company_id == company_id, ChatTurn.id == turn_id, ChatTurn.status == TurnStatus.RUNNING)
            .with_for_update()
        )
        return locked is not None

    async def running(self, session_id: UUID, *, company_id: UUID) -> list[UUID]:
        """Turns that have not ended. Whoever asks has the lease: a statement of its own sees what it waited for."""
        found = await self.session.scalars(
            select(ChatTurn.id).where(
                ChatTurn.company_id == company_id,
                ChatTurn.session_id == session_id,
                ChatTurn.status == TurnStatus.RUNNING,
            )
        )
        return list(found)

    async def finish(self, turn_id: UUID, values: type_json, *, company_id: UUID) -> bool:
        """End a running turn; False if it has ended already. Its timings are added to those that are known."""
        json = {name: Jsonb(values[name]) for name in ("timings", "result")}
        return bool(await run_statement(self.session, _FINISH, company_id=company_id, id=turn_id, **{**values, **json}))

    async def add_timings(
        self, session_id: UUID, position: int, timings: Mapping[str, int], *, company_id: UUID
    ) -> None:
        """To the turn of a sentence."""
        turn_id = (
            select(ChatMessage.turn_id)
            .where(
                ChatMessage.company_id == company_id,
                ChatMessage.session_id == session_id,
                ChatMessage.position == position,
            )
            .scalar_subquery()
        )
        await self.session.execute(
            update(ChatTurn)
            .where(ChatTurn.company_id == company_id, ChatTurn.id == turn_id)
            .values(timings=ChatTurn.timings.op("||")(cast(dict(timings), JSON)))
            .execution_options(synchronize_session=False)
        )

    async def of_request(self, session_id: UUID, request_key: str, *, company_id: UUID) -> UUID | None:
        return await self.session.scalar(
            select(ChatTurn.id).where(
                ChatTurn.company_id == company_id,
                ChatTurn.session_id == session_id,
                ChatTurn.request_key == request_key,
            )
        )

    async def of_session(self, session_id: UUID, *, company_id: UUID) -> list[ChatTurn]:
        return list(
            await self.session.scalars(
                select(ChatTurn)
                .where(ChatTurn.company_id == company_id, ChatTurn.session_id == session_id)
                .order_by(ChatTurn.position)
            )
        )

    async def count_since(self, session_id: UUID, since: datetime, *, company_id: UUID) -> int:
        rows = await run_statement(
            self.session, _COUNT_SINCE, company_id=company_id, session_id=session_id, since=since
        )
        return int(rows[0][0])

    async def add_sources(self, turn_id: UUID, sources: list[type_json], *, company_id: UUID) -> None:
        if sources:
            rows = [{"company_id": company_id, "turn_id": turn_id, **source} for source in sources]
            await self.session.execute(upsert(TurnSource).values(rows).on_conflict_do_nothing())

    async def sources(self, turn_ids: list[UUID], *, company_id: UUID) -> list[TurnSource]:
        return list(
            await self.session.scalars(
                select(TurnSource)
                .where(TurnSource.company_id == company_id, TurnSource.turn_id.in_(turn_ids))
                .order_by(TurnSource.turn_id, TurnSource.score.desc(), TurnSource.entry_id)
            )
        )

    async def tool_calls_of(self, turn_id: UUID, session_id: UUID, *, company_id: UUID) -> list[ToolCall]:
        return list(
            await self.session.scalars(
                select(ToolCall)
                .where(
                    ToolCall.company_id == company_id, ToolCall.session_id == session_id, ToolCall.turn_id == turn_id
                )
                .order_by(ToolCall.called_at, ToolCall.id)
            )
        )

    async def tool_calls(self, session_id: UUID, *, company_id: UUID) -> list[ToolCall]:
        return list(
            await self.session.scalars(
                select(ToolCall)
                .where(ToolCall.company_id == company_id, ToolCall.session_id == session_id)
                .order_by(ToolCall.called_at, ToolCall.id)
            )
        )
