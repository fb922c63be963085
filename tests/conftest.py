"""A real PostgreSQL for the tests: one embedded server, a migrated template, an empty database for each test."""

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_socket
from sqlalchemy.ext.asyncio import AsyncEngine

from db.embedded import EmbeddedServer, running
from db.session import open_engine
from db.upgrade import upgrade
from tests.databases import Databases, administer

MIGRATIONS = Path(__file__).parents[1] / "db" / "migrations" / "versions"
DATA_DIR = Path(tempfile.gettempdir()) / f"momentum-tests-{os.getuid()}"
TEMPLATE_LOCK = 7_266_102
CLOSING = "closing"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What may take long comes first, so that no process has much to do when the others have finished."""
    items.sort(key=lambda item: -max((mark.args[0] for mark in item.iter_markers("timeout")), default=0))


def pytest_runtest_setup() -> None:
    """No test reaches past this machine."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture
def closing(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Show a text at the end of the run, whichever process the test ran in."""
    return lambda text: record_property(CLOSING, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests measured, after the dots."""
    ended = (report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome))
    for report in ended:
        for name, text in report.user_properties if report.when == "call" else ():
            if name == CLOSING:
                terminalreporter.write_line(f"\n{text}")


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The server that every test process shares; the last one out stops it."""
    with running(DATA_DIR, durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def template(server: EmbeddedServer) -> str:
    """Name of a database at the current schema, made once for each state of the migrations."""
    source = b"".join(path.read_bytes() for path in sorted(MIGRATIONS.glob("*.py")))
    name = f"template_{hashlib.sha256(source).hexdigest()[:12]}"
    with administer(server) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", (TEMPLATE_LOCK,))
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            admin.execute(f'DROP DATABASE IF EXISTS "{name}_new" WITH (FORCE)')
            admin.execute(f'CREATE DATABASE "{name}_new"')
            upgrade(server.at(f"{name}_new").owner_url)
            # Renamed when it is whole: a run that died half-way leaves nothing that looks finished.
            admin.execute(f'ALTER DATABASE "{name}_new" RENAME TO "{name}"')
    return name


@pytest.fixture(scope="session")
def databases(server: EmbeddedServer, template: str) -> Iterator[Databases]:
    databases = Databases(server, template)
    yield databases
    databases.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[EmbeddedServer]:
    """An empty database at the current schema; its two addresses."""
    with databases.lent() as database:
        yield database


@pytest.fixture
async def engine(database: EmbeddedServer) -> AsyncIterator[AsyncEngine]:
    """The application's own engine, as its own unprivileged role."""
    engine = open_engine(database.app_url, pool_size=10)
    yield engine
    await engine.dispose()
