"""Queries of the edge itself: keys, and answers to repeated requests."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.ids import uuid7
from db.tables.companies import ApiKey, KeyKind
from db.tables.platform import IdempotencyKey


@dataclass(frozen=True)
class FoundKey:
    company_id: UUID
    id: UUID


class KeyRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def find(self, key_hash: str) -> FoundKey | None:
        """Whose key this is; the one look-up that sees all companies (db/migrations 0002)."""
        row = (await self.session.execute(text("SELECT * FROM find_key(:hash)"), {"hash": key_hash})).first()
        return None if row is None else FoundKey(row.company_id, row.id)

    async def get(self, key_id: UUID, *, company_id: UUID) -> ApiKey | None:
        return await self.session.scalar(select(ApiKey).where(ApiKey.company_id == company_id, ApiKey.id == key_id))

    async def add(
        self, kind: KeyKind, *, company_id: UUID, prefix: str, key_hash: str, scopes: list[str], now: datetime
    ) -> None:
        await self.session.execute(
            insert(ApiKey).values(
                company_id=company_id,
                id=uuid7(),
                kind=kind,
                prefix=prefix,
                key_hash=key_hash,
                scopes=scopes,
                created_at=now,
            )
        )


class IdempotencyRepository:
    """Keys are unique for (company, principal, route, key)."""

    def __init__(self, session: AsyncSession, *, company_id: UUID, principal: str, route: str, key: str) -> None:
        self.session = session
        self.identity = {"company_id": company_id, "principal": principal, "route": route, "key": key}

    async def claim(self, request_hash: str, *, now: datetime) -> bool:
        """Take the key. A request under way with the same key makes this wait for its end; False: it was taken."""
        taken = await self.session.execute(
            upsert(IdempotencyKey)
            .values(**self.identity, request_hash=request_hash, created_at=now)
            .on_conflict_do_nothing()
            .returning(IdempotencyKey.key)
        )
        return taken.first() is not None

    async def get(self) -> IdempotencyKey:
        return (await self.session.scalars(select(IdempotencyKey).filter_by(**self.identity))).one()

    async def answer(self, status: int, answer: type_json) -> None:
        await self.session.execute(
            update(IdempotencyKey).filter_by(**self.identity).values(status=status, answer=answer)
        )
