"""`python -m tests.hostile.run --episodes N --seed S`: a hostile model against the checkout chat, and what held.

Episodes come in blocks with shops of their own. A violation names its episode; `--only E` plays the block of
episode E again, with everything that stood around it.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from time import perf_counter

from rich.progress import Progress
from sqlalchemy.engine import make_url

from db.embedded import EmbeddedServer, running
from db.ids import uuid7
from db.upgrade import upgrade
from tests.databases import administer
from tests.hostile.blocks import run_blocks
from tests.hostile.episodes import BLOCK
from tests.hostile.tally import Tally, report

# Blocks that are played in one database; each has shops of its own.
SHARE = 2


def play(server: EmbeddedServer, template: str, seed: int, blocks: Sequence[int]) -> Tally:
    """Play blocks in this process, in a database of its own."""
    with fresh_database(server, template=template) as database:
        return asyncio.run(run_blocks(database, seed=seed, blocks=blocks))


def play_all(
    server: EmbeddedServer, template: str, *, seed: int, blocks: Sequence[int], workers: int = 2
) -> Iterator[Tally]:
    """Play blocks in several processes; what each share came to, as they end."""
    shares = [blocks[start : start + SHARE] for start in range(0, len(blocks), SHARE)]
    with ProcessPoolExecutor(min(workers, len(shares)), get_context("spawn"), _die_with_parent) as pool:
        for done in as_completed([pool.submit(play, server, template, seed, share) for share in shares]):
            yield done.result()


def play_again(server: EmbeddedServer, template: str, tally: Tally, *, seed: int) -> None:
    """Play the blocks of doubtful violations once more: what comes again holds, what does not is taken back."""
    doubtful = {each.episode // BLOCK for found in tally.violations.values() for each in found if not each.certain}
    if not doubtful:
        return
    for invariant, found in list(tally.violations.items()):
        tally.violations[invariant] = [each for each in found if each.certain]
    tally.count("blocks played again", len(doubtful))
    for done in play_all(server, template, seed=seed, blocks=sorted(doubtful)):
        for invariant, found in done.violations.items():
            tally.violations.setdefault(invariant, []).extend(found)
    tally.violations = {invariant: found for invariant, found in tally.violations.items() if found}


def _die_with_parent() -> None:
    """A run that is killed leaves nobody behind who plays on."""
    Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


@contextmanager
def fresh_database(server: EmbeddedServer, *, template: str | None) -> Iterator[EmbeddedServer]:
    """A database at the current schema, a copy of `template` if there is one; dropped at the end."""
    name = f"hostile_{uuid7().hex}"
    copied = "" if template is None else f' TEMPLATE "{template}" STRATEGY file_copy'
    with administer(server) as admin:
        admin.execute(f'CREATE DATABASE "{name}"{copied}')
        try:
            fresh = server.at(name)
            if template is None:
                upgrade(fresh.owner_url)
            yield fresh
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def migrated_server() -> Iterator[tuple[EmbeddedServer, str]]:
    """A server of these runs' own, and the name of a migrated template in it."""
    with (
        running(Path(tempfile.gettempdir()) / "momentum-hostile", durable=False) as server,
        fresh_database(server, template=None) as template,
    ):
        yield server, str(make_url(template.owner_url).database)


def main() -> int:
    parser = argparse.ArgumentParser(description="A hostile model against the checkout chat.")
    parser.add_argument("--episodes", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="play the block of this episode alone")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    blocks = [options.only // BLOCK] if options.only is not None else list(range(-(-options.episodes // BLOCK)))
    started, tally = perf_counter(), Tally()
    with Progress() as progress, migrated_server() as (server, template):
        shown = progress.add_task("episodes", total=len(blocks) * BLOCK)
        for done in play_all(server, template, seed=options.seed, blocks=blocks, workers=options.workers):
            tally.add(done)
            broken = sum(map(len, tally.violations.values()))
            progress.update(shown, advance=done.counts["episodes"], description=f"episodes, {broken} violations")
        play_again(server, template, tally, seed=options.seed)
    sys.stdout.write(report(tally, seed=options.seed, seconds=perf_counter() - started))
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
