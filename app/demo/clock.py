"""Move the shop through time, event by event, until everything that became due has been done."""

import asyncio
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy.ext.asyncio import AsyncEngine

from app.worker import tick
from db.clock import read_clock, set_clock
from db.session import transaction
from policy.errors import AppError
from recovery import scheduler

POLL_S = 0.02
PATIENCE_S = 60.0


class WorkersAreStuck(AppError):
    status = 503
    code = "workers_are_stuck"
    title = "The clock stopped half-way"


async def advance(engine: AsyncEngine, by: timedelta) -> datetime:
    """Live through `by` at once: set the clock to the next due instant, let the workers finish, repeat.

    Returns the shop's new time. Raises WorkersAreStuck when nothing gets finished for a minute.
    """
    async with transaction(engine, company_id=None) as session:
        target = await read_clock(session) + by
    while True:
        await _finish(engine)
        async with transaction(engine, company_id=None) as session:
            due = await scheduler.next_due(session)
            step = target if due is None else min(due, target)
            await set_clock(session, step)
            now = await read_clock(session)
        if step == target:
            await _finish(engine)
            return now


async def _finish(engine: AsyncEngine) -> None:
    """Wait until nothing is due, released or queued."""
    begun = monotonic()
    while monotonic() - begun < PATIENCE_S:
        released = await tick(engine)
        async with transaction(engine, company_id=None) as session:
            busy = await scheduler.work_under_way(session)
        if not released and not busy:
            return
        await asyncio.sleep(POLL_S)
    raise WorkersAreStuck("A worker may have died or a job failed; see the log, and try again in a few minutes.")
