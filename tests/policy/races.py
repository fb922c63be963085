"""Two sessions at one wall: the first holds its transaction open until the second waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.session import transaction

T = TypeVar("T")


async def race(
    engine: AsyncEngine,
    first: Callable[[AsyncSession], Awaitable[T]],
    second: Callable[[AsyncSession], Awaitable[T]],
    *,
    company_id: UUID,
) -> tuple[T, T]:
    """What each of two transactions came to; fails when the second never has to wait."""

    async def follow() -> T:
        async with transaction(engine, company_id=company_id) as session:
            return await second(session)

    async with transaction(engine, company_id=company_id) as session:
        one = await first(session)
        follower = asyncio.create_task(follow())
        await somebody_waits(engine, follower)
    return one, await follower


async def somebody_waits(engine: AsyncEngine, follower: "asyncio.Task[T]") -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(20), engine.connect() as connection:
        while not await connection.scalar(waiting):
            assert not follower.done(), "the second session was not kept waiting"
            await connection.rollback()
