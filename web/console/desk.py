"""What the console is given, and how each page and each press of a button works: as its user, in its company."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from starlette.requests import Request

from db.session import transaction
from db.tables.companies import Company, Role
from policy.access import service as access
from policy.access.keys import IssueKey
from policy.access.passwords import Passwords
from policy.access.rules import Right, may
from policy.access.schemas import Visitor
from policy.errors import Unauthenticated
from policy.tokens import Signer
from recovery import service as recovery

HOME = "/console"
COOKIE = "momentum_console"


class SignedOut(Unauthenticated):
    code = "signed_out"
    title = "You are signed out"

    def __init__(self) -> None:
        super().__init__("Your session has ended. Sign in again; nothing was saved.")


@dataclass(frozen=True)
class Desk:
    """One for a process."""

    engine: AsyncEngine
    signer: Signer
    passwords: Passwords
    issue_key: IssueKey
    # Whether browsers reach us over TLS: then the cookie travels over nothing else.
    secure: bool


@dataclass(frozen=True)
class Visit:
    """One page in one browser. The session is asked for again at every step: it may have ended meanwhile."""

    desk: Desk
    token: str
    visitor: Visitor
    company: Company

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[tuple[AsyncSession, Visitor]]:
        """A transaction as the user is now, in their company. Raises `SignedOut`."""
        async with transaction(self.desk.engine, company_id=None) as session:
            visitor = await access.enter_session(session, self.token)
            if visitor is None:
                raise SignedOut
            yield session, visitor

    def may(self, right: Right) -> bool:
        """Whether to offer it. The services decide whether to do it."""
        return may(self.visitor.role, right)

    def time(self, at: datetime) -> str:
        """In the shop's zone, to the minute."""
        return self._format(at, "MMM d, y, HH:mm")

    def day(self, at: datetime) -> str:
        return self._format(at, "MMM d, y")

    def clock(self, at: datetime) -> str:
        return self._format(at, "HH:mm:ss")

    def _format(self, at: datetime, pattern: str) -> str:
        return format_datetime(at, pattern, tzinfo=ZoneInfo(self.company.timezone), locale="en_US")

    @property
    def role(self) -> str:
        return ROLES[self.visitor.role]


ROLES = {Role.VIEWER: "Viewer", Role.OPERATOR: "Operator", Role.ADMIN: "Admin"}


async def visit_of(request: Request, desk: Desk) -> Visit | None:
    """Who the request's cookie speaks for."""
    token = request.cookies.get(COOKIE)
    if token is None:
        return None
    async with transaction(desk.engine, company_id=None) as session:
        visitor = await access.enter_session(session, token)
        if visitor is None:
            return None
        company = await recovery.the_company(session, company_id=visitor.company_id)
    return Visit(desk, token, visitor, company)
