"""Real workers and API processes for tests, which may be killed at any moment.

They are forked from a process that has imported everything, so that a start costs a fraction of a second and
kills can come every few seconds on a small machine; from there on they run what `momentum worker` and
`momentum serve` run, with their settings from the environment.
"""

import asyncio
import os
import socket
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import NamedTuple

import httpx

FORKING = get_context("forkserver")
FORKING.set_forkserver_preload(["tests.processes", "app.worker_process", "app.server_process", "app.parts"])
POLL_S = 0.1
UP_WITHIN_S = 120


class Role(NamedTuple):
    name: str
    # None: a worker.
    port: int | None


def launch(role: Role, environment: dict[str, str], log: Path, *, mutant: str | None = None) -> ForkServerProcess:
    child = FORKING.Process(target=_become, args=(role, environment, log, mutant), name=role.name)
    child.start()
    return child


def _become(role: Role, environment: dict[str, str], log: Path, mutant: str | None) -> None:
    """In the child. What it prints goes into the log."""
    for name in [name for name in os.environ if name.startswith(("MOMENTUM_", "ANTHROPIC_"))]:
        del os.environ[name]
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if mutant is not None:
        from tests.chaos.mutants import MUTANTS

        MUTANTS[mutant].apply()
    if role.port is None:
        from app import worker_process

        worker_process.main()
    else:
        from app import server_process

        server_process.run("127.0.0.1", role.port)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


async def until_up(client: httpx.AsyncClient, address: str) -> None:
    async with asyncio.timeout(UP_WITHIN_S):
        while True:
            with suppress(httpx.TransportError):
                if (await client.get(f"{address}/healthz")).status_code == 200:
                    return
            await asyncio.sleep(POLL_S)
