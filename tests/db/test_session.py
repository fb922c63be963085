import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.clock import read_clock, real_now, set_clock
from db.embedded import EmbeddedServer
from db.ids import uuid7
from db.jobs import Job, enqueue
from db.session import UnsafeRole, open_engine, refuse_unsafe_role, run_statement, transaction
from db.tables.companies import Company


def company() -> Company:
    return Company(
        id=uuid7(),
        name="Shop",
        legal_name="Shop Ltd",
        postal_address="1 Road",
        support_email="help@shop.example",
        currency="USD",
        timezone="UTC",
        country="US",
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


async def test_a_transaction_sees_its_own_company_and_no_other(engine: AsyncEngine) -> None:
    mine, other = company(), company()
    for row in (mine, other):
        async with transaction(engine, company_id=row.id) as session:
            session.add(row)
    async with transaction(engine, company_id=mine.id) as session:
        assert (await session.scalars(select(Company.id))).all() == [mine.id]
    async with transaction(engine, company_id=None) as session:
        assert (await session.scalars(select(Company.id))).all() == []


async def test_what_fails_leaves_neither_rows_nor_jobs(engine: AsyncEngine) -> None:
    row = company()

    async def die_half_way() -> None:
        async with transaction(engine, company_id=row.id) as session:
            session.add(row)
            await enqueue(session, "run_stage", [Job(company_id=row.id, id=row.id)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await die_half_way()
    async with transaction(engine, company_id=row.id) as session:
        assert (await session.scalars(select(Company.id))).all() == []
        assert await session.scalar(text("SELECT count(*) FROM pgqueuer")) == 0


Write = Callable[[AsyncSession, Company], Awaitable[None]]

ADD = """
    INSERT INTO companies (id, name, legal_name, postal_address, support_email, currency, timezone, country, created_at)
    VALUES (%(id)s, 'Shop', 'Shop Ltd', '1 Road', 'help@shop.example', 'USD', 'UTC', 'US', %(created_at)s)
"""


async def by_driver(session: AsyncSession, row: Company) -> None:
    await run_statement(session, ADD, id=row.id, created_at=row.created_at)


async def by_session(session: AsyncSession, row: Company) -> None:
    session.add(row)


async def by_driver_then_session(session: AsyncSession, row: Company) -> None:
    await by_driver(session, row)
    (await session.scalars(select(Company))).one().name = "Renamed"


async def by_session_then_driver(session: AsyncSession, row: Company) -> None:
    session.add(row)
    await session.flush()
    await run_statement(session, "UPDATE companies SET name = 'Renamed' WHERE id = %(id)s", id=row.id)


@pytest.mark.parametrize("write", [by_driver, by_session, by_driver_then_session, by_session_then_driver])
@pytest.mark.parametrize("whole", [True, False])
async def test_whichever_way_it_is_written_it_is_committed_whole_or_not_at_all(
    engine: AsyncEngine, write: Write, whole: bool
) -> None:
    row = company()
    with suppress(RuntimeError):
        async with transaction(engine, company_id=row.id) as session:
            await write(session, row)
            if not whole:
                raise RuntimeError
    async with transaction(engine, company_id=row.id) as session:
        names = (await session.scalars(select(Company.name))).all()
    assert names == ([] if not whole else ["Renamed"] if "then" in write.__name__ else ["Shop"])


@pytest.mark.parametrize("waits", [run_statement, lambda session, statement: session.execute(text(statement))])
async def test_who_is_cancelled_gives_the_connection_back(
    database: EmbeddedServer, waits: Callable[[AsyncSession, str], Awaitable[object]]
) -> None:
    engine, row = open_engine(database.app_url, pool_size=1), company()

    async def wait_after_writing() -> None:
        async with transaction(engine, company_id=row.id) as session:
            await by_driver(session, row)
            await waits(session, "SELECT pg_sleep(60)")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await wait_after_writing()
    async with asyncio.timeout(5), transaction(engine, company_id=row.id) as session:
        assert (await session.scalars(select(Company.id))).all() == []
    await engine.dispose()


@pytest.mark.parametrize("wrote", [by_driver, by_session_then_driver])
async def test_a_server_that_goes_away_in_the_middle_takes_nothing_with_it(
    database: EmbeddedServer, engine: AsyncEngine, wrote: Write
) -> None:
    row, owner = company(), open_engine(database.owner_url)

    async def lose_the_server() -> None:
        async with transaction(engine, company_id=row.id) as session:
            await wrote(session, row)
            async with owner.connect() as connection:
                await connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                        " WHERE usename = 'momentum_app' AND datname = current_database()"
                    )
                )

    with pytest.raises((psycopg.OperationalError, OperationalError)):
        await lose_the_server()
    async with transaction(engine, company_id=row.id) as session:
        assert (await session.scalars(select(Company.id))).all() == []
    await owner.dispose()


async def test_a_job_is_committed_with_its_change(engine: AsyncEngine) -> None:
    row = company()
    async with transaction(engine, company_id=row.id) as session:
        session.add(row)
        await enqueue(session, "run_stage", [Job(company_id=row.id, id=row.id, step=3)])
    async with transaction(engine, company_id=None) as session:
        entrypoint, payload = (await session.execute(text("SELECT entrypoint, payload FROM pgqueuer"))).one()
    assert entrypoint == "run_stage"
    assert Job.model_validate_json(payload) == Job(company_id=row.id, id=row.id, step=3)


async def test_connections_that_the_server_closed_are_replaced(database: EmbeddedServer, engine: AsyncEngine) -> None:
    async with transaction(engine, company_id=None), transaction(engine, company_id=None):
        pass
    owner = open_engine(database.owner_url)
    async with owner.connect() as connection:
        ended = text(
            "SELECT count(*) FROM pg_stat_activity, pg_terminate_backend(pid, 5000) WHERE usename = 'momentum_app'"
            " AND datname = current_database()"
        )
        assert await connection.scalar(ended) == 2
    await owner.dispose()
    for _ in range(2):
        async with transaction(engine, company_id=None) as session:
            assert await session.scalar(text("SELECT 1")) == 1


async def test_whoever_connects_without_a_company_is_in_a_transaction_too(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SET LOCAL app.company_id = 'x'"))
        assert await connection.scalar(text("SELECT current_setting('app.company_id')")) == "x"


async def test_the_clock_goes_forward_only(engine: AsyncEngine) -> None:
    target = real_now() + timedelta(days=3)
    async with transaction(engine, company_id=None) as session:
        await set_clock(session, target)
        await set_clock(session, target - timedelta(days=1))
    async with transaction(engine, company_id=None) as session:
        assert timedelta() <= await read_clock(session) - target < timedelta(minutes=1)


async def test_the_owner_is_refused(database: EmbeddedServer, engine: AsyncEngine) -> None:
    await refuse_unsafe_role(engine)
    owner = open_engine(database.owner_url)
    with pytest.raises(UnsafeRole, match="momentum_app"):
        await refuse_unsafe_role(owner)
    await owner.dispose()
