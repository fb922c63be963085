"""Plays a plan against real processes, and waits until everything has come to rest."""

import asyncio
import random
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.clock import read_clock
from db.embedded import EmbeddedServer, running
from db.session import open_engine, transaction
from db.upgrade import upgrade
from recovery import scheduler
from tests.chaos.evidence import Evidence, copies_of, load, locks_held
from tests.chaos.fleet import Fleet, owner_address
from tests.chaos.mutants import MUTANTS
from tests.chaos.plan import MENU, Plan, Tick
from tests.chaos.shoppers import Crowd
from tests.chaos.timeline import Timeline
from tests.chaos.world import move_clock, open_shops
from tests.fakes.smtp import FakeSmtp, serving
from tests.processes import free_port, until_up

SIGNING_KEY = "a signing key for fault runs, 32 characters or more"
START = timedelta(0)
# Not a part of a day: else it would be night at every step, for the same people.
STEP = timedelta(hours=19)
POLL_S = 0.2
# Nothing but a lost job keeps anybody waiting longer than this: its queue gives it out again after half a minute.
SETTLE_WITHIN_S = 420.0


@dataclass
class Played:
    evidence: Evidence
    fleet: Fleet
    crowd: Crowd
    relay: FakeSmtp
    seconds: float
    # Work that never came to rest, in words; empty when all did.
    unsettled: str = ""
    shop_days: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)


@dataclass
class Stage:
    """What a run plays on."""

    plan: Plan
    engine: AsyncEngine
    fleet: Fleet
    crowd: Crowd
    relay: FakeSmtp
    timeline: Timeline
    offset: timedelta = START
    _kills: set["asyncio.Task[None]"] = field(default_factory=set)

    async def forward(self, by: timedelta) -> None:
        """Jump, however often the database dies meanwhile."""
        self.offset += by
        while True:
            with suppress(DBAPIError, psycopg.Error, OSError):
                await move_clock(self.engine, self.offset, self.timeline)
                return
            await asyncio.sleep(POLL_S)

    async def tick(self, tick: Tick, *, at_least_s: float) -> None:
        """One jump and its work; who is slow gets three times as long, then time goes on regardless."""
        begun = time.monotonic()
        await self.forward(tick.jump)
        if tick.kill is not None:
            self._kills.add(asyncio.create_task(self.fleet.kill(tick.kill)))
        await self.crowd.act(tick.deeds)
        while True:
            await asyncio.sleep(POLL_S)
            taken = time.monotonic() - begun
            if taken >= 3 * at_least_s or (taken >= at_least_s and not await self.busy()):
                return

    async def busy(self) -> bool:
        with suppress(DBAPIError, psycopg.Error, OSError):
            async with transaction(self.engine, company_id=None) as session:
                return await scheduler.work_under_way(session)
        return True

    async def settle(self, within_s: float) -> str:
        """Live on without faults, but for the first of each kind, until nothing is due any more; what is left, if it
        does not come to that."""
        await asyncio.gather(*self._kills)
        for stage, planned in self.plan.trouble.items():
            queue, by_chance = self.relay.faults[stage], len(planned) - len(MENU[stage])
            for _ in range(min(by_chance, len(queue))):
                queue.pop()
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if await self.busy():
                await asyncio.sleep(POLL_S)
                continue
            # Who waited for a mail may have it now.
            await self.crowd.act(())
            async with transaction(self.engine, company_id=None) as session:
                now, due = await read_clock(session), await scheduler.next_due(session)
            if due is None:
                return ""
            if due > now:
                await self.forward(max(due - now, STEP))
            # A worker looks four times a second.
            await asyncio.sleep(0.3)
        async with transaction(self.engine, company_id=None) as session:
            due, now = await scheduler.next_due(session), await read_clock(session)
        return f"after {within_s:.0f} s work is still under way; next due {due}, now {now}"


async def play(plan: Plan, data_dir: Path, *, tick_s: float, mutant: str | None = None) -> Played:
    shutil.rmtree(data_dir, ignore_errors=True)
    begun = time.monotonic()
    with running(data_dir) as server:
        upgrade(server.owner_url)
        if mutant is not None:
            with psycopg.connect(owner_address(server)) as owner:
                owner.execute(MUTANTS[mutant].schema)
        engine = open_engine(server.app_url)
        try:
            async with serving() as relay:
                return await _play(plan, data_dir, server, engine, relay, tick_s=tick_s, mutant=mutant, begun=begun)
        finally:
            await engine.dispose()


async def _play(
    plan: Plan,
    data_dir: Path,
    server: EmbeddedServer,
    engine: AsyncEngine,
    relay: FakeSmtp,
    *,
    tick_s: float,
    mutant: str | None,
    begun: float,
) -> Played:
    for stage, troubles in plan.trouble.items():
        relay.script(stage, *troubles)
    ports = [free_port() for _ in range(plan.apis)]
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    fleet = Fleet(data_dir, _environment(data_dir, relay, addresses[0]), plan.workers, ports, mutant)
    timeline = Timeline()
    await move_clock(engine, START, timeline)
    shops = await open_shops(engine, people=len(plan.people))
    fleet.start()
    try:
        async with httpx.AsyncClient() as client:
            crowd = Crowd(plan.people, shops, addresses, relay, client, random.Random(plan.seed))
            stage_ = Stage(plan, engine, fleet, crowd, relay, timeline)
            await asyncio.gather(*(until_up(client, address) for address in addresses))
            parts = {"starting": time.monotonic() - begun}
            for first in range(0, len(plan.people), 8):
                await asyncio.gather(*(crowd.open_cart(person) for person in plan.people[first : first + 8]))
            parts["opening carts"] = time.monotonic() - begun - sum(parts.values())
            for tick in plan.ticks:
                await stage_.tick(tick, at_least_s=tick_s)
            parts["faults"] = time.monotonic() - begun - sum(parts.values())
            unsettled = await stage_.settle(SETTLE_WITHIN_S)
            parts["settling"] = time.monotonic() - begun - sum(parts.values())
            locks = await locks_held(owner_address(server))
    finally:
        codes = await fleet.stop()
    async with transaction(engine, company_id=None) as session:
        now = await read_clock(session)
    await engine.dispose()
    evidence = load(
        owner_address(server),
        copies=copies_of(relay),
        acknowledged=crowd.acknowledged,
        timeline=timeline,
        signing_key=SIGNING_KEY,
        now=now,
        locks=locks,
    )
    evidence.exit_codes = codes
    days = stage_.offset / timedelta(days=1)
    return Played(evidence, fleet, crowd, relay, time.monotonic() - begun, unsettled, days, parts)


def _environment(data_dir: Path, relay: FakeSmtp, public_url: str) -> dict[str, str]:
    return {
        "MOMENTUM_DATA_DIR": str(data_dir),
        "MOMENTUM_SIGNING_KEY": SIGNING_KEY,
        "MOMENTUM_SMTP_URL": relay.url,
        "MOMENTUM_EMAIL_FROM": "hello@shop.example",
        "MOMENTUM_PUBLIC_URL": public_url,
        "MOMENTUM_LOST_AFTER_S": "20",
        "MOMENTUM_LOG_LEVEL": "WARNING",
    }
