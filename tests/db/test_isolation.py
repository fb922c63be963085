"""Company A reads and writes nothing of company B, table by table, through the application's own engine.

No statement here names a company where the wall has to: what holds, holds with every filter forgotten.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pgvector.sqlalchemy import VECTOR
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    CursorResult,
    Date,
    Float,
    Integer,
    Interval,
    Numeric,
    String,
    Table,
    Uuid,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.sql import Executable

import db.tables  # noqa: F401  (fills the metadata)
from db.base import Base, EnumText, UtcDateTime
from db.embedded import EmbeddedServer
from db.ids import uuid7
from db.security import APP_ROLE
from db.session import open_engine, transaction

COMPANY_A, COMPANY_B = uuid7(), uuid7()
AT = datetime(2026, 11, 22, tzinfo=UTC)

# A company's own row is its wall; the clock and the counts of sign-ins (keyed hashes) belong to the installation.
UNWALLED = {"clock", "sign_in_tries"}
TABLES = [table for table in Base.metadata.sorted_tables if table.name not in UNWALLED]
# The queue carries ids of every company to the workers; they open a company's transaction from there.
SHARED = UNWALLED | {"alembic_version", "pgqueuer", "pgqueuer_log", "pgqueuer_schedules", "pgqueuer_statistics"}
EVIDENCE = {
    "cart_diagnoses",
    "audit_entries",
    "blocked_sentences",
    "consent_records",
    "contact_decisions",
    "flow_config_versions",
    "message_events",
    "price_history",
    "stage_events",
    "suppressions",
}
# What may look across companies: look-ups that return ids, and the ticker's work.
DEFINERS = {
    "ensure_partitions",
    "expire_due",
    "find_console_session",
    "find_key",
    "find_user",
    "lost_calls",
    "next_due",
    "origin_known",
    "reclaim_lost",
    "release_attempts",
    "release_carts",
    "release_messages",
    "work_under_way",
}


def company_of(table: Table) -> Column[UUID]:
    return table.c.id if table.name == "companies" else table.c.company_id


def value(column: Column[Any]) -> object:
    """Something that fits the column's type."""
    match column.type:
        case Uuid():
            return uuid7()
        case EnumText(enum=enum):
            return next(iter(enum))
        case UtcDateTime():
            return AT
        case Date():
            return AT.date()
        case String(length=length):
            return uuid7().hex[-(length or 32) :]
        case Boolean():
            return False
        case Integer() | Numeric() | Float():
            return 1
        case Interval():
            return timedelta(1)
        case JSONB():
            return {}
        case ARRAY():
            return []
        case VECTOR(dim=int(dimensions)):
            return [0.0] * dimensions
    raise AssertionError(f"no value for {column}")


def row(table: Table, company: UUID) -> dict[str, object]:
    needed = [c for c in table.c if not c.nullable and c.computed is None and c.server_default is None]
    return {c.name: value(c) for c in needed} | {company_of(table).name: company}


async def catalogue(connection: AsyncConnection, query: str, **values: object) -> list[Any]:
    return list(await connection.scalars(text(query), values))


@pytest.fixture
async def owner(database: EmbeddedServer) -> AsyncIterator[AsyncConnection]:
    engine = open_engine(database.owner_url)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@pytest.fixture
async def filled(owner: AsyncConnection) -> AsyncConnection:
    """Each table with one row of each company. Checks and foreign keys are gone, so that any row will do
    and only walls and rights refuse."""
    drops = """SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname)
               FROM pg_constraint WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace
               AND coninhcount = 0"""
    for drop in await catalogue(owner, drops):
        await owner.execute(text(drop))
    for table in TABLES:
        await owner.execute(insert(table), [row(table, COMPANY_A), row(table, COMPANY_B)])
    await owner.commit()
    return owner


async def attempt(session: AsyncSession, statement: Executable) -> int | str:
    """How many rows the statement touched, or what refused it; either way it is undone."""
    savepoint = await session.begin_nested()
    try:
        result = await session.execute(statement)
        assert isinstance(result, CursorResult)
        return result.rowcount
    except ProgrammingError as error:
        words = str(error.orig)
        return "wall" if "row-level security policy" in words else "denied" if "permission denied" in words else words
    finally:
        await savepoint.rollback()


async def test_every_table_with_a_company_is_in_the_metadata_and_has_a_wall(owner: AsyncConnection) -> None:
    tables = """SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
                AND relnamespace = 'public'::regnamespace"""
    with_company = tables + " AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = oid AND attname = 'company_id')"
    walled = """ AND relrowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polcmd = '*'
                 AND polqual IS NOT NULL AND polwithcheck IS NOT NULL)"""
    names = {table.name for table in TABLES}
    assert set(await catalogue(owner, with_company)) == names - {"companies"}
    assert set(await catalogue(owner, tables + walled)) == names
    assert set(await catalogue(owner, tables)) == names | SHARED
    views = "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace"
    assert await catalogue(owner, views) == [], "a view reads as its owner, past the walls"


