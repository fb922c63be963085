"""A worker whose connection is gone ends with an error, so that whoever looks after it starts another."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from app.parts import assemble
from app.settings import Settings
from app.worker import Deaf, run_worker
from db.embedded import EmbeddedServer, dsn

LISTENERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND query ILIKE 'LISTEN%'
"""


async def test_a_worker_that_hears_nothing_any_more_ends(database: EmbeddedServer) -> None:
    parts = assemble(Settings.model_validate({"signing_key": "f" * 40}), database.app_url)
    stop = asyncio.Event()
    working = asyncio.create_task(
        run_worker(parts, database.app_url, stop=stop, concurrency=1, lost_after=timedelta(minutes=5))
    )
    owner = await psycopg.AsyncConnection.connect(dsn(database.owner_url), autocommit=True)
    async with asyncio.timeout(60), owner:
        while True:
            if await (await owner.execute(LISTENERS)).fetchall():
                break
            await asyncio.sleep(0.05)
        with pytest.raises(Deaf):
            await working
    await parts.aclose()


async def test_a_worker_that_is_told_to_stop_stops(database: EmbeddedServer) -> None:
    parts = assemble(Settings.model_validate({"signing_key": "f" * 40}), database.app_url)
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.5, stop.set)
    async with asyncio.timeout(60):
        await run_worker(parts, database.app_url, stop=stop, concurrency=1, lost_after=timedelta(minutes=5))
    await parts.aclose()
