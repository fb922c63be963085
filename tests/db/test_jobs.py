"""The queue's two connections: who listens keeps nobody waiting, and a job that is enqueued is heard of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from pgqueuer.queries import Queries
from sqlalchemy.ext.asyncio import AsyncEngine

from db.embedded import EmbeddedServer, dsn
from db.ids import uuid7
from db.jobs import Job, QueueDriver, enqueue
from db.session import transaction


@asynccontextmanager
async def queue_driver(database: EmbeddedServer) -> AsyncIterator[QueueDriver]:
    url = dsn(database.app_url)
    connect = psycopg.AsyncConnection.connect
    async with (
        await connect(url, autocommit=True) as asking,
        await connect(url, autocommit=True) as listening,
        QueueDriver(asking, listening) as driver,
    ):
        yield driver


async def test_who_asks_does_not_wait_for_who_listens(database: EmbeddedServer) -> None:
    async with queue_driver(database) as driver:
        await driver.add_listener("nothing", lambda _: None)
        await asyncio.sleep(0.05)  # it listens now, for a second
        async with asyncio.timeout(0.9):
            for _ in range(3):
                assert await driver.fetch("SELECT 1 AS one") == [{"one": 1}]


async def test_a_job_that_was_enqueued_is_heard_of_once_it_is_committed(
    engine: AsyncEngine, database: EmbeddedServer
) -> None:
    heard = asyncio.Event()
    async with queue_driver(database) as driver:
        channel = Queries(driver).qbe.settings.channel
        await driver.add_listener(channel, lambda _: heard.set())
        async with transaction(engine, company_id=None) as session:
            await enqueue(session, "run_stage", [Job(company_id=uuid7(), id=uuid7())])
            await asyncio.sleep(0.2)
            assert not heard.is_set()
        async with asyncio.timeout(10):
            await heard.wait()
