"""Engines and the one way into the database: a transaction that knows its company."""

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection as PooledConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.util import await_only

# `session.info` of a transaction: psycopg's connection beneath it.
DRIVER = "driver"
# `session.info` of a transaction: how far the shop's clock is ahead of real time (db/clock.py).
CLOCK_OFFSET = "clock_offset"


class UnsafeRole(Exception):
    """The process would connect as a role that row-level security does not bind."""


def open_engine(url: str, *, pool_size: int = 20) -> AsyncEngine:
    """An engine for the application's own role; `url` is a postgresql:// address (psycopg 3).

    At most `pool_size` connections, all of them kept: opening one costs more than a whole transaction.
    """
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        # An error names its statement, never what was written: logs hold no transcript and no address.
        hide_parameters=True,
        # The driver would send a BEGIN by itself, before every first statement; `transaction` says more in one go.
        connect_args={"application_name": "momentum", "autocommit": True},
    )
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, *_: object) -> None:
    """A server that went away closed its side of the idle connections. Seen without asking over the network."""
    driver, idle = connection.driver_connection, select.poll()
    if not driver.closed:
        idle.register(driver.fileno(), select.POLLIN)
    if driver.closed or idle.poll(0):
        raise InvalidatePoolError


def _begin(connection: Connection) -> None:
    """The BEGIN that the driver does not send, unless `transaction` has sent it."""
    driver = _driver_of(connection)
    if driver.info.transaction_status == TransactionStatus.IDLE:
        await_only(driver.execute("BEGIN", prepare=False))


@asynccontextmanager
async def transaction(engine: AsyncEngine, *, company_id: UUID | None) -> AsyncIterator[AsyncSession]:
    """Open a transaction, name its company to row-level security, commit at the end.

    Everything that is written inside is committed together or not at all. With `company_id` None no
    tenant row is visible: only the look-ups that return ids (db/security.py) work. Used at the edges
    alone: requests, jobs, tool calls, commands.
    """
    connection = await engine.connect()
    driver, committed = _driver_of(connection.sync_connection), False
    try:
        # The session takes part when something is first asked through it: it costs as much as the transaction.
        session = AsyncSession(connection, expire_on_commit=False)
        session.info[DRIVER] = driver
        session.info[CLOCK_OFFSET] = await _open(driver, _setting(company_id))
        yield session
        await (session.commit() if session.in_transaction() else driver.commit())
        committed = True
    finally:
        # Whoever is cancelled waits for this all the same: the connection must not be lost.
        given_back = _give_back(connection, driver)
        await (given_back if committed else asyncio.shield(asyncio.create_task(given_back)))


async def _give_back(connection: PooledConnection, driver: AsyncConnection[Any]) -> None:
    """Roll back; of a connection that is lost nothing is asked any more."""
    if driver.closed and not connection.invalidated:
        await connection.invalidate()
    await connection.close()


def _driver_of(connection: Connection | None) -> AsyncConnection[Any]:
    assert connection is not None
    driver = connection.connection.driver_connection
    assert isinstance(driver, AsyncConnection)
    return driver


async def _open(driver: AsyncConnection[Any], company: str) -> timedelta | None:
    """BEGIN, the company and a look at the clock in one round trip."""
    cursor = await driver.execute(
        f"BEGIN; SELECT set_config('app.company_id', '{company}', true), (SELECT \"offset\" FROM clock)".encode(),  # noqa: S608
        prepare=False,
    )
    cursor.nextset()
    ((_, offset),) = await cursor.fetchall()
    assert offset is None or isinstance(offset, timedelta)
    return offset


async def enter(session: AsyncSession, company_id: UUID | None) -> None:
    """Name the company to row-level security until the transaction ends."""
    driver = await driver_connection(session)
    await driver.execute("SELECT set_config('app.company_id', %s, true)", (_setting(company_id),))


def _setting(company_id: UUID | None) -> str:
    """As it stands in a statement: an id has no quotes."""
    return "" if company_id is None else str(UUID(str(company_id)))


async def driver_connection(session: AsyncSession) -> AsyncConnection[Any]:
    """psycopg's own connection beneath a session, in the session's transaction."""
    driver = session.info.get(DRIVER) or _driver_of((await session.connection()).sync_connection)
    assert isinstance(driver, AsyncConnection)
    return driver


async def run_statement(session: AsyncSession, statement: LiteralString, /, **values: object) -> list[tuple[Any, ...]]:
    """Rows of a statement of the hot path, straight over the driver: a fraction of what SQLAlchemy takes to run it.

    `statement` names its values, `%(name)s`. It does not see what the session has not flushed.
    """
    cursor = await (await driver_connection(session)).execute(statement, values)
    return [] if cursor.description is None else await cursor.fetchall()


async def ping(engine: AsyncEngine) -> None:
    """Return when the database has answered; raises what the driver raises when it does not."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


async def refuse_unsafe_role(engine: AsyncEngine) -> None:
    """Raise `UnsafeRole` if the engine's role is a superuser, bypasses or owns what it should be bound by."""
    query = text(
        """
        SELECT current_user AS name, r.rolsuper OR r.rolbypassrls AS above_the_law,
               EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p')) AS owns
        FROM pg_roles r WHERE r.rolname = current_user
        """
    )
    async with engine.connect() as connection:
        role = (await connection.execute(query)).one()
    if role.above_the_law or role.owns:
        raise UnsafeRole(
            f"MOMENTUM_DATABASE_URL logs in as {role.name}, which row-level security does not bind. "
            "Use the role momentum_app that `momentum db upgrade` makes."
        )
