"""Queries of sign-in and sessions, of the trail, and of keys as a list."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, case, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.ids import uuid7
from db.tables.access import AuditAction, AuditEntry, ConsoleSession, SignInTries
from db.tables.companies import ApiKey, Role, User
from policy.access.schemas import AuditLine, KeyLine


@dataclass(frozen=True)
class Found:
    company_id: UUID
    id: UUID


@dataclass(frozen=True)
class OpenSession:
    user_id: UUID
    email: str
    role: Role
    last_seen_at: datetime
    expires_at: datetime


class UserRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def find(self, email: str) -> Found | None:
        """Whose account this is; sees all companies (db/migrations 0002)."""
        row = (await self.session.execute(text("SELECT * FROM find_user(:email)"), {"email": email})).first()
        return None if row is None else Found(row.company_id, row.id)

    async def get(self, user_id: UUID, *, company_id: UUID) -> User | None:
        return await self.session.scalar(select(User).where(User.company_id == company_id, User.id == user_id))

    async def add(self, email: str, password_hash: str, role: Role, *, company_id: UUID, now: datetime) -> bool:
        """Keep a new user; False when somebody has that email, in whichever company."""
        added = await self.session.execute(
            upsert(User)
            .values(
                company_id=company_id, id=uuid7(), email=email, password_hash=password_hash, role=role, created_at=now
            )
            .on_conflict_do_nothing(index_elements=["email"])
            .returning(User.id)
        )
        return added.first() is not None

    async def set_password(self, user_id: UUID, password_hash: str, *, company_id: UUID) -> None:
        await self.session.execute(
            update(User).where(User.company_id == company_id, User.id == user_id).values(password_hash=password_hash)
        )


class SessionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def find(self, token_hash: str) -> Found | None:
        """Whose session this is; sees all companies (db/migrations 0003)."""
        row = (
            await self.session.execute(text("SELECT * FROM find_console_session(:hash)"), {"hash": token_hash})
        ).first()
        return None if row is None else Found(row.company_id, row.id)

    async def get(self, session_id: UUID, *, company_id: UUID) -> OpenSession | None:
        """A session that was not ended, of a user who was not disabled."""
        row = (
            await self.session.execute(
                select(User.id, User.email, User.role, ConsoleSession.last_seen_at, ConsoleSession.expires_at)
                .join(User, and_(User.company_id == ConsoleSession.company_id, User.id == ConsoleSession.user_id))
                .where(
                    ConsoleSession.company_id == company_id,
                    ConsoleSession.id == session_id,
                    ConsoleSession.ended_at.is_(None),
                    User.disabled_at.is_(None),
                )
            )
        ).first()
        return None if row is None else OpenSession(*row)

    async def add(self, user_id: UUID, token_hash: str, *, company_id: UUID, now: datetime, life: timedelta) -> UUID:
        session_id = uuid7()
        self.session.add(
            ConsoleSession(
                company_id=company_id,
                id=session_id,
                user_id=user_id,
                token_hash=token_hash,
                created_at=now,
                last_seen_at=now,
                expires_at=now + life,
            )
        )
        await self.session.flush()
        return session_id

    async def touch(self, session_id: UUID, *, company_id: UUID, now: datetime) -> None:
        await self.session.execute(
            update(ConsoleSession)
            .where(ConsoleSession.company_id == company_id, ConsoleSession.id == session_id)
            .values(last_seen_at=now)
        )

    async def end(self, session_id: UUID, *, company_id: UUID, now: datetime) -> bool:
        """Whether it was open until now."""
        ended = await self.session.execute(
            update(ConsoleSession)
            .where(
                ConsoleSession.company_id == company_id,
                ConsoleSession.id == session_id,
                ConsoleSession.ended_at.is_(None),
            )
            .values(ended_at=now)
            .returning(ConsoleSession.id)
        )
        return ended.first() is not None

    async def end_all(self, user_id: UUID, *, company_id: UUID, now: datetime) -> None:
        await self.session.execute(
            update(ConsoleSession)
            .where(
                ConsoleSession.company_id == company_id,
                ConsoleSession.user_id == user_id,
                ConsoleSession.ended_at.is_(None),
            )
            .values(ended_at=now)
        )


class SignInTriesRepository:
    """Of the installation: neither accounts that do not exist nor addresses have a company."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def count(self, subject: str, *, now: datetime, window: timedelta) -> tuple[int, datetime]:
        """Count one more try: its number within the window, and when the window began.

        One statement, so that tries at once get different numbers, whichever process they meet.
        """
        over = SignInTries.since <= now - window
        counted = await self.session.execute(
            upsert(SignInTries)
            .values(subject=subject, tries=1, since=now)
            .on_conflict_do_update(
                index_elements=["subject"],
                set_={
                    "tries": case((over, 1), else_=SignInTries.tries + 1),
                    "since": case((over, now), else_=SignInTries.since),
                },
            )
            .returning(SignInTries.tries, SignInTries.since)
        )
        row = counted.one()
        return row.tries, row.since

    async def uncount(self, subject: str) -> None:
        """Take back a try that succeeded."""
        await self.session.execute(
            update(SignInTries)
            .where(SignInTries.subject == subject, SignInTries.tries > 0)
            .values(tries=SignInTries.tries - 1)
        )

    async def forget(self, subject: str, *, older_than: datetime) -> None:
        """The subject's tries, and everybody's of windows long over."""
        await self.session.execute(
            delete(SignInTries).where((SignInTries.subject == subject) | (SignInTries.since < older_than))
        )


class AuditRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(
        self,
        action: AuditAction,
        actor: str,
        *,
        company_id: UUID,
        at: datetime,
        before: type_json | None,
        after: type_json | None,
    ) -> None:
        self.session.add(
            AuditEntry(company_id=company_id, id=uuid7(), at=at, actor=actor, action=action, before=before, after=after)
        )
        await self.session.flush()

    async def page(
        self, *, company_id: UUID, actions: frozenset[AuditAction], after: UUID | None, limit: int
    ) -> list[AuditLine]:
        """Newest first; `after` is the last id of the page before."""
        query = select(
            AuditEntry.id, AuditEntry.at, AuditEntry.actor, AuditEntry.action, AuditEntry.before, AuditEntry.after
        ).where(AuditEntry.company_id == company_id, AuditEntry.action.in_(actions))
        if after is not None:
            query = query.where(AuditEntry.id < after)
        rows = await self.session.execute(query.order_by(AuditEntry.id.desc()).limit(limit))
        return [AuditLine(*row) for row in rows]


class KeyListRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def all(self, *, company_id: UUID) -> list[KeyLine]:
        """Newest first."""
        rows = await self.session.execute(
            select(*_KEY).where(ApiKey.company_id == company_id).order_by(ApiKey.id.desc())
        )
        return [KeyLine(*row) for row in rows]

    async def revoke(self, key_id: UUID, *, company_id: UUID, now: datetime) -> KeyLine | None:
        """The key as it is now; None when there is none that was still good."""
        row = (
            await self.session.execute(
                update(ApiKey)
                .where(ApiKey.company_id == company_id, ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
                .values(revoked_at=now)
                .returning(*_KEY)
            )
        ).first()
        return None if row is None else KeyLine(*row)


# The columns of KeyLine, in its order; the hash stays where it is.
_KEY = (ApiKey.id, ApiKey.kind, ApiKey.prefix, ApiKey.scopes, ApiKey.created_at, ApiKey.revoked_at)
