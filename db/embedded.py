"""The embedded PostgreSQL: one server for a data folder, shared by every process that works with it.

In the data folder lie
    postgres.users  locked shared by each user; who can have it alone is the last one out and stops the server
    postgres.gate   locked while somebody looks at the server or starts it
    postgres/       credentials.json (0600), cluster/, postgres.log, and binaries-*/ where a copy is needed
The kernel lets go of the locks of a killed process, so there is no record of users that could be stale.

As root the server runs as the system user `momentum`. Where that user cannot reach the data folder, `postgres`
is a link to a folder of its own in /var/lib: nothing above our own folder changes its mode or its owner.
"""

import errno
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO

import psycopg
from sqlalchemy.engine import make_url

from db.embedded_installation import EmbeddedServerError, Installation, find

__all__ = ["EmbeddedServer", "EmbeddedServerError", "ensure", "running"]

OWNER, APP, DATABASE = "momentum_owner", "momentum_app", "momentum"
START_TIMEOUT_S, STOP_TIMEOUT_S, POLL_S = 120, 30, 0.02
# Below the ephemeral ports of Linux (32768) and macOS (49152): there, a client that retries while the server is
# down can be given the server's own port and connect to itself.
PORTS = range(20_000, 32_000)

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    # The default is for disks with a moving head: it has the planner read a whole table where an index is at hand.
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
WITHOUT_DURABILITY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class EmbeddedServer:
    """Where the server answers. `owner_url` is a superuser's: for migrations and tests alone."""

    owner_url: str = field(repr=False)
    app_url: str = field(repr=False)
    port: int

    def at(self, database: str) -> "EmbeddedServer":
        """The same server's addresses of another of its databases."""
        return replace(self, owner_url=_in(self.owner_url, database), app_url=_in(self.app_url, database))


