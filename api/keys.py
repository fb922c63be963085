"""Make the keys that a merchant's server and widget use."""

import secrets
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.principals import hash_key
from api.repository import KeyRepository
from db.clock import real_now
from db.tables.companies import KeyKind

PREFIXES = {KeyKind.SECRET: "sk", KeyKind.PUBLISHABLE: "pk"}
SCOPES = {KeyKind.SECRET: ["*"], KeyKind.PUBLISHABLE: ["products:read", "carts:open"]}


async def issue_key(session: AsyncSession, kind: KeyKind, *, company_id: UUID) -> str:
    """A new key in clear, this once; only its hash is kept. Expiry and revocation use real time."""
    key = f"{PREFIXES[kind]}_{secrets.token_urlsafe(32)}"
    await KeyRepository(session).add(
        kind,
        company_id=company_id,
        prefix=key[:11],
        key_hash=hash_key(key),
        scopes=SCOPES[kind],
        now=real_now(),
    )
    return key
