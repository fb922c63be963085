"""Queries of the transcript: utterances, sentences that were shown, sentences that were blocked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ScalarSelect, cast, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import JSON, type_json
from db.ids import uuid7
from db.tables.conversations import BlockedSentence, ChatLease, ChatMessage, MessageRole


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
        added = await self.session.execute(
            insert(ChatMessage)
            .values(
                company_id=company_id,
                id=uuid7(),
                session_id=session_id,
                turn_id=turn_id,
                position=_next_position(session_id, company_id=company_id),
                role=role,
                content=content,
                bindings=bindings or {},
                created_at=now,
            )
            .returning(ChatMessage.position)
        )
        return added.scalar_one()

    async def add_sentence(
        self, session_id: UUID, turn_id: UUID, content: str, bindings: type_json, *, company_id: UUID, now: datetime
    ) -> int | None:
        """Append a sentence of an answer, if its turn is still the one that answers."""
        held = (
            select(ChatLease.turn_id)
            .where(ChatLease.company_id == company_id, ChatLease.session_id == session_id, ChatLease.turn_id == turn_id)
            .exists()
        )
        values: type_json = {
            "company_id": company_id,
            "id": uuid7(),
            "session_id": session_id,
            "turn_id": turn_id,
            "role": MessageRole.ASSISTANT,
            "content": content,
            "bindings": bindings,
            "created_at": now,
        }
        columns = [literal(value, ChatMessage.__table__.c[name].type) for name, value in values.items()]
        added = await self.session.execute(
            insert(ChatMessage)
            .from_select(
                [*values, "position"],
                select(*columns, _next_position(session_id, company_id=company_id)).where(held),
            )
            .returning(ChatMessage.position)
        )
        return added.scalar_one_or_none()

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

    async def first(self, session_id: UUID, *, company_id: UUID) -> ChatMessage:
        return (
            await self.session.scalars(
                select(ChatMessage).where(
                    ChatMessage.company_id == company_id,
                    ChatMessage.session_id == session_id,
                    ChatMessage.position == 1,
                )
            )
        ).one()

    async def latest(
        self, session_id: UUID, *, company_id: UUID, limit: int, role: MessageRole | None = None
    ) -> list[ChatMessage]:
        """The last rows, of one role or of all, oldest first."""
        query = select(ChatMessage).where(ChatMessage.company_id == company_id, ChatMessage.session_id == session_id)
        if role is not None:
            query = query.where(ChatMessage.role == role)
        rows = await self.session.scalars(query.order_by(ChatMessage.position.desc()).limit(limit))
        return list(rows)[::-1]

    async def all(self, session_id: UUID, *, company_id: UUID) -> list[ChatMessage]:
        return list(
            await self.session.scalars(
                select(ChatMessage)
                .where(ChatMessage.company_id == company_id, ChatMessage.session_id == session_id)
                .order_by(ChatMessage.position)
            )
        )

    async def of_turn(
        self, turn_id: UUID, session_id: UUID, role: MessageRole, *, company_id: UUID, after: int = 0
    ) -> list[ChatMessage]:
        return list(
            await self.session.scalars(
                select(ChatMessage)
                .where(
                    ChatMessage.company_id == company_id,
                    ChatMessage.session_id == session_id,
                    ChatMessage.turn_id == turn_id,
                    ChatMessage.role == role,
                    ChatMessage.position > after,
                )
                .order_by(ChatMessage.position)
            )
        )

    async def blocked(self, session_id: UUID, *, company_id: UUID) -> list[BlockedSentence]:
        return list(
            await self.session.scalars(
                select(BlockedSentence)
                .where(BlockedSentence.company_id == company_id, BlockedSentence.session_id == session_id)
                .order_by(BlockedSentence.id)
            )
        )

    async def note(self, session_id: UUID, position: int, bindings: type_json, *, company_id: UUID) -> None:
        """Add to what is known of a row."""
        await self.session.execute(
            update(ChatMessage)
            .where(
                ChatMessage.company_id == company_id,
                ChatMessage.session_id == session_id,
                ChatMessage.position == position,
            )
            .values(bindings=ChatMessage.bindings.op("||")(cast(bindings, JSON)))
            .execution_options(synchronize_session=False)
        )

    async def rewrite(self, message: ChatMessage, content: str, *, company_id: UUID) -> None:
        """Take out what should never have been kept (a card number that spread over turns)."""
        await self.session.execute(
            update(ChatMessage)
            .where(ChatMessage.company_id == company_id, ChatMessage.id == message.id)
            .values(content=content)
        )


def _next_position(session_id: UUID, *, company_id: UUID) -> ScalarSelect[int]:
    return (
        select(func.coalesce(func.max(ChatMessage.position), 0) + 1)
        .where(ChatMessage.company_id == company_id, ChatMessage.session_id == session_id)
        .scalar_subquery()
    )
