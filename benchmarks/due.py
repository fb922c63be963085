"""Due stages: release beside the raw claim and pgqueuer's own enqueue, due to started, done beside plain jobs."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock
from uuid import UUID

import psycopg
from pgqueuer.db import PsycopgDriver
from pgqueuer.queries import Queries
from sqlalchemy.ext.asyncio import AsyncEngine

from app.jobs import Jobs
from app.parts import assemble
from app.settings import Settings
from benchmarks.database import database, owner
from benchmarks.processes import process, settings_of
from benchmarks.report import Figure, Reference, median, percentile
from benchmarks.shops import BenchShop, add_due_attempts, add_waiting_attempts, make_shop
from db.clock import read_clock, real_now, set_clock
from db.embedded import EmbeddedServer, dsn
from db.jobs import Job
from db.session import open_engine, transaction
from delivery.service import SEND_JOB
from recovery import scheduler
from recovery.scheduler import BATCH, RUN_STAGE_JOB

DAY = timedelta(days=1)
ROUNDS = 3
# What one worker can keep up with on a machine that it shares: the wait is measured, not the queue.
APART_S = 0.2
FEW = 10_000
CLAIM = """
    UPDATE save_attempts t SET released_at = clock_timestamp()
    FROM (SELECT company_id, id FROM save_attempts WHERE due_at <= %s AND released_at IS NULL
          ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED) due
    WHERE t.company_id = due.company_id AND t.id = due.id RETURNING t.company_id, t.id, t.step
"""


def run(*, full: bool) -> list[Figure]:
    waiting, due, stages = (1_000_000, 50_000, 2_000) if full else (100_000, 10_000, 120)
    with database("due") as server:
        return asyncio.run(_measure(server, waiting=waiting, due=due, stages=stages))


async def _measure(server: EmbeddedServer, *, waiting: int, due: int, stages: int) -> list[Figure]:
    engine = open_engine(server.app_url)
    shop = await make_shop(engine)
    now = await _set_legal_time(engine)
    figures = await _releases(server, engine, shop, due=due, waiting=(FEW, waiting), now=now)
    with owner(server) as connection:
        connection.execute("UPDATE save_attempts SET due_at = NULL WHERE due_at <= %s", (now,))
        connection.execute("TRUNCATE pgqueuer, pgqueuer_log")
    figures += await _latency(server, engine, shop, count=min(stages, 100))
    figures += await _done(server, engine, shop, count=stages)
    await engine.dispose()
    return figures


async def _set_legal_time(engine: AsyncEngine) -> datetime:
    """Three in the afternoon, when the gate lets emails leave; tomorrow's, for the clock goes forward only."""
    async with transaction(engine, company_id=None) as session:
        at = (await read_clock(session) + DAY).replace(hour=15, minute=0)
        await set_clock(session, at)
        return await read_clock(session)


# Release -----------------------------------------------------------------------------------------------------------


async def _releases(
    server: EmbeddedServer,
    engine: AsyncEngine,
    shop: BenchShop,
    *,
    due: int,
    waiting: tuple[int, int],
    now: datetime,
) -> list[Figure]:
    ours: list[float] = []
    figures: list[Figure] = []
    there = 0
    with owner(server) as connection:
        add_due_attempts(connection, shop, due, due_at=now - DAY, apart_s=0, at=now - DAY)
    for many in waiting:
        with owner(server) as connection:
            add_waiting_attempts(connection, shop, many - there, due_at=now + DAY)
            connection.execute("VACUUM ANALYZE save_attempts, carts")
        there = many
        rates: dict[str, list[float]] = {"ours": [], "claim": [], "enqueue": []}
        for _ in range(ROUNDS):
            rates["ours"].append(due / await _timed(server, lambda: _release(engine, now)))
            rates["claim"].append(due / await _timed(server, lambda: _claim(server, now)))
            rates["enqueue"].append(due / await _timed(server, lambda: _enqueue(server, due)))
        claim, enqueue = median(rates["claim"]), median(rates["enqueue"])
        ours.append(median(rates["ours"]))
        figures += [
            Figure(
                f"release, {many:,} waiting",
                ours[-1],
                "/s",
                Reference("/s claim and enqueue, one after the other", 1 / (1 / claim + 1 / enqueue)),
                goal="≥ 10,000/s",
                met=ours[-1] >= 10_000,
            ),
            Figure("", ours[-1], "/s", Reference("/s raw batch claim alone", claim)),
            Figure("", ours[-1], "/s", Reference("/s pgqueuer enqueue alone", enqueue)),
        ]
    flat = ours[1] / ours[0]
    what = f"release, {waiting[1]:,} waiting"
    beside = Reference(f"/s with {waiting[0]:,} waiting", ours[0])
    return [*figures, Figure(what, ours[1], "/s", beside, goal="unchanged (≥ 0.8)", met=flat >= 0.8)]