async def test_a_company_sees_its_own_rows_alone(filled: AsyncConnection, engine: AsyncEngine) -> None:
    for company in (COMPANY_A, COMPANY_B):
        async with transaction(engine, company_id=company) as session:
            seen = {table.name: (await session.scalars(select(company_of(table)))).all() for table in TABLES}
        assert seen == {table.name: [company] for table in TABLES}


async def test_a_company_changes_its_own_rows_alone(filled: AsyncConnection, engine: AsyncEngine) -> None:
    outcomes = {}
    async with transaction(engine, company_id=COMPANY_A) as session:
        for table in TABLES:
            company = company_of(table)
            outcomes[table.name] = (
                await attempt(session, insert(table).values(row(table, COMPANY_B))),
                await attempt(session, update(table).values({company: COMPANY_B})),
                await attempt(session, update(table).values({company: company})),
                await attempt(session, delete(table)),
            )
    expected = {
        table.name: ("wall", "denied", "denied", "denied") if table.name in EVIDENCE else ("wall", "wall", 1, 1)
        for table in TABLES
    }
    assert outcomes == expected


async def test_without_a_company_nothing_is_there(filled: AsyncConnection, engine: AsyncEngine) -> None:
    async with transaction(engine, company_id=None) as session:
        counts = {table.name: await session.scalar(select(func.count()).select_from(table)) for table in TABLES}
        inserts = {table.name: await attempt(session, insert(table).values(row(table, COMPANY_A))) for table in TABLES}
        deletes = {table.name: await attempt(session, delete(table)) for table in TABLES if table.name not in EVIDENCE}
    assert set(counts.values()) == {0}
    assert set(inserts.values()) == {"wall"}
    assert set(deletes.values()) == {0}


async def test_the_company_ends_with_its_transaction(filled: AsyncConnection, engine: AsyncEngine) -> None:
    """Pooled connections are handed on: the next transaction must not inherit a company."""
    async with transaction(engine, company_id=COMPANY_A) as session:
        assert (await session.scalars(select(company_of(TABLES[0])))).all() == [COMPANY_A]
        backend = await session.scalar(text("SELECT pg_backend_pid()"))
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT pg_backend_pid()")) == backend
        assert (await connection.scalars(select(company_of(TABLES[0])))).all() == []


async def test_partitions_are_closed(filled: AsyncConnection, engine: AsyncEngine) -> None:
    """A partition has no policy of its own, so nobody but its owner may name it."""
    await filled.execute(text("SELECT ensure_partitions(:at, :at)"), {"at": AT + timedelta(days=60)})
    await filled.commit()
    partitions = await catalogue(filled, "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
    assert len(partitions) == 2 * len(
        [table for table in TABLES if table.dialect_options["postgresql"]["partition_by"]]
    )
    async with transaction(engine, company_id=COMPANY_A) as session:
        for name in partitions:
            for statement in (f"SELECT * FROM {name}", f"INSERT INTO {name} DEFAULT VALUES", f"DELETE FROM {name}"):
                assert await attempt(session, text(statement)) == "denied", statement


async def test_the_applications_role_owns_and_oversteps_nothing(owner: AsyncConnection, engine: AsyncEngine) -> None:
    role = "FROM pg_roles r WHERE rolname = :role"
    above = f"""SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
                OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) {role}"""
    assert await catalogue(owner, above, role=APP_ROLE) == [False]
    owned = f"SELECT count(*) FROM pg_shdepend WHERE deptype = 'o' AND refobjid = (SELECT oid {role})"
    assert await catalogue(owner, owned, role=APP_ROLE) == [0]
    assert await catalogue(owner, "SELECT has_schema_privilege(:role, 'public', 'CREATE')", role=APP_ROLE) == [False]
    # TRUNCATE asks no policy, a trigger runs as whoever comes by.
    for right in ("TRUNCATE", "TRIGGER", "REFERENCES"):
        holders = (
            f"SELECT relname FROM pg_class WHERE has_table_privilege(:role, oid, '{right}') AND relname = ANY(:names)"
        )
        assert await catalogue(owner, holders, role=APP_ROLE, names=[table.name for table in TABLES]) == []
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT current_user")) == APP_ROLE


async def test_what_sees_past_the_walls_is_short_and_pinned(owner: AsyncConnection) -> None:
    of_definers = "FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    assert set(await catalogue(owner, f"SELECT proname {of_definers}")) == DEFINERS
    # Callable by PUBLIC, or with a search path that a caller could bend.
    loose = """(has_function_privilege('public', oid, 'EXECUTE')
               OR NOT 'search_path=public, pg_temp' = ANY(coalesce(proconfig, '{}')))"""
    assert await catalogue(owner, f"SELECT proname {of_definers} AND {loose}") == []
    assert set(await catalogue(owner, f"SELECT pg_get_function_result(oid) {of_definers}")) == {
        "TABLE(company_id uuid, id uuid)",
        "TABLE(company_id uuid, id uuid, step bigint)",
        "TABLE(company_id uuid, id uuid, step bigint, channel text)",
        "boolean",
        "timestamp with time zone",
        "void",
    }
