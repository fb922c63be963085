"""Signing in and out, and who a session speaks for. Sessions and tries live in real time."""

import hashlib
import ipaddress
import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.clock import real_now
from db.session import enter
from db.tables.access import AuditAction
from db.tables.companies import Role, User
from policy.access import audit, rules
from policy.access.repository import SessionRepository, SignInTriesRepository, UserRepository
from policy.access.schemas import Actor, SignedIn, Visitor
from policy.errors import Conflict, NotFound, TooManyRequests, Unauthenticated
from policy.tokens import Signer

# A page that is looked at writes once a minute, not at every click.
TOUCH_EVERY = timedelta(minutes=1)
NOBODY = UUID(int=0)


class WrongCredentials(Unauthenticated):
    code = "wrong_credentials"
    title = "Email and password do not match"

    def __init__(self) -> None:
        super().__init__("Check both and try again.")


class LockedOut(TooManyRequests):
    """Said of accounts that do not exist as of those that do."""

    code = "locked_out"
    title = "Too many tries"


async def count_try(session: AsyncSession, email: str, address: str, *, signer: Signer) -> None:
    """Count a try before its password is looked at, so that tries at once cannot pass the limit together.

    Commit it in a transaction of its own, before `find_user`.

    Raises:
        LockedOut: the account or the address has had its tries for now.
    """
    now, tries = real_now(), SignInTriesRepository(session)
    until = []
    for subject, limit in (
        (_subject("account", _plain(email), signer), rules.TRIES_AN_ACCOUNT),
        (_subject("address", _network(address), signer), rules.TRIES_AN_ADDRESS),
    ):
        number, since = await tries.count(subject, now=now, window=rules.WINDOW)
        until.append(rules.locked_until(number, since, limit=limit))
    if locked := [each for each in until if each is not None]:
        wait = max(locked) - now
        minutes = max(1, round(wait.total_seconds() / 60))
        raise LockedOut(
            f"Wait {minutes} minutes, then try again, or ask an admin for a new password.",
            retry_after_s=round(wait.total_seconds()) + 1,
        )


async def find_user(session: AsyncSession, email: str) -> User | None:
    """The account that may sign in with this email, its company entered. As many queries if there is none."""
    users = UserRepository(session)
    found = await users.find(_plain(email))
    company_id, user_id = (NOBODY, NOBODY) if found is None else (found.company_id, found.id)
    await enter(session, company_id)
    user = await users.get(user_id, company_id=company_id)
    return user if user is not None and user.disabled_at is None else None


async def begin_session(
    session: AsyncSession, user: User, address: str, *, signer: Signer, replaces: str | None
) -> SignedIn:
    """Sign in somebody whose password fitted: a new token, never the one that the browser brought (`replaces`)."""
    now, tries = real_now(), SignInTriesRepository(session)
    await tries.forget(_subject("account", user.email, signer), older_than=now - 4 * rules.WINDOW)
    await tries.uncount(_subject("address", _network(address), signer))
    if replaces is not None:
        await sign_out(session, replaces)
        await enter(session, user.company_id)
    token = secrets.token_urlsafe(32)
    session_id = await SessionRepository(session).add(
        user.id, _hash(token), company_id=user.company_id, now=now, life=rules.LIFE
    )
    visitor = Visitor(session_id, user.company_id, user.id, user.email, user.role)
    await audit.record(session, visitor.actor, AuditAction.SIGNED_IN, company_id=user.company_id)
    return SignedIn(token, visitor)


async def enter_session(session: AsyncSession, token: str) -> Visitor | None:
    """Who the token speaks for, their company entered; None when the session is over."""
    now, sessions = real_now(), SessionRepository(session)
    found = await sessions.find(_hash(token))
    if found is None:
        return None
    await enter(session, found.company_id)
    row = await sessions.get(found.id, company_id=found.company_id)
    if row is None or rules.is_over(last_seen_at=row.last_seen_at, expires_at=row.expires_at, now=now):
        return None
    if now - row.last_seen_at >= TOUCH_EVERY:
        await sessions.touch(found.id, company_id=found.company_id, now=now)
    return Visitor(found.id, found.company_id, row.user_id, row.email, row.role)


async def sign_out(session: AsyncSession, token: str) -> None:
    """End the session wherever it is used. Signing out twice is the same as once."""
    visitor = await enter_session(session, token)
    if visitor is None:
        return
    if await SessionRepository(session).end(visitor.session_id, company_id=visitor.company_id, now=real_now()):
        await audit.record(session, visitor.actor, AuditAction.SIGNED_OUT, company_id=visitor.company_id)


async def add_user(
    session: AsyncSession, email: str, password_hash: str, role: Role, *, company_id: UUID, by: Actor
) -> None:
    """Let somebody sign in. An email belongs to one account.

    Raises:
        Conflict: the email is taken.
    """
    added = await UserRepository(session).add(_plain(email), password_hash, role, company_id=company_id, now=real_now())
    if not added:
        raise Conflict("This email has an account already.")
    after = {"email": _plain(email), "role": role.value}
    await audit.record(session, by, AuditAction.USER_ADDED, company_id=company_id, after=after)


async def set_password(session: AsyncSession, email: str, password_hash: str, *, company_id: UUID, by: Actor) -> None:
    """Give an account a new password and end its sessions.

    Raises:
        NotFound: the company has no such account.
    """
    users = UserRepository(session)
    found = await users.find(_plain(email))
    if found is None or found.company_id != company_id:
        raise NotFound("This company has no account with that email.")
    await users.set_password(found.id, password_hash, company_id=company_id)
    await SessionRepository(session).end_all(found.id, company_id=company_id, now=real_now())
    await audit.record(session, by, AuditAction.PASSWORD_SET, company_id=company_id, after={"email": _plain(email)})


def _plain(email: str) -> str:
    return email.strip().lower()


def _hash(token: str) -> str:
    """Tokens are 256 random bits: a plain SHA-256 is as good as a slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _subject(kind: str, name: str, signer: Signer) -> str:
    return signer.keyed_hash(f"sign-in:{kind}:{name}")


def _network(address: str) -> str:
    """Who has one address of IPv6 has a whole /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
