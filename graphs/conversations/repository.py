"""Queries of conversations: sessions, leases, turns, transcript."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.ids import uuid7
from db.tables.conversations import (
    BlockedSentence,
    ChatLease,
    ChatMessage,
    ChatSession,
    ChatTurn,
    Handoff,
    HandoffStatus,
    MessageRole,
    ToolCall,
    TurnSource,
)


class ConversationRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(self, conversation: ChatSession) -> ChatSession:
        self.session.add(conversation)
        await self.session.flush()
        return conversation

    async def get(self, session_id: UUID, *, company_id: UUID) -> ChatSession | None:
        return await self.session.scalar(
            select(ChatSession).where(ChatSession.company_id == company_id, ChatSession.id == session_id)
        )

    async def of_attempt(self, attempt_id: UUID, *, company_id: UUID) -> ChatSession | None:
        return await self.session.scalar(
            select(ChatSession)
            .where(ChatSession.company_id == company_id, ChatSession.attempt_id == attempt_id)
            .order_by(ChatSession.id)
            .limit(1)
        )

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

    async def touch(self, session_id: UUID, *, company_id: UUID, now: datetime) -> None:
        await self.session.execute(
            update(ChatSession)
            .where(ChatSession.company_id == company_id, ChatSession.id == session_id)
            .values(last_message_at=now)
        )

    async def is_silenced(self, session_id: UUID, *, company_id: UUID) -> bool:
        """Whether a person has taken over (decision 31)."""
        status = await self.session.scalar(
            select(Handoff.status).where(Handoff.company_id == company_id, Handoff.session_id == session_id)
        )
        return status is HandoffStatus.ACCEPTED

    async def take_lease(
        self, session_id: UUID, turn_id: UUID, *, company_id: UUID, now: datetime, life: timedelta
    ) -> bool:
        """Become the one that answers; False while another turn does. `now` is real time."""
        taken = await self.session.execute(
            upsert(ChatLease)
            .values(company_id=company_id, session_id=session_id, turn_id=turn_id, expires_at=now + life)
            .on_conflict_do_update(
                index_elements=["company_id", "session_id"],
                set_={"turn_id": turn_id, "expires_at": now + life},
                where=ChatLease.expires_at <= now,
            )
            .returning(ChatLease.turn_id)
        )
        return taken.first() is not None

    async def end_lease(self, session_id: UUID, turn_id: UUID, *, company_id: UUID) -> None:
        await self.session.execute(
            delete(ChatLease).where(
                ChatLease.company_id == company_id, ChatLease.session_id == session_id, ChatLease.turn_id == turn_id
            )
        )

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

    async def add(self, turn: ChatTurn) -> ChatTurn:
        self.session.add(turn)
        await self.session.flush()
        return turn

    async def get(self, turn_id: UUID, *, company_id: UUID) -> ChatTurn:
        return (
            await self.session.scalars(
                select(ChatTurn).where(ChatTurn.company_id == company_id, ChatTurn.id == turn_id)
            )
        ).one()

    async def of_request(self, session_id: UUID, request_key: str, *, company_id: UUID) -> ChatTurn | None:
        return await self.session.scalar(
            select(ChatTurn).where(
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

    async def next_position(self, session_id: UUID, *, company_id: UUID) -> int:
        last = await self.session.scalar(
            select(func.max(ChatTurn.position)).where(
                ChatTurn.company_id == company_id, ChatTurn.session_id == session_id
            )
        )
        return (last or 0) + 1

    async def count_since(self, session_id: UUID, since: datetime, *, company_id: UUID) -> int:
        counted = await self.session.scalar(
            select(func.count())
            .select_from(ChatTurn)
            .where(ChatTurn.company_id == company_id, ChatTurn.session_id == session_id, ChatTurn.started_at > since)
        )
        return counted or 0

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

    async def add_blocked(
        self, session_id: UUID, turn_id: UUID, content: str, unbound: type_json, *, company_id: UUID, now: datetime
    ) -> None:
        await self.session.execute(
            insert(BlockedSentence).values(
                company_id=company_id,
                id=uuid7(),
                session_id=session_id,
                turn_id=turn_id,
                content=content,
                unbound=unbound,
                created_at=now,
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


class TranscriptRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(
        self,
        session_id: UUID,
        role: MessageRole,
        content: str,
        *,
        company_id: UUID,
        turn_id: UUID | None,
        now: datetime,
        bindings: type_json | None = None,
    ) -> int:
        """Append a row; its position. One writer at a time: the turn that holds the lease."""
        last = (
            select(func.coalesce(func.max(ChatMessage.position), 0) + 1)
            .where(ChatMessage.company_id == company_id, ChatMessage.session_id == session_id)
            .scalar_subquery()
        )
        added = await self.session.execute(
            insert(ChatMessage)
            .values(
                company_id=company_id,
                id=uuid7(),
                session_id=session_id,
                turn_id=turn_id,
                position=last,
                role=role,
                content=content,
                bindings=bindings or {},
                created_at=now,
            )
            .returning(ChatMessage.position)
        )
        return added.scalar_one()

    async def latest(self, session_id: UUID, *, company_id: UUID, limit: int) -> list[ChatMessage]:
        """The last rows, oldest first."""
        rows = await self.session.scalars(
            select(ChatMessage)
            .where(ChatMessage.company_id == company_id, ChatMessage.session_id == session_id)
            .order_by(ChatMessage.position.desc())
            .limit(limit)
        )
        return list(rows)[::-1]

    async def all(self, session_id: UUID, *, company_id: UUID) -> list[ChatMessage]:
        return list(
            await self.session.scalars(
                select(ChatMessage)
                .where(ChatMessage.company_id == company_id, ChatMessage.session_id == session_id)
                .order_by(ChatMessage.position)
            )
        )

    async def of_turn(self, turn_id: UUID, role: MessageRole, *, company_id: UUID) -> list[ChatMessage]:
        return list(
            await self.session.scalars(
                select(ChatMessage)
                .where(ChatMessage.company_id == company_id, ChatMessage.turn_id == turn_id, ChatMessage.role == role)
                .order_by(ChatMessage.position)
            )
        )

    async def rewrite(self, message: ChatMessage, content: str, *, company_id: UUID) -> None:
        """Take out what should never have been kept (a card number that spread over turns)."""
        await self.session.execute(
            update(ChatMessage)
            .where(ChatMessage.company_id == company_id, ChatMessage.id == message.id)
            .values(content=content)
        )
