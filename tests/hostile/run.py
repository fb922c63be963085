"""`python -m tests.hostile.run --episodes N --seed S`: a hostile model against the checkout chat, and what held.

Episodes come in blocks with shops of their own. A violation names its episode; `--only E` plays the block of
episode E again, with everything that stood around it.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import psycopg
from rich.console import Console
from sqlalchemy.engine import make_url

from db.embedded import EmbeddedServer, running
from db.ids import uuid7
from db.upgrade import upgrade
from tests.hostile.blocks import run_blocks
from tests.hostile.episodes import BLOCK
from tests.hostile.tally import Tally, quantile

SHOWN = 5


def play(seed: int, blocks: Sequence[int], data_dir: Path) -> Tally:
    """Play blocks in this process, in a database of its own on the shared server."""
    with running(data_dir, durable=False) as server, _database(server) as database:
        return asyncio.run(run_blocks(database, seed=seed, blocks=blocks))


@contextmanager
def _database(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    name = f"hostile_{uuid7().hex}"
    owner, app = make_url(server.owner_url), make_url(server.app_url)
    address = owner.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            fresh = EmbeddedServer(
                owner_url=owner.set(database=name).render_as_string(hide_password=False),
                app_url=app.set(database=name).render_as_string(hide_password=False),
                port=server.port,
            )
            upgrade(fresh.owner_url)
            yield fresh
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def main() -> int:
    parser = argparse.ArgumentParser(description="A hostile model against the checkout chat.")
    parser.add_argument("--episodes", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="play the block of this episode alone")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    blocks = [options.only // BLOCK] if options.only is not None else list(range(-(-options.episodes // BLOCK)))
    workers = min(options.workers, len(blocks))
    started, tally = perf_counter(), Tally()
    data_dir = Path(tempfile.gettempdir()) / "momentum-hostile"
    with running(data_dir, durable=False), ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        shares = [blocks[place::workers] for place in range(workers)]
        for done in pool.map(play, [options.seed] * workers, shares, [data_dir] * workers):
            tally.add(done)
    report(tally, seed=options.seed, seconds=perf_counter() - started)
    return 1 if tally.violations else 0


def report(tally: Tally, *, seed: int, seconds: float) -> None:
    console = Console(width=140)
    console.print(tally.table())
    console.print(", ".join(f"{number:,} {what}" for what, number in sorted(tally.counts.items())))
    p50, p95, most = (quantile(tally.seconds, share) for share in (0.5, 0.95, 1.0))
    console.print(f"a turn took {p50:.2f} s (p50), {p95:.2f} s (p95), {most:.2f} s at most")
    console.print(f"seed {seed}: {seconds:.0f} s, {tally.counts.get('episodes', 0) / seconds:.1f} episodes/s")
    for invariant, found in tally.violations.items():
        console.print(f"\nviolated {len(found)} times: {invariant.value}", style="red")
        for violation in found[:SHOWN]:
            console.print(f"  --seed {seed} --only {violation.episode}: {violation.detail}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