async def _timed(server: EmbeddedServer, work: Callable[[], Awaitable[None]]) -> float:
    """Seconds that it takes; everything is as before afterwards."""
    begun = time.perf_counter()
    await work()
    took = time.perf_counter() - begun
    with owner(server) as connection:
        connection.execute("UPDATE save_attempts SET released_at = NULL WHERE released_at IS NOT NULL")
        connection.execute("TRUNCATE pgqueuer, pgqueuer_log")
        connection.execute("VACUUM save_attempts")
    return took


async def _release(engine: AsyncEngine, now: datetime) -> None:
    """As a worker's tick does it."""
    while True:
        async with transaction(engine, company_id=None) as session:
            await read_clock(session)
            if not await scheduler.release_due(session, now=now):
                return


async def _claim(server: EmbeddedServer, now: datetime) -> None:
    async with await psycopg.AsyncConnection.connect(dsn(server.owner_url)) as connection:
        while True:
            rows = await (await connection.execute(CLAIM, (now, BATCH))).fetchall()
            await connection.commit()
            if not rows:
                return


async def _enqueue(server: EmbeddedServer, count: int) -> None:
    payloads: list[bytes | None] = [
        Job(company_id=UUID(int=n), id=UUID(int=n)).model_dump_json().encode() for n in range(BATCH)
    ]
    async with await psycopg.AsyncConnection.connect(dsn(server.app_url), autocommit=True) as connection:
        queries = Queries(PsycopgDriver(connection))
        for _ in range(count // BATCH):
            await queries.enqueue([RUN_STAGE_JOB] * BATCH, payloads, [0] * BATCH)


# Running -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _worker(server: EmbeddedServer) -> AsyncIterator[None]:
    with process("app.worker_process", environment=settings_of(server)):
        await _until(lambda: _listening(server))
        yield


async def _listening(server: EmbeddedServer) -> bool:
    """Whether a worker waits for jobs: it has looked for some."""
    rows = await _rows(
        server,
        """
        SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND query ILIKE '%pgqueuer%' AND pid <> pg_backend_pid() AND state = 'idle'
        """,
    )
    return bool(rows)


async def _latency(server: EmbeddedServer, engine: AsyncEngine, shop: BenchShop, *, count: int) -> list[Figure]:
    """From the instant at which a stage is due to the one that it began with, one every 200 ms, one worker."""
    async with _worker(server):
        async with transaction(engine, company_id=None) as session:
            first = await read_clock(session) + timedelta(seconds=2)
        with owner(server) as connection:
            add_due_attempts(connection, shop, count, due_at=first, apart_s=APART_S, at=first - DAY)
        await _until(lambda: _all_sent(server, count))
    rows = await _rows(
        server,
        """
        SELECT extract(epoch FROM min(d.decided_at)), d.attempt_id FROM contact_decisions d WHERE d.phase = 'PLAN'
        GROUP BY d.attempt_id ORDER BY 1
        """,
    )
    started = sorted(float(str(row[0])) for row in rows)
    waits = [1000 * (at - (first.timestamp() + APART_S * n)) for n, at in enumerate(started)]
    p99 = percentile(waits, 0.99)
    return [
        Figure("due to started, p50", median(waits), "ms"),
        Figure("due to started, p99", p99, "ms", goal="≤ 1,000 ms", met=p99 <= 1000),
    ]


async def _done(server: EmbeddedServer, engine: AsyncEngine, shop: BenchShop, *, count: int) -> list[Figure]:
    """Whole stages, planned by template and delivered to the local outbox, beside plain jobs of the same size."""
    plan = await _statements(server, engine, shop)
    ours, plain = [], []
    for _ in range(ROUNDS):
        ours.append(await _stages_a_second(server, engine, shop, count=count))
        plain.append(await _plain_a_second(server, plan, count=count))
    size = " + ".join(str(sum(each)) for each in plan.values())
    ratio = median(ours) / median(plain)
    reference = Reference(f"/s plain jobs of {size} statements", median(plain))
    return [Figure("stages done", median(ours), "/s", reference, goal="≥ 0.5 ×", met=ratio >= 0.5)]


async def _stages_a_second(server: EmbeddedServer, engine: AsyncEngine, shop: BenchShop, *, count: int) -> float:
    """From the first stage's beginning to the last message's leaving, so that the worker's start does not count."""
    sent = (await _rows(server, "SELECT count(*) FROM messages WHERE status = 'SENT'"))[0][0]
    async with transaction(engine, company_id=None) as session:
        at = await read_clock(session)
    async with _worker(server):
        with owner(server) as connection:
            add_due_attempts(connection, shop, count, due_at=at - DAY, apart_s=0, at=at - DAY)
        begun = real_now()
        await _until(lambda: _all_sent(server, int(str(sent)) + count))
        return count / (real_now() - begun).total_seconds()


async def _plain_a_second(server: EmbeddedServer, plan: dict[str, list[int]], *, count: int) -> float:
    ids = await _rows(server, "SELECT company_id, id FROM save_attempts ORDER BY id DESC LIMIT %s", count)
    payloads: list[bytes | None] = [Job(company_id=row[0], id=row[1]).model_dump_json().encode() for row in ids]
    with process("benchmarks.plain_worker", dsn(server.app_url), json.dumps(plan)):
        await _until(lambda: _listening(server))
        async with await psycopg.AsyncConnection.connect(dsn(server.app_url), autocommit=True) as connection:
            begun = time.perf_counter()
            for name in plan:
                await Queries(PsycopgDriver(connection)).enqueue([name] * count, payloads, [0] * count)
            await _until(lambda: _queue_is_empty(server))
            return count / (time.perf_counter() - begun)


async def _statements(server: EmbeddedServer, engine: AsyncEngine, shop: BenchShop) -> dict[str, list[int]]:
    """How many statements each transaction of a stage's two jobs has: counted on one stage, run here."""
    settings = Settings.model_validate(
        {name.removeprefix("MOMENTUM_").lower(): value for name, value in settings_of(server).items()}
    )
    parts = assemble(settings, server.app_url)
    async with transaction(engine, company_id=None) as session:
        now = await read_clock(session)
    with owner(server) as connection:
        add_due_attempts(connection, shop, 1, due_at=now - DAY, apart_s=0, at=now - DAY)
    attempt = (await _rows(server, "SELECT id FROM save_attempts WHERE due_at <= %s", now))[0][0]
    counts: list[int] = []
    execute = psycopg.AsyncCursor.execute

    async def counted(self: Any, query: Any, *values: Any, **options: Any) -> Any:
        text = query if isinstance(query, bytes) else str(query).encode()
        if text.startswith(b"BEGIN"):  # the first statement of each transaction
            counts.append(0)
        if counts:
            counts[-1] += 1
        return await execute(self, query, *values, **options)

    jobs, plan = Jobs(parts), {}
    # Of every cursor, those with the server's own placeholders too.
    with mock.patch.object(psycopg.AsyncCursor, "execute", counted):
        await jobs.run_stage(Job(company_id=shop.company_id, id=UUID(str(attempt))))
        plan[RUN_STAGE_JOB], counts[:] = counts[:], []
        message = (await _rows(server, "SELECT id FROM messages WHERE attempt_id = %s", attempt))[0][0]
        await jobs.send_message(Job(company_id=shop.company_id, id=UUID(str(message))))
        plan[SEND_JOB] = counts[:]
    assert all(plan.values())  # with nothing counted the reference would do nothing
    await parts.aclose()
    with owner(server) as connection:
        connection.execute("TRUNCATE pgqueuer, pgqueuer_log")
    return plan


async def _all_sent(server: EmbeddedServer, count: int) -> bool:
    rows = await _rows(server, "SELECT count(*) >= %s FROM messages WHERE status = 'SENT'", count)
    return bool(rows[0][0])


async def _queue_is_empty(server: EmbeddedServer) -> bool:
    return not await _rows(server, "SELECT 1 FROM pgqueuer LIMIT 1")


async def _rows(server: EmbeddedServer, query: str, *values: object) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(dsn(server.owner_url)) as connection:
        return await (await connection.execute(query.encode(), values or None)).fetchall()


async def _until(true: Callable[[], Awaitable[bool]], *, within_s: float = 300.0) -> None:
    async with asyncio.timeout(within_s):
        while not await true():  # noqa: ASYNC110  # another process is watched, which sets no event here
            await asyncio.sleep(0.02)
