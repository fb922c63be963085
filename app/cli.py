"""The command line. Commands import what they run: the agents take seconds to load, and `--help` should not."""

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.access_commands import key_commands, origins
from app.commands import with_database
from app.companies import Keys, NewCompany, create_company, issue_keys
from app.database import database
from app.imports import ImportSummary, import_faq_file, import_products_file
from app.settings import Settings, WrongSetting
from app.simulator.scenarios import ScenarioName
from app.user_commands import user_commands
from db import upgrade as schema
from db.clock import read_clock
from db.embedded import EmbeddedServerError
from db.ids import uuid7
from db.session import UnsafeRole, transaction
from policy.errors import AppError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Momentum wins back carts that are about to be lost."
)
db_commands = typer.Typer(no_args_is_help=True, help="The database.")
company_commands = typer.Typer(no_args_is_help=True, help="Companies (merchants).")
import_commands = typer.Typer(no_args_is_help=True, help="Import files; a repeat touches only what changed.")
app.add_typer(db_commands, name="db")
app.add_typer(company_commands, name="company")
app.add_typer(import_commands, name="import")
app.add_typer(key_commands, name="key")
company_commands.command("origins")(origins)
app.add_typer(user_commands, name="user")
errors = Console(stderr=True)

CompanyOption = Annotated[
    UUID | None, typer.Option("--company", help="Its id; may be left out where the demo shop is meant.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def demo(port: Annotated[int, typer.Option(min=1, max=65535)] = 8000) -> None:
    """Run the seeded demo shop on the embedded database: shop, chat, outbox, worker."""
    from app.demo.supervisor import run_demo

    run_demo(Settings(), port)


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    with_console: Annotated[
        bool, typer.Option("--console", help="With the merchant's console: for an API of one process.")
    ] = False,
) -> None:
    """Run the API."""
    from app import server_process

    server_process.run(host, port, with_console=with_console)


@app.command()
def console(host: str = "127.0.0.1", port: Annotated[int, typer.Option(min=1, max=65535)] = 8001) -> None:
    """Run the merchant's console in a process of its own; `serve --console` puts it on the API."""
    from app import console as process

    process.run(host, port)


@app.command()
def worker() -> None:
    """Run a worker: stages, messages, abandonment. Any number may run."""
    from app import worker_process

    worker_process.main()


@app.command()
def call(
    simulate: Annotated[bool, typer.Option("--simulate", help="On this machine: no phone rings.")] = False,
    scenario: Annotated[ScenarioName, typer.Option(help="What the called customer does.")] = ScenarioName.ACCEPT,
    count: Annotated[int, typer.Option(min=1, max=50, help="So many calls at once.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Play a whole recovery call: a carrier, a customer with a voice, and everything of ours between them."""
    from app.simulator.call import run

    if not simulate:
        _fail("Calls are placed by the flow, when they may be. To hear one on this machine: momentum call --simulate")
    run(Settings(), scenario, count=count, as_json=as_json)


@db_commands.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the current schema, as its owner (MOMENTUM_DATABASE_OWNER_URL)."""
    settings = Settings()
    if settings.database_url is None:
        with database(settings):
            errors.print("The embedded database is up to date.")
        return
    if settings.database_owner_url is None:
        _fail("Set MOMENTUM_DATABASE_OWNER_URL to an address that logs in as the owner of the database.")
    schema.upgrade(settings.database_owner_url)
    errors.print(
        "Up to date. Processes log in as momentum_app: give it a password "
        "(ALTER ROLE momentum_app PASSWORD '…') and put it into MOMENTUM_DATABASE_URL."
    )


@company_commands.command("create")
def company_create(
    name: str,
    legal_name: Annotated[str, typer.Option(help="As it stands in your imprint.")],
    postal_address: Annotated[str, typer.Option(help="Stands in every marketing email (15 USC 7704).")],
    support_email: Annotated[str, typer.Option()],
    currency: Annotated[str, typer.Option(help="ISO 4217.")],
    timezone: Annotated[str, typer.Option(help="IANA name, such as Europe/London.")],
    country: Annotated[str, typer.Option(help="ISO 3166 alpha-2.")],
    as_json: JsonOption = False,
) -> None:
    """Make a company and its first keys, which are shown once."""
    new = NewCompany(uuid7(), name, legal_name, postal_address, support_email, currency, timezone, country)

    async def create(engine: AsyncEngine) -> Keys:
        async with transaction(engine, company_id=new.id) as session:
            await create_company(session, new, now=await read_clock(session))
            return await issue_keys(session, company_id=new.id)

    keys = with_database(create)
    made = {"company_id": str(new.id), "publishable_key": keys.publishable, "secret_key": keys.secret}
    _print(made, as_json=as_json)


@import_commands.command("faq")
def import_faq(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    company: CompanyOption = None,
    remove_missing: Annotated[
        bool, typer.Option(help="Take out what an earlier import of this file brought and it no longer has.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Import an FAQ from CSV, JSON or Markdown with headings."""
    company_id, content = company or _demo_company(), file.read_bytes()
    summary = with_database(
        lambda engine: import_faq_file(engine, file.name, content, company_id=company_id, remove_missing=remove_missing)
    )
    _report(summary, as_json=as_json)


@import_commands.command("products")
def import_products(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    company: CompanyOption = None,
    currency: Annotated[str | None, typer.Option(help="Of the prices; the company's if left out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Import products from Shopify's product CSV."""
    company_id, content = company or _demo_company(), file.read_bytes()
    summary = with_database(
        lambda engine: import_products_file(engine, content, company_id=company_id, currency=currency)
    )
    _report(summary, as_json=as_json)


def _demo_company() -> UUID:
    from app.demo.seed import COMPANY_ID

    return COMPANY_ID


def _report(summary: ImportSummary, *, as_json: bool) -> None:
    """Counts on standard output, each refused row with its reason on standard error."""
    for row in summary.refused:
        errors.print(f"[yellow]Row {row.row}:[/] {row.reason}", highlight=False)
    if as_json:
        typer.echo(summary.model_dump_json())
        return
    typer.echo(
        f"{summary.added} added, {summary.changed} changed, {summary.unchanged} unchanged, "
        f"{summary.removed} removed, {len(summary.refused)} refused"
    )


def _print(values: dict[str, str], *, as_json: bool) -> None:
    typer.echo(json.dumps(values) if as_json else "\n".join(f"{name}: {value}" for name, value in values.items()))


def _fail(message: str) -> NoReturn:
    errors.print(f"[red]{message}[/]", highlight=False)
    raise typer.Exit(1)


def main() -> None:
    """What went wrong in one sentence that says what to do; a trace only for what nobody foresaw."""
    try:
        app()
    except AppError as error:
        errors.print(f"[red]{error.title}.[/] {error.detail}", highlight=False)
        sys.exit(1)
    except (EmbeddedServerError, schema.UpgradeFailed, UnsafeRole, WrongSetting) as error:
        errors.print(f"[red]{error}[/]", highlight=False)
        sys.exit(1)
    except ValidationError as error:
        named = ", ".join(str(each["loc"][-1]) for each in error.errors())
        errors.print(f"[red]These settings are not valid: {named}.[/] See docs/operations.md.", highlight=False)
        sys.exit(1)
    except OperationalError as error:
        errors.print(
            f"[red]The database does not answer.[/] Look at MOMENTUM_DATABASE_URL: {error.orig}", highlight=False
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
