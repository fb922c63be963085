"""Who acts, and what a reader of the trail gets."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.base import type_json
from db.tables.access import AuditAction
from db.tables.companies import KeyKind, Role


@dataclass(frozen=True)
class Actor:
    """Who changes something: a user by email, a merchant's server by its key, the command line."""

    name: str
    role: Role


COMMAND_LINE = Actor("command line", Role.ADMIN)


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in."""

    session_id: UUID
    company_id: UUID
    user_id: UUID
    email: str
    role: Role

    @property
    def actor(self) -> Actor:
        return Actor(self.email, self.role)


@dataclass(frozen=True)
class SignedIn:
    """`token` goes into the browser's cookie and nowhere else."""

    token: str
    visitor: Visitor


@dataclass(frozen=True)
class KeyLine:
    """A key as a list shows it: never whole."""

    id: UUID
    kind: KeyKind
    prefix: str
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class AuditLine:
    id: UUID
    at: datetime
    actor: str
    action: AuditAction
    before: type_json | None
    after: type_json | None
