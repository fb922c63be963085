"""The processes under fire: workers, API processes and the database, each killed and started again at any moment."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # has no types

from db import embedded
from db.embedded import EmbeddedServer, EmbeddedServerError, dsn
from tests.chaos.plan import Kill, Target
from tests.processes import Role, launch

SUPERVISE_S = 0.2
STOP_WITHIN_S = 60.0


@dataclass
class Fleet:
    data_dir: Path
    environment: dict[str, str]
    workers: int
    ports: list[int]
    mutant: str | None = None
    kills: dict[str, int] = field(default_factory=dict)
    restarts: int = 0
    _children: dict[Role, ForkServerProcess] = field(default_factory=dict)
    _supervising: "asyncio.Task[None] | None" = None

    @property
    def roles(self) -> list[Role]:
        return [
            *(Role(f"worker-{number}", None) for number in range(self.workers)),
            *(Role(f"api-{number}", port) for number, port in enumerate(self.ports)),
        ]

    def start(self) -> None:
        for role in self.roles:
            self._start(role)
        self._supervising = asyncio.create_task(self._supervise())

    def _start(self, role: Role) -> None:
        log = self.data_dir / f"{role.name}.log"
        self._children[role] = launch(role, self.environment, log, mutant=self.mutant)

    async def _supervise(self) -> None:
        """What `momentum demo` does for its children and its database."""
        while True:
            with suppress(EmbeddedServerError):
                await asyncio.to_thread(embedded.ensure, self.data_dir)
            for role, child in list(self._children.items()):
                if child.exitcode is not None:
                    self.restarts += 1
                    self._start(role)
            await asyncio.sleep(SUPERVISE_S)

    async def kill(self, kill: Kill) -> None:
        await asyncio.sleep(kill.after_s)
        pid = self._victim(kill)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills[kill.target] = self.kills.get(kill.target, 0) + 1

    def _victim(self, kill: Kill) -> int | None:
        match kill.target:
            case Target.WORKER:
                return self._children[self.roles[kill.number]].pid
            case Target.API:
                return self._children[self.roles[self.workers + kill.number]].pid
            case Target.DATABASE:
                return postmaster(self.data_dir)
            case Target.BACKEND:
                return _backend(self.data_dir)

    async def stop(self) -> dict[str, int | None]:
        """SIGTERM to all; the exit code of each, None for one that had to be killed."""
        if self._supervising is not None:
            self._supervising.cancel()
            await asyncio.gather(self._supervising, return_exceptions=True)
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        codes: dict[str, int | None] = {}
        for role, child in self._children.items():
            await asyncio.to_thread(child.join, max(deadline - time.monotonic(), 0.1))
            codes[role.name] = child.exitcode
            if child.exitcode is None:
                child.kill()
                child.join()
        return codes


def postmaster(data_dir: Path) -> int | None:
    """The living server of this folder, known by its mark: a number alone may be another program's by now."""
    return embedded._postmaster((data_dir / "postgres").resolve())


def _backend(data_dir: Path) -> int | None:
    """The server process of one of our sessions."""
    parent = postmaster(data_dir)
    if parent is None:
        return None
    with suppress(psutil.NoSuchProcess):
        for each in psutil.Process(parent).children():
            if embedded.APP in " ".join(each.cmdline()):
                pid: int = each.pid
                return pid
    return None


def owner_address(server: EmbeddedServer) -> str:
    return dsn(server.owner_url)
