"""`momentum user`: who may sign in to the console."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.commands import with_database
from db.session import transaction
from db.tables.companies import Role
from policy.access import service
from policy.access.passwords import Passwords
from policy.access.schemas import COMMAND_LINE

user_commands = typer.Typer(no_args_is_help=True, help="Who may sign in to the merchant's console.")

PasswordOption = Annotated[
    str, typer.Option(prompt=True, confirmation_prompt=True, hide_input=True, help="Asked for if left out.")
]
CompanyOption = Annotated[UUID, typer.Option("--company", help="The company's id.")]


@user_commands.command("create")
def create(email: str, company: CompanyOption, password: PasswordOption, role: Role = Role.VIEWER) -> None:
    """Let somebody sign in. A viewer reads, an operator changes settings too, an admin manages keys too."""

    async def work(session: AsyncSession, hashed: str) -> None:
        await service.add_user(session, email, hashed, role, company_id=company, by=COMMAND_LINE)

    _run(company, password, work)
    typer.echo(f"{email} may sign in as {role.lower()}.")


@user_commands.command("password")
def set_password(email: str, company: CompanyOption, password: PasswordOption) -> None:
    """Give somebody a new password; they are signed out everywhere."""

    async def work(session: AsyncSession, hashed: str) -> None:
        await service.set_password(session, email, hashed, company_id=company, by=COMMAND_LINE)

    _run(company, password, work)
    typer.echo(f"{email} has a new password.")


def _run(company_id: UUID, password: str, work: Callable[[AsyncSession, str], Awaitable[None]]) -> None:
    async def run(engine: AsyncEngine) -> None:
        hashed = await Passwords().hash(password)
        async with transaction(engine, company_id=company_id) as session:
            await work(session, hashed)

    with_database(run)
