"""Rows of any table, made from its columns: enough for the schema, with no parents and no meaning."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from pgvector.sqlalchemy import Vector
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Date,
    Float,
    Integer,
    Interval,
    Numeric,
    String,
    Table,
    Uuid,
    insert,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from db.base import EnumText, UtcDateTime
from db.embedded import EmbeddedServer
from db.ids import uuid7
from tests.factories import NOW

COMPANY = UUID(int=1)
# What a CHECK wants, where the first value of a type does not do.
FITTING: dict[str, dict[str, Any]] = {
    "clock": {"id": 1},
    "grants": {"percent": Decimal(5), "cap_percent": Decimal(10)},
    "cart_lines": {"discount_minor": 0},
    "tax_rates": {"rate": Decimal("0.2")},
}
# Nullable, and yet a CHECK wants them.
NEEDED = {"cart_voice_calls": ("slot",), "messages": ("request_key",)}


def make_row(table: Table, writer: int = 1, *, filled: tuple[str, ...] = ()) -> dict[str, Any]:
    """A row of this writer's own: what is required, and the nullable columns that are to be `filled`."""
    wanted = (*filled, *NEEDED.get(table.name, ()))
    made = {
        column.name: value_of(column, writer)
        for column in table.columns
        if column.computed is None and (not column.nullable or column.name in wanted)
    }
    return {**made, "company_id": COMPANY, **FITTING.get(table.name, {})}


def value_of(column: Column[Any], writer: int) -> Any:
    match column.type:
        case Uuid():
            return uuid7()
        case EnumText(enum=enum):
            return next(iter(enum))
        case String(length=int(length)):
            return ("USD" if length == 3 else "US")[:length] if length <= 3 else f"text {writer}"
        case String():
            return f"text {writer}"
        case Boolean():
            return True
        case UtcDateTime():
            return NOW + timedelta(days=writer)
        case Date():
            return date(2026, 11, 22 + writer)
        case Interval():
            return timedelta(minutes=writer)
        case Integer():
            return writer
        case Numeric() | Float():
            return Decimal(writer)
        case JSONB():
            return {}
        case ARRAY():
            return []
        case Vector(dim=dimensions):
            return [0.5] * cast(int, dimensions)
    raise AssertionError(f"{column} needs a value in FITTING")


async def write(connection: AsyncConnection, table: Table, values: dict[str, Any]) -> None:
    # Foreign keys are not under test, and their parents would be half the schema.
    await connection.execute(text("SET LOCAL session_replication_role = replica"))
    await connection.execute(insert(table), [values])


async def insert_row(database: EmbeddedServer, table: Table, **values: object) -> dict[str, Any]:
    """Write one row as the database's owner, committed."""
    made = {**make_row(table), **values}
    owner = create_async_engine(database.owner_url)
    async with owner.begin() as connection:
        await write(connection, table, made)
    await owner.dispose()
    return made
