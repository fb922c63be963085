"""Who is calling: a merchant's server, the widget, or one shopper with one cart."""

import hashlib
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.repository import KeyRepository
from db.clock import real_now
from db.session import enter
from db.tables.companies import KeyKind, Role
from policy.access.schemas import Actor
from policy.errors import Unauthenticated
from policy.tokens import BadToken, Signer, TokenKind


@dataclass(frozen=True)
class Merchant:
    """A secret key, with its scopes."""

    company_id: UUID
    key_id: UUID
    scopes: frozenset[str]

    @property
    def name(self) -> str:
        return f"key:{self.key_id}"

    @property
    def actor(self) -> Actor:
        """A server may change the settings; keys and users are an admin's, in the console."""
        return Actor(self.name, Role.OPERATOR)


@dataclass(frozen=True)
class Widget:
    """A publishable key: it may read products and open a cart, nothing else."""

    company_id: UUID
    key_id: UUID

    @property
    def name(self) -> str:
        return f"key:{self.key_id}"


@dataclass(frozen=True)
class Shopper:
    """A cart token: this cart and no other."""

    company_id: UUID
    cart_id: UUID

    @property
    def name(self) -> str:
        return f"cart:{self.cart_id}"


Principal: TypeAlias = Merchant | Widget | Shopper


def credential_of(authorization: str | None) -> str:
    """What the Authorization header holds, or `Unauthenticated`."""
    scheme, _, credential = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("Send `Authorization: Bearer <key or cart token>`.")
    return credential


def shopper_of(credential: str, *, signer: Signer) -> Shopper | None:
    """Whose cart token this is, which it says itself; None for a key. Raises `Unauthenticated`."""
    if credential.startswith(("sk_", "pk_")):
        return None
    try:
        token = signer.read(credential, kind=TokenKind.CART, now=real_now())
    except BadToken as error:
        raise Unauthenticated(
            "This cart token is not valid, or no longer. Open a cart or refresh the token."
        ) from error
    return Shopper(token.company_id, token.subjects[0])


async def by_key(session: AsyncSession, key: str) -> Merchant | Widget:
    """Whose key this is, with the session entered into their company. Raises `Unauthenticated`."""
    keys = KeyRepository(session)
    found = await keys.find(hash_key(key))
    if found is None:
        raise Unauthenticated("This key is not known.")
    await enter(session, found.company_id)
    row = await keys.get(found.id, company_id=found.company_id)
    now = real_now()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise Unauthenticated("This key has expired or was revoked.")
    if row.kind is KeyKind.SECRET:
        return Merchant(found.company_id, found.id, frozenset(row.scopes))
    return Widget(found.company_id, found.id)


def hash_key(key: str) -> str:
    """Keys are 256 random bits: a plain SHA-256 is as good as a slow hash, and needs no salt."""
    return hashlib.sha256(key.encode()).hexdigest()
