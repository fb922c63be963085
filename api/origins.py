"""From which pages browsers may call a company's shop."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.repository import OriginRepository
from db.tables.access import AuditAction
from policy.access import audit
from policy.access.schemas import Actor
from policy.errors import AppError

_HOST = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-f:]+\](:[0-9]{1,5})?")


class NoOrigin(AppError):
    code = "no_origin"
    title = "That is no origin"


async def allow_origins(session: AsyncSession, origins: Sequence[str], *, company_id: UUID, by: Actor) -> None:
    """Let these call and no others. Raises NoOrigin for what a browser would never send."""
    kept, wanted = OriginRepository(session), [_checked(each) for each in origins]
    before = await kept.allowed(company_id=company_id)
    if wanted == before:
        return
    await kept.allow(wanted, company_id=company_id)
    await audit.record(
        session,
        by,
        AuditAction.ORIGINS_CHANGED,
        company_id=company_id,
        before={"origins": before},
        after={"origins": wanted},
    )


async def allowed_origins(session: AsyncSession, *, company_id: UUID) -> list[str]:
    return await OriginRepository(session).allowed(company_id=company_id)


def _checked(text: str) -> str:
    scheme, host = urlsplit(text)[:2]
    if scheme not in ("http", "https") or not _HOST.fullmatch(host) or text != f"{scheme}://{host}":
        raise NoOrigin(f"`{text}`: write scheme and host in small letters alone, such as https://shop.example.")
    return text
