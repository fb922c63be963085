"""A company with people who may sign in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.session import transaction
from db.tables.access import AuditEntry
from db.tables.companies import Role
from policy.access import service
from policy.access.passwords import Passwords
from policy.access.schemas import COMMAND_LINE, Actor
from tests import factories as make

T = TypeVar("T")
PASSWORD = "a few words in a row"
# The production hasher with costs that a test can pay.
PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
ADDRESS = "203.0.113.7"


def actor(role: Role) -> Actor:
    return Actor(f"{role.lower()}@shop.example", role)


@dataclass(frozen=True)
class Desk:
    engine: AsyncEngine
    company_id: UUID

    async def run(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async with transaction(self.engine, company_id=self.company_id) as session:
            return await work(session)

    async def add_user(self, role: Role = Role.ADMIN) -> str:
        """Their email."""
        email = actor(role).name
        hashed = await PASSWORDS.hash(PASSWORD)
        await self.run(lambda s: service.add_user(s, email, hashed, role, company_id=self.company_id, by=COMMAND_LINE))
        return email

    async def sign_in(self, email: str, *, replaces: str | None = None) -> str:
        """The token of somebody whose password fitted."""
        async with transaction(self.engine, company_id=None) as session:
            user = await service.find_user(session, email)
            assert user is not None
            begun = await service.begin_session(session, user, ADDRESS, signer=make.SIGNER, replaces=replaces)
        return begun.token

    async def trail(self) -> list[tuple[str, str]]:
        """(who, what), oldest first."""
        rows = await self.run(lambda s: s.execute(select(AuditEntry.actor, AuditEntry.action).order_by(AuditEntry.id)))
        return [(row.actor, row.action.value) for row in rows]

    async def sql(self, statement: str, **values: object) -> None:
        await self.run(lambda s: s.execute(text(statement), values))


async def make_desk(engine: AsyncEngine, name: str = "Wren Coffee") -> Desk:
    return Desk(engine, (await make.make_company(engine, name=name)).id)
