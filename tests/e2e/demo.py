"""`momentum demo` as a newcomer starts it, and what its merchant reads over the API."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

READY_WITHIN_S = 240.0


@dataclass(frozen=True)
class Door:
    """Where the demo's admin signs in to the console."""

    url: str
    email: str
    password: str


@dataclass(frozen=True)
class Demo:
    base_url: str
    secret_key: str
    publishable_key: str
    company_id: UUID
    console: Door
    data_dir: Path

    @property
    def api(self) -> str:
        return f"{self.base_url}/api/momentum"

    def read(self, path: str, **query: str) -> Any:  # JSON
        """A GET with the merchant's secret key."""
        answer = httpx.get(
            f"{self.base_url}/api/momentum{path}",
            params=query,
            headers={"authorization": f"Bearer {self.secret_key}"},
            timeout=20,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def running_demo() -> Iterator[Demo]:
    """A demo in a data folder of its own, stopped and removed at the end."""
    data_dir = Path(tempfile.gettempdir()) / f"momentum-e2e-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MOMENTUM_", "ANTHROPIC_"))}
    command = [sys.executable, "-c", "from app.cli import main; main()", "demo", "--port", str(port)]
    process = subprocess.Popen(command, env=own | {"MOMENTUM_DATA_DIR": str(data_dir)})
    try:
        found = _when_ready(data_dir / "demo.json", process)
        yield Demo(
            found["base_url"],
            found["secret_key"],
            found["publishable_key"],
            UUID(found["company_id"]),
            Door(**found["console"]),
            data_dir,
        )
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(data_dir, ignore_errors=True)


def _when_ready(file: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + READY_WITHIN_S
    while not file.exists():
        assert process.poll() is None, "the demo ended before it was ready"
        assert time.monotonic() < deadline, "the demo was not ready in time"
        time.sleep(0.2)
    found: dict[str, Any] = json.loads(file.read_text())
    return found
