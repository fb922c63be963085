"""Queries of the edge itself: keys, and answers to repeated requests."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, case, delete, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.ids import uuid7
from db.session import run_statement
from db.statements import Query
from db.tables.companies import ApiKey, Company, KeyKind
from db.tables.platform import IdempotencyKey, RateWindow


@dataclass(frozen=True)
class FoundKey:
    company_id: UUID
    id: UUID


@dataclass(frozen=True)
class StoredKey:
    """What a key may do, and until when."""

    kind: KeyKind
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None


# Built once: each request of a page or a server asks it.
_KEY = Query(
    select(ApiKey.kind, ApiKey.scopes, ApiKey.expires_at, ApiKey.revoked_at).where(
        ApiKey.company_id == bindparam("company"), ApiKey.id == bindparam("key")
    )
)


class KeyRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def find(self, key_hash: str) -> FoundKey | None:
        """Whose key this is; the one look-up that sees all companies (db/migrations 0002)."""
        rows = await run_statement(self.session, "SELECT company_id, id FROM find_key(%(hash)s)", hash=key_hash)
        return FoundKey(*rows[0]) if rows else None

    async def get(self, key_id: UUID, *, company_id: UUID) -> StoredKey | None:
        rows = await _KEY.rows(self.session, company=company_id, key=key_id)
        return StoredKey(*rows[0]) if rows else None

    async def add(
        self,
        kind: KeyKind,
        *,
        company_id: UUID,
        prefix: str,
        key_hash: str,
        scopes: list[str],
        now: datetime,
        expires_at: datetime | None,
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
                expires_at=expires_at,
            )
        )

    async def all(self, *, company_id: UUID) -> list[ApiKey]:
        return list(
            await self.session.scalars(select(ApiKey).where(ApiKey.company_id == company_id).order_by(ApiKey.id))
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


@dataclass(frozen=True)
class Window:
    begins_at: datetime
    used: int


class RateRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def use(self, name: str, *, company_id: UUID, now: datetime, lasts: timedelta) -> Window:
        """Count one more use, in a new window if the last one is over. Its row stays locked until the request ends:
        requests under one name take turns."""
        over = RateWindow.begins_at <= now - lasts
        counted = await self.session.execute(
            upsert(RateWindow)
            .values(company_id=company_id, name=name, begins_at=now, used=1)
            .on_conflict_do_update(
                index_elements=["company_id", "name"],
                set_={
                    "begins_at": case((over, now), else_=RateWindow.begins_at),
                    "used": case((over, 1), else_=RateWindow.used + 1),
                },
            )
            .returning(RateWindow.begins_at, RateWindow.used)
        )
        row = counted.one()
        return Window(row.begins_at, row.used)

    async def forget(self, *, before: datetime, company_id: UUID) -> None:
        """Drop windows that are over; those in use are left to whoever comes next."""
        over = (
            select(RateWindow.company_id, RateWindow.name)
            .where(RateWindow.company_id == company_id, RateWindow.begins_at < before)
            .limit(100)
            .with_for_update(skip_locked=True)
        )
        await self.session.execute(
            delete(RateWindow)
            .where(tuple_(RateWindow.company_id, RateWindow.name).in_(over))
            .execution_options(synchronize_session=False)
        )


class OriginRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def is_known(self, origin: str) -> bool:
        """Whether the pages of any company live there; it does not say whose (db/migrations 0006)."""
        return bool(await self.session.scalar(text("SELECT origin_known(:origin)"), {"origin": origin}))

    async def allowed(self, *, company_id: UUID) -> list[str]:
        found = await self.session.scalar(select(Company.allowed_origins).where(Company.id == company_id))
        return found or []

    async def allow(self, origins: list[str], *, company_id: UUID) -> None:
        await self.session.execute(update(Company).where(Company.id == company_id).values(allowed_origins=origins))
