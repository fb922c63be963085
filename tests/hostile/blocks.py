"""Blocks of episodes: fresh shops, one wave, time passes and the merchants change their terms, another wave."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from random import Random
from typing import Any

import psycopg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.logs import FieldsFormatter
from db.clock import read_clock, set_clock
from db.embedded import EmbeddedServer
from db.session import open_engine, transaction
from tests.hostile import journal
from tests.hostile.driver import Driver
from tests.hostile.episodes import BLOCK, Episode, episode
from tests.hostile.invariants import check_wave
from tests.hostile.records import collect
from tests.hostile.tally import Tally
from tests.hostile.world import World, build, change_terms, seat_carts

# Hours between the waves: the same day, the next, past a short cool-down, past the month, past the long one.
PAUSES_H = (1, 6, 30, 75, 24 * 32, 24 * 100)


@dataclass(frozen=True)
class Arena:
    """A database to play in: as the application, and as the owner who sees everything."""

    engine: AsyncEngine
    owner: psycopg.AsyncConnection[Any]
    at_once: int


async def run_blocks(
    database: EmbeddedServer, *, seed: int, blocks: Sequence[int], size: int = BLOCK, at_once: int = 8
) -> Tally:
    """Play these blocks one after the other in a migrated, empty database."""
    tally = Tally()
    engine = open_engine(database.app_url, pool_size=at_once * 2)
    address = make_url(database.owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as owner:
            await journal.install(owner)
            for block in blocks:
                await _play_block(Arena(engine, owner, at_once), seed, block, size, tally)
    finally:
        await engine.dispose()
    return tally


async def _play_block(arena: Arena, seed: int, block: int, size: int, tally: Tally) -> None:
    episodes = [episode(seed, number) for number in range(block * BLOCK, block * BLOCK + size)]
    async with transaction(arena.engine, company_id=None) as session:
        now = await read_clock(session)
    world = await build(arena.engine, block, now=now)
    await _play_wave(arena, world, 0, episodes[: size // 2], tally)
    async with transaction(arena.engine, company_id=None) as session:
        now = await read_clock(session) + timedelta(hours=Random(f"{seed}/pause {block}").choice(PAUSES_H))
        await set_clock(session, now)
    await change_terms(arena.engine, world, now=now)
    await _play_wave(arena, world, 1, episodes[size // 2 :], tally)
    tally.count("episodes", size)


async def _play_wave(arena: Arena, world: World, number: int, episodes: Sequence[Episode], tally: Tally) -> None:
    async with transaction(arena.engine, company_id=None) as session:
        now = await read_clock(session)
    plans = [plan for each in episodes for plan in each.carts]
    seats = iter(await seat_carts(arena.engine, world, plans, now=now))
    seated = [[next(seats) for _ in each.carts] for each in episodes]
    driver = Driver(arena.engine)
    await journal.forget(arena.owner)
    with _logs() as written:
        seen = await driver.play(world, episodes, seated, at_once=arena.at_once)
    changed = await journal.changes(arena.owner)
    left = await driver.send(journal.planned(changed))
    wave = await collect(
        arena.owner, world, number, seen, views=driver.views, logs=written.getvalue(), changed=changed, left=left
    )
    check_wave(wave, tally)
    await journal.forget(arena.owner)


@contextmanager
def _logs() -> Iterator[StringIO]:
    """Everything that the processes would log at INFO, traces included."""
    written, root = StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    handler.setFormatter(FieldsFormatter("%(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
