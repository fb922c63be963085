"""The reference of a stage: pgqueuer running jobs that do as many plain statements, and nothing else.

`python -m benchmarks.plain_worker ADDRESS PLAN`: PLAN is JSON, statements of each transaction of a job by its name.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import psycopg
import uvloop
from pgqueuer.models import Job as QueuedJob
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

from db.jobs import Job, QueueDriver

CONCURRENCY = 4
READ = "SELECT cart_value_minor FROM save_attempts WHERE company_id = %s AND id = %s"
WRITE = "UPDATE save_attempts SET customer_risk_score = customer_risk_score + 1 WHERE company_id = %s AND id = %s"


class Connections:
    """A pool with nothing to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.idle: list[psycopg.AsyncConnection] = []

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[psycopg.AsyncConnection]:
        connection = self.idle.pop() if self.idle else await psycopg.AsyncConnection.connect(self.url)
        async with connection.transaction():
            yield connection
        self.idle.append(connection)


async def run(connections: Connections, job: Job, transactions: Sequence[int]) -> None:
    """Name the company, read, write once at the end: as many statements in as many transactions as a stage has."""
    for statements in transactions:
        async with connections.transaction() as connection:
            await connection.execute("SELECT set_config('app.company_id', %s, true)", (str(job.company_id),))
            for _ in range(statements - 2):
                await (await connection.execute(READ, (job.company_id, job.id))).fetchone()
            await connection.execute(WRITE, (job.company_id, job.id))


async def work(url: str, plan: dict[str, list[int]]) -> None:
    connections, connect = Connections(url), psycopg.AsyncConnection.connect
    # Asking and listening apart, as our worker does: over one connection it would do two jobs a second.
    async with await connect(url, autocommit=True) as asking, await connect(url, autocommit=True) as listening:
        queue = QueueManager(Queries(QueueDriver(asking, listening)))
        for name in plan:
            _bind(queue, name, connections, plan[name])
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, queue.shutdown.set)
        await queue.run(
            dequeue_timeout=timedelta(seconds=1), batch_size=CONCURRENCY, max_concurrent_tasks=2 * CONCURRENCY
        )


def _bind(queue: QueueManager, name: str, connections: Connections, transactions: Sequence[int]) -> None:
    @queue.entrypoint(name, accepts_context=False)
    async def entry(queued: QueuedJob) -> None:
        await run(connections, Job.model_validate_json(queued.payload or b""), transactions)


if __name__ == "__main__":
    uvloop.run(work(sys.argv[1], json.loads(sys.argv[2])))
