"""Queries of the transcript: utterances, sentences that were shown, sentences that were blocked."""

from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import bindparam, cast, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import JSON, type_json
from db.ids import uuid7
from db.session import run_statement
from db.statements import Reading
from db.tables.conversations import BlockedSentence, ChatMessage, MessageRole

# One writer at a time: the turn that holds the lease.
_ROW = """
    INSERT INTO chat_messages (company_id, id, session_id, turn_id, position, role, content, bindings, created_at)
    SELECT %(company_id)s, %(id)s, %(session_id)s, %(turn_id)s::uuid, coalesce(max(position), 0) + 1, %(role)s,
           %(content)s, %(bindings)s, %(now)s
    FROM chat_messages WHERE company_id = %(company_id)s AND session_id = %(session_id)s
"""
_APPEND = f"{_ROW} RETURNING position"
_APPEND_WHILE_ANSWERING = f"""
    {_ROW}
    HAVING EXISTS (SELECT FROM chat_leases
                   WHERE company_id = %(company_id)s AND session_id = %(session_id)s AND turn_id = %(turn_id)s)
    RETURNING position
"""
_LATEST = (
    select(ChatMessage)
    .where(ChatMessage.company_id == bindparam("company"), ChatMessage.session_id == bindparam("conversation"))
    .order_by(ChatMessage.position.desc())
    .limit(bindparam("most"))
)
_OF_ALL, _OF_ROLE = Reading(_LATEST), Reading(_LATEST.where(ChatMessage.role == bindparam("role")))


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
        rows = await run_statement(
            self.session,
            _APPEND,
            company_id=company_id,
            id=uuid7(),
            session_id=session_id,
            turn_id=turn_id,
            role=role.value,
            content=content,
            bindings=Jsonb(bindings or {}),
            now=now,
        )
        return int(rows[0][0])

    async def add_sentence(
        self, session_id: UUID, turn_id: UUID, content: str, bindings: type_json, *, company_id: UUID, now: datetime
    ) -> int | None:
        """Append a sentence of an answer, if its turn is still the one that answers."""
        rows = await run_statement(
            self.session,
            _APPEND_WHILE_ANSWERING,
            company_id=company_id,
            id=uuid7(),
            session_id=session_id,
            turn_id=turn_id,
            role=MessageRole.ASSISTANT.value,
            content=content,
            bindings=Jsonb(bindings),
            now=now,
        )
        return int(rows[0][0]) if rows else None

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
        values: dict[str, object] = {"company": company_id, "conversation": session_id, "most": limit}
        if role is None:
            rows = await _OF_ALL.all(self.session, **values)
        else:
            rows = await _OF_ROLE.all(self.session, **values, role=role.value)
        return rows[::-1]

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
