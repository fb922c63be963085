"""Who may do what, when somebody is locked out and when a session is over: pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from db.tables.companies import Role
from policy.access.schemas import Actor
from policy.errors import Forbidden

# Failures within the window that lock an account, or an address behind which several people may sit.
WINDOW = timedelta(minutes=15)
TRIES_AN_ACCOUNT = 5
TRIES_AN_ADDRESS = 30

# Left alone for an hour, or a working day after signing in.
IDLE = timedelta(hours=1)
LIFE = timedelta(hours=12)


class Right(StrEnum):
    """What takes more than reading."""

    CHANGE_SETTINGS = "CHANGE_SETTINGS"
    MANAGE_KEYS = "MANAGE_KEYS"


_RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset(),
    Role.OPERATOR: frozenset({Right.CHANGE_SETTINGS}),
    Role.ADMIN: frozenset(Right),
}

_MISSING = {
    Right.CHANGE_SETTINGS: "Your role may read the settings, not change them. Ask an operator or an admin.",
    Right.MANAGE_KEYS: "Keys are for admins. Ask one of them.",
}


def may(role: Role, right: Right) -> bool:
    return right in _RIGHTS[role]


def require(actor: Actor, right: Right) -> None:
    """Raises `Forbidden`, which says whom to ask."""
    if not may(actor.role, right):
        raise Forbidden(_MISSING[right])


def locked_until(tries: int, since: datetime, *, limit: int) -> datetime | None:
    """Until when a subject is locked whose try was number `tries` of its window; None while it may try."""
    return since + WINDOW if tries > limit else None


def is_over(*, last_seen_at: datetime, expires_at: datetime, now: datetime) -> bool:
    return now >= expires_at or now - last_seen_at >= IDLE
