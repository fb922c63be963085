"""Who works in the console: sessions, tries at signing in, and the trail of what was changed."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from db.base import JSON, Base, EnumText, TenantRow, UtcDateTime, company_fk, one_of, owned_by, type_json


class AuditAction(StrEnum):
    SIGNED_IN = "SIGNED_IN"
    SIGNED_OUT = "SIGNED_OUT"
    USER_ADDED = "USER_ADDED"
    PASSWORD_SET = "PASSWORD_SET"
    KEY_CREATED = "KEY_CREATED"
    KEY_REVOKED = "KEY_REVOKED"
    ORIGINS_CHANGED = "ORIGINS_CHANGED"
    FLOW_CHANGED = "FLOW_CHANGED"
    CHAT_CHANGED = "CHAT_CHANGED"


class ConsoleSession(Base, TenantRow):
    """Somebody who is signed in. The browser holds the token, we its hash. Times are real, not the shop's."""

    __tablename__ = "console_sessions"

    user_id: Mapped[UUID]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (owned_by("users", "user_id"),)


class SignInTries(Base):
    """How often an account or an address was tried since `since` (real time).

    Of the installation, not of a company: an account that does not exist is counted too, so that a lock does not
    tell which do. `subject` is a keyed hash.
    """

    __tablename__ = "sign_in_tries"

    subject: Mapped[str] = mapped_column(primary_key=True)
    tries: Mapped[int]
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditEntry(Base, TenantRow):
    """Who did what, with the thing before and after. Append-only; `at` is real time."""

    __tablename__ = "audit_entries"

    at: Mapped[datetime] = mapped_column(UtcDateTime)
    # A user's email, `key:<id>` for a merchant's server, or `command line`.
    actor: Mapped[str]
    action: Mapped[AuditAction] = mapped_column(EnumText(AuditAction))
    before: Mapped[type_json | None] = mapped_column(JSON)
    after: Mapped[type_json | None] = mapped_column(JSON)

    __table_args__ = (company_fk(), one_of("action", AuditAction))
