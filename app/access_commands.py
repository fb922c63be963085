"""`momentum key …` and `momentum company origins`: who may call, and from where."""

from datetime import timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from api.keys import issue_key, list_keys, revoke_key
from api.origins import allow_origins, allowed_origins
from app.commands import with_database
from db.clock import real_now
from db.session import transaction
from db.tables.companies import ApiKey, KeyKind
from policy.access.keys import create_key
from policy.access.schemas import COMMAND_LINE

key_commands = typer.Typer(no_args_is_help=True, help="Keys of a company's server and widget.")

Company = Annotated[UUID, typer.Option("--company", help="Its id.")]


@key_commands.command("create")
def create(
    company: Company,
    kind: Annotated[KeyKind, typer.Option(case_sensitive=False)] = KeyKind.SECRET,
    scope: Annotated[
        list[str] | None, typer.Option(help="Such as cart-save:read or carts:write; everything if left out.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="How long it is good for; until revoked if left out.")] = None,
) -> None:
    """Make a key, which is shown once."""

    async def work(engine: AsyncEngine) -> str:
        async with transaction(engine, company_id=company) as session:
            expires_at = None if days is None else real_now() + timedelta(days=days)
            issue = partial(issue_key, scopes=scope, expires_at=expires_at)
            return await create_key(session, kind, company_id=company, by=COMMAND_LINE, issue=issue)

    typer.echo(with_database(work))


@key_commands.command("list")
def show(company: Company) -> None:
    """What each key begins with, its kind, scopes and end."""

    async def work(engine: AsyncEngine) -> list[ApiKey]:
        async with transaction(engine, company_id=company) as session:
            return await list_keys(session, company_id=company)

    for key in with_database(work):
        state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "valid"
        ends = f" until {key.expires_at:%Y-%m-%d}" if key.expires_at else ""
        typer.echo(f"{key.prefix}…  {key.kind}  {' '.join(key.scopes)}  {state}{ends}")


@key_commands.command("revoke")
def revoke(company: Company, prefix: Annotated[str, typer.Argument(help="What the key begins with.")]) -> None:
    """Refuse a key from its next request on."""

    async def work(engine: AsyncEngine) -> None:
        async with transaction(engine, company_id=company) as session:
            await revoke_key(session, prefix, company_id=company, by=COMMAND_LINE)

    with_database(work)


def origins(
    company: Company,
    origin: Annotated[list[str] | None, typer.Argument(help="https://shop.example, one or more.")] = None,
) -> None:
    """Let browsers call from these origins and no others; without any, say which may."""

    async def work(engine: AsyncEngine) -> list[str]:
        async with transaction(engine, company_id=company) as session:
            if origin is not None:
                await allow_origins(session, origin, company_id=company, by=COMMAND_LINE)
            return await allowed_origins(session, company_id=company)

    for each in with_database(work):
        typer.echo(each)
