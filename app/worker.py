"""The worker: runs jobs, and ticks so that what is due becomes jobs. Any number may run."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from time import monotonic

import psycopg
from pgqueuer.models import Job as QueuedJob
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.jobs import Jobs
from app.parts import Parts
from db.clock import read_clock
from db.jobs import Job, QueueDriver
from db.session import refuse_unsafe_role, transaction
from recovery import scheduler
from voice.calls import jobs as calls

logger = logging.getLogger(__name__)

TICK_S = 0.25
LOOK_AFTER_EVERY_S = 60.0
# A call whose process died is closed this soon after it counts as lost (voice.calls.rules.LOST_AFTER).
SWEEP_CALLS_EVERY_S = 5.0


async def tick(engine: AsyncEngine) -> int:
    """Release everything that is due now, batch by batch; how much."""
    released = 0
    while True:
        async with transaction(engine, company_id=None) as session:
            now = await read_clock(session)
            batch = await scheduler.release_due(session, now=now)
        released += batch
        if not batch:
            break
    async with transaction(engine, company_id=None) as session:
        await scheduler.expire_due(session, now=await read_clock(session))
    return released


async def look_after(engine: AsyncEngine, *, lost_after: timedelta) -> None:
    async with transaction(engine, company_id=None) as session:
        await scheduler.look_after(session, lost_after=lost_after, now=await read_clock(session))


async def sweep_calls(engine: AsyncEngine) -> int:
    """Let calls that nothing is heard of be closed; how many."""
    async with transaction(engine, company_id=None) as session:
        return await calls.sweep(session)


class Deaf(Exception):
    """The connection that hears of new jobs is gone. They would still be found, but late: the process is to be
    started again."""


async def _tick_until(
    stop: asyncio.Event, engine: AsyncEngine, listening: psycopg.AsyncConnection, *, lost_after: timedelta
) -> None:
    looked_after = swept = float("-inf")
    every_s = min(LOOK_AFTER_EVERY_S, lost_after.total_seconds() / 2)
    while not stop.is_set():
        if listening.closed:
            raise Deaf
        if monotonic() - looked_after >= every_s:
            await look_after(engine, lost_after=lost_after)
            looked_after = monotonic()
        if monotonic() - swept >= SWEEP_CALLS_EVERY_S:
            await sweep_calls(engine)
            swept = monotonic()
        await tick(engine)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), TICK_S)


@contextlib.asynccontextmanager
async def _queue(database_url: str) -> AsyncIterator[tuple[QueueManager, psycopg.AsyncConnection]]:
    """pgqueuer over connections of its own, as it wants them, and the one that it listens on."""
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connect = psycopg.AsyncConnection.connect
    async with await connect(url, autocommit=True) as asking, await connect(url, autocommit=True) as listening:
        yield QueueManager(Queries(QueueDriver(asking, listening))), listening


async def run_worker(
    parts: Parts, database_url: str, *, stop: asyncio.Event, concurrency: int, lost_after: timedelta
) -> None:
    """Work until `stop` is set; jobs that have begun are finished."""
    await refuse_unsafe_role(parts.engine)
    async with _queue(database_url) as (queue, listening):
        for name, run in Jobs(parts).entrypoints().items():
            _bind(queue, name, run)
        ticking = asyncio.create_task(_tick_until(stop, parts.engine, listening, lost_after=lost_after))
        ticking.add_done_callback(lambda _: queue.shutdown.set())
        running = asyncio.create_task(
            queue.run(
                dequeue_timeout=timedelta(seconds=1),
                batch_size=concurrency,
                max_concurrent_tasks=2 * concurrency,
            )
        )
        await asyncio.wait({ticking, running}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        queue.shutdown.set()
        await asyncio.gather(ticking, running)


def _bind(queue: QueueManager, name: str, run: Callable[[Job], Awaitable[None]]) -> None:
    # A job that failed is kept for the merchant to see; its row is released again after a while (scheduler).
    @queue.entrypoint(name, on_failure="hold", accepts_context=False)
    async def entry(queued: QueuedJob) -> None:
        await run(Job.model_validate_json(queued.payload or b""))
