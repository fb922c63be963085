"""Engines and the one way into the database: a transaction that knows its company."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine


class UnsafeRole(Exception):
    """The process would connect as a role that row-level security does not bind."""


def open_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine for the application's own role; `url` is a postgresql:// address (psycopg 3)."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        # An error names its statement, never what was written: logs hold no transcript and no address.
        hide_parameters=True,
        connect_args={"application_name": "momentum"},
    )


@asynccontextmanager
async def transaction(engine: AsyncEngine, *, company_id: UUID | None) -> AsyncIterator[AsyncSession]:
    """Open a transaction, name its company to row-level security, commit at the end.

    Everything that is written inside is committed together or not at all. With `company_id` None no
    tenant row is visible: only the look-ups that return ids (db/security.py) work. Used at the edges
    alone: requests, jobs, tool calls, commands.
    """
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        await enter(session, company_id)
        yield session


async def enter(session: AsyncSession, company_id: UUID | None) -> None:
    """Name the company to row-level security until the transaction ends."""
    await session.execute(
        text("SELECT set_config('app.company_id', :company_id, true)"),
        {"company_id": "" if company_id is None else str(company_id)},
    )


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
