"""The ticker's work: release what is due, in batches, with the jobs in the same transaction.

Waiting costs one indexed row. Any number of workers may tick at once: a batch is claimed with SKIP LOCKED.
"""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db.jobs import enqueue
from delivery import service as delivery
from recovery.repository import DueRepository

RUN_STAGE_JOB = "run_stage"
ABANDON_CART_JOB = "abandon_cart"
BATCH = 1000
PARTITIONS_AHEAD = timedelta(days=62)


async def release_due(session: AsyncSession, *, now: datetime, limit: int = BATCH) -> int:
    """Enqueue a job for each attempt, cart and message that is due; how many. Call again while it is not 0."""
    due = DueRepository(session)
    carts = await due.release_carts(now=now, limit=limit)
    await enqueue(session, ABANDON_CART_JOB, carts)
    attempts = await due.release_attempts(now=now, limit=limit)
    await enqueue(session, RUN_STAGE_JOB, attempts)
    return len(carts) + len(attempts) + await delivery.release_due(session, now=now, limit=limit)


async def expire_due(session: AsyncSession, *, now: datetime) -> None:
    """End holds and grants whose time is over."""
    await DueRepository(session).expire(now=now)


async def look_after(session: AsyncSession, *, lost_after: timedelta, now: datetime) -> None:
    """Now and then: release again what was released `lost_after` ago (real time) and is not done, since a job takes
    seconds and that one died with its worker; make the coming months' partitions."""
    due = DueRepository(session)
    await due.reclaim_lost(older_than=lost_after)
    await due.ensure_partitions(start=now, end=now + PARTITIONS_AHEAD)


async def next_due(session: AsyncSession) -> datetime | None:
    """The next instant at which anything is due."""
    return await DueRepository(session).next_due()


async def work_under_way(session: AsyncSession) -> bool:
    """Whether anything was released or queued and is not finished."""
    return await DueRepository(session).work_under_way()