def _in(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@contextmanager
def running(data_dir: Path, *, durable: bool = True) -> Iterator[EmbeddedServer]:
    """Start the server of this data folder or join it; stop it on the way out if nobody else uses it.

    `durable=False` (tests) gives up crash safety for speed; who joins takes the server as it is.
    Raises EmbeddedServerError.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    data_dir = data_dir.resolve()
    with (data_dir / "postgres.users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield ensure(data_dir, durable=durable)
        finally:
            if _is_last(users):
                _stop((data_dir / "postgres").resolve())


def ensure(data_dir: Path, *, durable: bool = True) -> EmbeddedServer:
    """Return the server once it answers, started anew if it died. Call it inside `running`, as often as needed.

    Blocks meanwhile. The port stays the same unless another program has taken it. Raises EmbeddedServerError.
    """
    with (data_dir / "postgres.gate").open("a") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        installation = find(data_dir)
        credentials = _credentials(installation.home)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (postmaster := _postmaster(installation.home)) or not _answers(credentials):
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"PostgreSQL does not answer.\n{installation.log_tail()}")
            if postmaster:
                time.sleep(POLL_S)
            else:
                credentials = _start(installation, credentials, durable=durable)
        return _server(credentials)


def _is_last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True)
class _Credentials:
    owner_password: str
    app_password: str
    port: int


def _credentials(home: Path) -> _Credentials:
    try:
        return _Credentials(**json.loads((home / "credentials.json").read_text()))
    except FileNotFoundError:
        made = _Credentials(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.choice(PORTS))
        _remember(made, home)
        return made


def _remember(credentials: _Credentials, home: Path) -> None:
    partial = home / "credentials.partial"
    partial.touch(mode=0o600)
    with partial.open("w") as file:
        json.dump(asdict(credentials), file)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(home / "credentials.json")


def _server(credentials: _Credentials) -> EmbeddedServer:
    address = f"127.0.0.1:{credentials.port}/{DATABASE}"
    return EmbeddedServer(
        owner_url=f"postgresql+psycopg://{OWNER}:{credentials.owner_password}@{address}",
        app_url=f"postgresql+psycopg://{APP}:{credentials.app_password}@{address}",
        port=credentials.port,
    )


def _start(installation: Installation, credentials: _Credentials, *, durable: bool) -> _Credentials:
    """Start the server, on a new port if its own is taken; return what is true now."""
    home = installation.home
    _clear(home)
    if installation.log.exists():
        installation.log.rename(home / "postgres.log.1")
    if not (home / "cluster").exists():
        _build(installation, credentials, durable=durable)
    port = _free_port(credentials.port)
    if port != credentials.port:
        credentials = replace(credentials, port=port)
        _remember(credentials, home)
    settings = SETTINGS | {"port": str(port), "cluster_name": _mark(home)} | ({} if durable else WITHOUT_DURABILITY)
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    # pg_ctl gives the server a session of its own: Ctrl-C in our terminal does not reach it, and it may outlive us.
    installation.run("pg_ctl", "start", "-s", "-D", "cluster", "-t", str(START_TIMEOUT_S), "-o", options)
    return credentials


def _build(installation: Installation, credentials: _Credentials, *, durable: bool) -> None:
    """Make the cluster, its roles and its database under another name: it is there complete or not at all."""
    for abandoned in installation.home.glob("building-*"):
        shutil.rmtree(abandoned, ignore_errors=True)  # the initdb of a killed process may still be writing there
    building = Path(tempfile.mkdtemp(prefix="building-", dir=installation.home))
    if installation.account:
        os.chown(building, installation.account.pw_uid, installation.account.pw_gid)
    initdb = ["-D", building.name, "-U", OWNER, "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-instructions"]
    single = ["--single", "-D", building.name, "-c", "exit_on_error=on", "-c", "log_min_error_statement=panic"]
    if not durable:
        initdb += ["--no-sync"]
        single += ["-c", "fsync=off"]
    attributes = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"
    statements = (
        f"ALTER ROLE {OWNER} PASSWORD '{credentials.owner_password}'",
        f"CREATE ROLE {APP} {attributes} PASSWORD '{credentials.app_password}'",
        "CREATE EXTENSION vector",  # in template1, so every database made later has it
        f"CREATE DATABASE {DATABASE}",
    )
    installation.run("initdb", *initdb)
    # Who may connect is said before the first start: nobody without a password, although initdb was told "trust".
    (building / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    installation.run("postgres", *single, "template1", stdin="\n".join(statements))
    building.rename(installation.home / "cluster")


def _free_port(wanted: int) -> int:
    port = wanted
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                port = secrets.choice(PORTS)
            else:
                return port


def dsn(url: str) -> str:
    """An address of SQLAlchemy's as psycopg itself reads it."""
    return url.replace("+psycopg", "", 1)


def _answers(credentials: _Credentials) -> bool:
    url = dsn(_server(credentials).owner_url)
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _mark(home: Path) -> str:
    """The server's name in the process list. It names the folder itself: a copy of the folder is another server."""
    status = home.stat()
    return f"momentum-{status.st_dev:x}-{status.st_ino:x}"


def _processes(home: Path) -> set[int]:
    """The living processes of this folder's server, found by the mark that each shows in its command line.

    A zombie has no command line, so it does not count. (Working folders would say the same, but in a container
    root may not read those of another user.)
    """
    import psutil  # type: ignore[import-untyped]  # has no types; imported here: it comes with the extra `local`

    mark = _mark(home)
    found = psutil.process_iter(["name", "cmdline"])
    return {
        process.pid
        for process in found
        if process.info["name"] in {"postgres", "pg_ctl", "sh"} and mark in " ".join(process.info["cmdline"] or ())
    }


def _postmaster(home: Path) -> int | None:
    """The server's process id. Its file is not believed by itself: that process must live and bear the mark."""
    try:
        recorded = int((home / "cluster" / "postmaster.pid").read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None
    return recorded if recorded in _processes(home) else None


def _stop(home: Path) -> None:
    if postmaster := _postmaster(home):
        with suppress(ProcessLookupError):
            os.kill(postmaster, signal.SIGINT)  # fast shutdown: sessions end, everything is written
        if not _ended(home):
            _clear(home)


def _clear(home: Path) -> None:
    """End what is left of a dead server, then forget it; recovery at the next start makes the cluster whole."""
    for pid in _processes(home):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if not _ended(home):
        raise EmbeddedServerError(f"Processes of a dead PostgreSQL do not end: {sorted(_processes(home))}")
    (home / "cluster" / "postmaster.pid").unlink(missing_ok=True)


def _ended(home: Path) -> bool:
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while _processes(home):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
