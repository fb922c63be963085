"""Each unique index and natural key of the schema, with two sessions that write the same: the second one waits for the
first, and then is refused by that index. Walks the metadata, so an index that is added is raced from then on."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
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
    UniqueConstraint,
    Uuid,
    insert,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

import db.tables
from db.base import Base, EnumText, UtcDateTime
from db.embedded import EmbeddedServer
from db.ids import uuid7
from tests.factories import NOW
from tests.policy.races import somebody_waits

COMPANY = UUID(int=1)
# What a CHECK wants, where the first value of a type does not do.
FITTING: dict[str, dict[str, Any]] = {
    "clock": {"id": 1},
    "grants": {"percent": Decimal(5), "cap_percent": Decimal(10)},
    "cart_lines": {"discount_minor": 0},
    "tax_rates": {"rate": Decimal("0.2")},
    "uq_messages_cart_sms": {"status": "PLANNED"},
}
# Nullable, and yet a CHECK wants them.
NEEDED = {"cart_voice_calls": ("slot",), "messages": ("request_key",)}


@dataclass(frozen=True)
class Unique:
    table: Table
    name: str
    columns: tuple[str, ...]
    # Of a partial index.
    predicate: str

    def __str__(self) -> str:
        return self.name


def uniques() -> Iterator[Unique]:
    """Everything that two writers can collide at, except ids that we make up at random."""
    for table in Base.metadata.sorted_tables:
        key = tuple(column.name for column in table.primary_key.columns)
        if "id" not in key or table.name == "clock":
            yield Unique(table, f"pk_{table.name}", key, "")
        for constraint in table.constraints:
            if isinstance(constraint, UniqueConstraint):
                columns = tuple(column.name for column in constraint.columns)
                yield Unique(table, str(constraint.name), columns, "")
        for index in table.indexes:
            if index.unique:
                named = {word for each in index.expressions for word in re.findall(r"\w+", str(each))}
                predicate = index.dialect_options["postgresql"]["where"]
                columns = tuple(column.name for column in table.columns if column.name in named)
                yield Unique(table, str(index.name), columns, "" if predicate is None else str(predicate))


def row(unique: Unique, writer: int, shared: dict[str, Any]) -> dict[str, Any]:
    """A row of this writer's own, but for what is `shared`."""
    required = {
        column.name: value_of(column, writer)
        for column in unique.table.columns
        if (column.computed is None and not column.nullable)
        or column.name in (*unique.columns, *NEEDED.get(unique.table.name, ()))
    }
    wanted = dict(re.findall(r"(\w+) = '(\w+)'", unique.predicate))
    fitting = {**FITTING.get(unique.table.name, {}), **FITTING.get(unique.name, {})}
    return {**required, "company_id": COMPANY, **fitting, **wanted, **shared}


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


async def write(connection: AsyncConnection, unique: Unique, values: dict[str, Any]) -> None:
    # Foreign keys are not under test here, and their parents would be half the schema.
    await connection.execute(text("SET LOCAL session_replication_role = replica"))
    await connection.execute(insert(unique.table), [values])


@pytest.mark.parametrize("unique", list(uniques()), ids=str)
async def test_the_second_of_two_writers_waits_and_is_refused(unique: Unique, database: EmbeddedServer) -> None:
    owner = create_async_engine(database.owner_url)
    first = row(unique, 1, {})
    second = row(unique, 2, {name: first[name] for name in unique.columns})

    async def follow() -> None:
        async with owner.begin() as connection:
            await write(connection, unique, second)

    async with owner.begin() as connection:
        await connection.execute(text(f"DELETE FROM {unique.table.name}"))
        await write(connection, unique, first)
        follower = asyncio.create_task(follow())
        await somebody_waits(owner, follower)
    with pytest.raises(IntegrityError) as refused:
        await follower
    assert isinstance(refused.value.orig, psycopg.errors.UniqueViolation)
    assert refused.value.orig.diag.constraint_name == unique.name
    await owner.dispose()


def test_the_walk_finds_the_schema(database: EmbeddedServer) -> None:
    """What the database holds is what is raced: nothing unique was made by a migration alone."""
    assert db.tables.__all__
    query = """
        SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
        WHERE i.indisunique AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
          AND t.relname !~ '^(pgqueuer|alembic)' AND NOT i.indisprimary
    """
    with psycopg.connect(database.owner_url.replace("+psycopg", "", 1)) as owner:
        held = {name for (name,) in owner.execute(query).fetchall()}
    assert held == {each.name for each in uniques() if not each.name.startswith("pk_")}
