"""Make, list and revoke the keys that a merchant's server and widget use."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.admission import ALL_SCOPES
from api.principals import hash_key
from api.repository import KeyRepository
from db.clock import real_now
from db.tables.companies import ApiKey, KeyKind
from policy.access import keys
from policy.access.schemas import Actor
from policy.errors import AppError, NotFound

PREFIXES = {KeyKind.SECRET: "sk", KeyKind.PUBLISHABLE: "pk"}
SCOPES = {KeyKind.SECRET: [ALL_SCOPES], KeyKind.PUBLISHABLE: ["products:read", "carts:open"]}
_SCOPE = re.compile(r"[a-z][a-z-]*:(read|write)")


class NoSuchScope(AppError):
    code = "no_such_scope"
    title = "That is no scope"


async def issue_key(
    session: AsyncSession,
    kind: KeyKind,
    *,
    company_id: UUID,
    scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> str:
    """A new key in clear, this once; only its hash is kept. Expiry and revocation use real time.

    A secret key may do everything unless `scopes` says what (`cart-save:read`, see `api.admission.scope_of`).
    """
    if kind is KeyKind.PUBLISHABLE and scopes:
        raise NoSuchScope("A publishable key reads products and opens carts; it has no other scopes.")
    for scope in scopes or ():
        if not _SCOPE.fullmatch(scope):
            raise NoSuchScope(f"`{scope}`: write section:read or section:write, such as cart-save:read.")
    key = f"{PREFIXES[kind]}_{secrets.token_urlsafe(32)}"
    await KeyRepository(session).add(
        kind,
        company_id=company_id,
        prefix=key[:11],
        key_hash=hash_key(key),
        scopes=list(scopes or SCOPES[kind]),
        now=real_now(),
        expires_at=expires_at,
    )
    return key


async def list_keys(session: AsyncSession, *, company_id: UUID) -> list[ApiKey]:
    return await KeyRepository(session).all(company_id=company_id)


async def revoke_key(session: AsyncSession, prefix: str, *, company_id: UUID, by: Actor) -> None:
    """Refuse a key from its next request on; `prefix` is what it begins with. Revoking again changes nothing.

    Raises:
        NotFound: no key of the company, or more than one, begins so.
    """
    found = [key for key in await list_keys(session, company_id=company_id) if key.prefix == prefix[:11]]
    if len(prefix) < 11 or len(found) != 1:
        raise NotFound("Give the first 11 characters of the key, as they are listed.")
    if found[0].revoked_at is None:
        await keys.revoke_key(session, found[0].id, company_id=company_id, by=by)
