"""A company's API keys as an admin manages them. They are shown whole once, when they are made."""

from collections.abc import Awaitable
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.clock import real_now
from db.tables.access import AuditAction
from db.tables.companies import KeyKind
from policy.access import audit
from policy.access.repository import KeyListRepository
from policy.access.rules import Right, require
from policy.access.schemas import Actor, KeyLine
from policy.errors import NotFound


class IssueKey(Protocol):
    """Makes a key and returns it in clear; the HTTP edge, which reads keys, makes them (api/keys.py)."""

    def __call__(self, session: AsyncSession, kind: KeyKind, /, *, company_id: UUID) -> Awaitable[str]: ...


async def list_keys(session: AsyncSession, *, company_id: UUID, by: Actor) -> list[KeyLine]:
    """Raises `Forbidden` to all but admins."""
    require(by, Right.MANAGE_KEYS)
    return await KeyListRepository(session).all(company_id=company_id)


async def create_key(session: AsyncSession, kind: KeyKind, *, company_id: UUID, by: Actor, issue: IssueKey) -> str:
    """A new key in clear, this once. Raises `Forbidden` to all but admins."""
    require(by, Right.MANAGE_KEYS)
    key = await issue(session, kind, company_id=company_id)
    made = next(each for each in await list_keys(session, company_id=company_id, by=by) if key.startswith(each.prefix))
    await audit.record(session, by, AuditAction.KEY_CREATED, company_id=company_id, after=_told(made))
    return key


async def revoke_key(session: AsyncSession, key_id: UUID, *, company_id: UUID, by: Actor) -> KeyLine:
    """End a key at once. Raises `Forbidden` to all but admins, `NotFound` for one that is not good any more."""
    require(by, Right.MANAGE_KEYS)
    key = await KeyListRepository(session).revoke(key_id, company_id=company_id, now=real_now())
    if key is None:
        raise NotFound("This key was revoked already, or there is none such.")
    await audit.record(session, by, AuditAction.KEY_REVOKED, company_id=company_id, before=_told(key))
    return key


def _told(key: KeyLine) -> dict[str, str]:
    return {"kind": key.kind, "prefix": key.prefix}
