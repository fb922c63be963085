"""Each unique index and natural key of the schema, with two sessions that write the same: the second one waits for the
first, and then is refused by that index. Walks the metadata, so an index that is added is raced from then on."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from sqlalchemy import Table, UniqueConstraint, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

import db.tables
from db.base import Base
from db.embedded import EmbeddedServer, dsn
from tests.db.rows import make_row, write
from tests.policy.races import somebody_waits


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


def row(unique: Unique, writer: int) -> dict[str, Any]:
    """Filled where the index looks, and inside the part that a partial index covers."""
    return make_row(unique.table, writer, filled=unique.columns) | dict(
        re.findall(r"(\w+) = '(\w+)'", unique.predicate)
    )


@pytest.mark.parametrize("unique", list(uniques()), ids=str)
async def test_the_second_of_two_writers_waits_and_is_refused(unique: Unique, database: EmbeddedServer) -> None:
    owner = create_async_engine(database.owner_url)
    first = row(unique, 1)
    second = row(unique, 2) | {name: first[name] for name in unique.columns}

    async def follow() -> None:
        async with owner.begin() as connection:
            await write(connection, unique.table, second)

    async with owner.begin() as connection:
        await connection.execute(text(f"DELETE FROM {unique.table.name}"))
        await write(connection, unique.table, first)
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
    with psycopg.connect(dsn(database.owner_url)) as owner:
        held = {name for (name,) in owner.execute(query).fetchall()}
    assert held == {each.name for each in uniques() if not each.name.startswith("pk_")}
