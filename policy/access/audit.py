"""The audit trail: written in the transaction of the change, read by whoever may see what was changed."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.clock import real_now
from db.tables.access import AuditAction
from policy.access.repository import AuditRepository
from policy.access.rules import Right, may
from policy.access.schemas import Actor, AuditLine

SETTINGS = frozenset({AuditAction.FLOW_CHANGED, AuditAction.CHAT_CHANGED})


@dataclass(frozen=True)
class AuditPage:
    """Newest first; `next_cursor` is the last line's id, None at the end."""

    lines: tuple[AuditLine, ...]
    next_cursor: UUID | None


async def record(
    session: AsyncSession,
    actor: Actor,
    action: AuditAction,
    *,
    company_id: UUID,
    before: type_json | None = None,
    after: type_json | None = None,
) -> None:
    """Who did what, in real time: the shop's clock may be moved, what people do may not."""
    await AuditRepository(session).add(
        action, actor.name, company_id=company_id, at=real_now(), before=before, after=after
    )


async def read(
    session: AsyncSession,
    reader: Actor,
    *,
    company_id: UUID,
    only: frozenset[AuditAction] = frozenset(AuditAction),
    after: UUID | None = None,
    limit: int = 50,
) -> AuditPage:
    """The trail as far as the reader may see it: an admin all of it, others what was done to the settings."""
    visible = frozenset(AuditAction) if may(reader.role, Right.MANAGE_KEYS) else SETTINGS
    found = await AuditRepository(session).page(
        company_id=company_id, actions=visible & only, after=after, limit=limit + 1
    )
    lines = tuple(found[:limit])
    return AuditPage(lines, lines[-1].id if len(found) > limit else None)
