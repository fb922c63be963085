"""`momentum demo`: embedded database, seeded shop, API and worker; a child that died is started again."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

from pydantic import BaseModel
from rich.console import Console

from app.database import database
from app.demo.runtime import Runtime, replace_file
from app.demo.seed import Admin, DemoShop, seed
from app.settings import Settings, signing_key
from db import embedded
from db.session import open_engine
from policy.tokens import Signer, cart_token

console = Console(stderr=True)
CHECK_S = 0.5
READY_WITHIN_S = 120.0
STOP_WITHIN_S = 20.0


class ConsoleDoor(BaseModel):
    """Where the demo's admin signs in; the password is new at each start."""

    url: str
    email: str
    password: str


class DemoFile(BaseModel):
    """demo.json in the data folder, there once the demo is ready."""

    base_url: str
    company_id: str
    publishable_key: str
    secret_key: str
    console: ConsoleDoor
    cart_id: str
    cart_token: str


@dataclass
class Child:
    name: str
    module: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def keep_running(self) -> None:
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            console.print(f"[yellow]{self.name} ended with code {self.process.returncode}; starting it again.[/]")
        self.process = subprocess.Popen([sys.executable, "-m", self.module], env=self.environment)  # noqa: S603

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_demo(settings: Settings, port: int) -> None:
    """Run until Ctrl-C or SIGTERM."""
    demo_file = settings.data_dir / "demo.json"
    demo_file.unlink(missing_ok=True)
    base_url = f"http://127.0.0.1:{port}"
    settings = settings.model_copy(update={"public_url": base_url})
    with _stopped_by_signals(), database(settings) as url:
        console.print("Setting up the demo shop …")
        shop = asyncio.run(_seed(settings, url))
        Runtime(company_id=shop.company_id, publishable_key=shop.keys.publishable, port=port).write(settings.data_dir)
        environment = {**os.environ, "MOMENTUM_DATA_DIR": str(settings.data_dir), "MOMENTUM_PUBLIC_URL": base_url}
        children = [Child("API", "app.demo.server", environment), Child("Worker", "app.worker_process", environment)]
        try:
            for child in children:
                child.keep_running()
            _wait_until_ready(base_url)
            replace_file(demo_file, _demo_file(settings, shop, base_url).model_dump_json(indent=2))
            _greet(base_url, demo_file, shop.admin)
            while True:
                time.sleep(CHECK_S)
                if settings.database_url is None:
                    embedded.ensure(settings.data_dir)
                for child in children:
                    child.keep_running()
        finally:
            demo_file.unlink(missing_ok=True)
            for child in children:
                child.stop()


async def _seed(settings: Settings, url: str) -> DemoShop:
    engine = open_engine(url)
    try:
        return await seed(engine, Signer(signing_key(settings)))
    finally:
        await engine.dispose()


def _demo_file(settings: Settings, shop: DemoShop, base_url: str) -> DemoFile:
    signer = Signer(signing_key(settings))
    return DemoFile(
        base_url=base_url,
        company_id=str(shop.company_id),
        publishable_key=shop.keys.publishable,
        secret_key=shop.keys.secret,
        console=ConsoleDoor(url=f"{base_url}/console", email=shop.admin.email, password=shop.admin.password),
        cart_id=str(shop.cart_id),
        cart_token=cart_token(signer, company_id=shop.company_id, cart_id=shop.cart_id),
    )


def _wait_until_ready(base_url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            with urlopen(f"{base_url}/healthz", timeout=5):  # noqa: S310 (our own address)
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("The API did not start; its log is above.")


def _greet(base_url: str, demo_file: Path, admin: Admin) -> None:
    console.print(f"\n[bold]The shop[/]      {base_url}/shop")
    console.print(f"[bold]The outbox[/]    {base_url}/outbox   (messages as they arrive, and the clock)")
    console.print(f"[bold]The console[/]   {base_url}/console   ({admin.email}, password {admin.password})")
    console.print(f"[bold]The API[/]       {base_url}/api/momentum/openapi.json")
    console.print(f"[bold]Keys[/]          {demo_file}")
    console.print("\nStop with Ctrl-C.")


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: children stop, the database stops, demo.json goes."""

    def leave(_: int, __: FrameType | None) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
