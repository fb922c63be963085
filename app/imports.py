"""Import files from the command line: a progress bar, a report of what was taken and what was refused and why."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.ext.asyncio import AsyncEngine

from db.clock import read_clock
from db.session import transaction
from knowledge.importing import import_entries
from knowledge.parsing import parse_file
from recovery import service as recovery
from storefront.catalogue.importing import import_products
from storefront.catalogue.shopify import parse_shopify

# Progress and refusals are for people; what a program reads is on standard output.
to_people = Console(stderr=True)


class RefusedRow(BaseModel):
    row: int
    reason: str


class ImportSummary(BaseModel):
    """What an import did; `refused` says per row why, and what to do."""

    added: int
    changed: int
    unchanged: int
    removed: int
    refused: list[RefusedRow]


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=to_people) as bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show


async def import_faq_file(
    engine: AsyncEngine, name: str, content: bytes, *, company_id: UUID, remove_missing: bool
) -> ImportSummary:
    """Import an FAQ (CSV, JSON or Markdown). Repeated, it touches only what changed."""
    parsed = parse_file(name, content)
    begin = partial(transaction, engine, company_id=company_id)
    async with begin() as session:
        company, now = await recovery.the_company(session, company_id=company_id), await read_clock(session)
    with progress_bar("FAQ entries") as show:
        report = await import_entries(
            begin,
            parsed,
            company_id=company_id,
            source=name,
            locale=company.locale,
            tz=ZoneInfo(company.timezone),
            now=now,
            remove_missing=remove_missing,
            progress=show,
        )
    return ImportSummary(
        added=report.added,
        changed=report.changed,
        unchanged=report.unchanged,
        removed=report.removed,
        refused=[RefusedRow(row=each.row, reason=each.say) for each in report.refused],
    )


async def import_products_file(
    engine: AsyncEngine, content: bytes, *, company_id: UUID, currency: str | None
) -> ImportSummary:
    """Import products from Shopify's product CSV. Repeated, it touches only what changed."""
    begin = partial(transaction, engine, company_id=company_id)
    async with begin() as session:
        company, now = await recovery.the_company(session, company_id=company_id), await read_clock(session)
    parsed = parse_shopify(content, currency=currency or company.currency)
    with progress_bar("Products") as show:
        report = await import_products(begin, parsed, company_id=company_id, now=now, progress=show)
    return ImportSummary(
        added=report.added,
        changed=report.changed,
        unchanged=report.unchanged,
        removed=report.retired,
        refused=[RefusedRow(row=each.row, reason=each.say) for each in report.refused],
    )
