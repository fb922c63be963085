"""Other processes of a benchmark: what serves, what works, what stands in for a provider."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # has no types

from db.embedded import EmbeddedServer

ROOT = Path(__file__).parents[1]
SIGNING_KEY = "a signing key for benchmarks, 32 characters or more"
STOP_WITHIN_S = 30.0


def settings_of(server: EmbeddedServer) -> dict[str, str]:
    """The environment of a process of ours on this database, with no key and no mail server."""
    return {
        "MOMENTUM_DATABASE_URL": server.app_url,
        "MOMENTUM_SIGNING_KEY": SIGNING_KEY,
        "MOMENTUM_LOG_LEVEL": "WARNING",
    }


@contextmanager
def process(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """`python -m module`, told to stop when the block ends. What it prints can be read from `stdout`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MOMENTUM_", "ANTHROPIC_"))}
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={**ours, **(environment or {})},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                running.kill()


def first_line(running: subprocess.Popen[str]) -> str:
    """What a process says when it is ready."""
    assert running.stdout is not None
    line = running.stdout.readline().strip()
    if not line:
        raise RuntimeError(f"the process ended with code {running.wait()} before it was ready")
    return line


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
