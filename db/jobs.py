"""Jobs enter the queue in the transaction that makes them needed (pgqueuer).

pgqueuer's psycopg driver wants a connection in autocommit; `SessionDriver` speaks its protocol over the
connection that the session already holds, so a job is rolled back and committed with the change. A worker runs
them over `QueueDriver`.
"""

from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

from pgqueuer.db import PsycopgDriver
from pgqueuer.ports.driver import NotifyCallback
from pgqueuer.queries import Queries
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.rows import dict_row
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import driver_connection


class Job(BaseModel):
    """What a job carries: ids, and the step it was made for. It re-reads the world and may run twice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company_id: UUID
    id: UUID
    step: int = 0


class SessionDriver:
    """pgqueuer's driver over a connection inside a transaction: enough to enqueue, nothing else."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection

    async def fetch(self, query: str, *args: Any) -> list[dict[str, Any]]:
        cursor = AsyncRawCursor(self.connection, row_factory=dict_row)
        await cursor.execute(query.encode(), args or None)
        return await cursor.fetchall()

    async def execute(self, query: str, *args: Any) -> str:
        cursor = AsyncRawCursor(self.connection)
        await cursor.execute(query.encode(), args or None)
        return cursor.statusmessage or ""

    async def notify(self, channel: str, payload: str) -> None:
        await self.execute("SELECT pg_notify($1, $2)", channel, payload)


class QueueDriver(PsycopgDriver):
    """pgqueuer's driver with a connection of its own to listen on.

    With one connection for both, listening holds it for a second at a time and every query waits for that: a job began
    a second after it was due, and was done a second after it had ended. Both connections are in autocommit.
    """

    def __init__(self, asking: AsyncConnection[Any], listening: AsyncConnection[Any]) -> None:
        super().__init__(asking)
        self._ear = PsycopgDriver(listening)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        await self._ear.add_listener(channel, callback)

    async def remove_listener(self, channel: str, callback: NotifyCallback) -> None:
        await self._ear.remove_listener(channel, callback)

    async def __aenter__(self) -> Self:
        await self._ear.__aenter__()
        return await super().__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        await self._ear.__aexit__(*error)


async def enqueue(session: AsyncSession, name: str, jobs: Sequence[Job]) -> None:
    """Put jobs for the worker's entrypoint `name` into the queue, in this transaction."""
    if not jobs:
        return
    payloads: list[bytes | None] = [job.model_dump_json().encode() for job in jobs]
    driver: Any = SessionDriver(
        await driver_connection(session)
    )  # the protocol also asks for listening, which enqueueing never does
    await Queries(driver).enqueue([name] * len(jobs), payloads, [0] * len(jobs))
