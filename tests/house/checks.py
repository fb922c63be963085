"""The house rules that a machine can see: each check reads one file and says what breaks its rule, and where.

Run by test_checks.py over the whole tree; each check is first shown a planted violation there.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]

HIDDEN_BUT_OURS = {".ci", ".gitignore", ".importlinter"}
NOT_OURS = {"__pycache__", "artifacts", "build", "dist"}
# A landed migration is never edited, and its body is generated.
MIGRATIONS = "db/migrations/versions/"

MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 60


@dataclass(frozen=True)
class Source:
    """A file of the repository; `path` is relative, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    @property
    def room(self) -> str:
        return self.path.partition("/")[0]

    def is_under(self, *places: str) -> bool:
        """Whether it is one of these files, or lies in one of these folders (which end in a slash)."""
        return any(self.path.startswith(place) if place.endswith("/") else self.path == place for place in places)


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


Check = Callable[[Source], Iterator[Finding]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(root: Path = ROOT) -> Iterator[Source]:
    """What is in the repository or would be at the next commit, as text."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        hidden = parts[0].startswith(".") and parts[0] not in HIDDEN_BUT_OURS
        if hidden or NOT_OURS.intersection(parts) or any(part.endswith(".egg-info") for part in parts):
            continue
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            yield Source(path.relative_to(root).as_posix(), content.decode())


def findings(check: Check, sources: Iterable[Source]) -> list[str]:
    return [str(finding) for source in sources for finding in check(source)]


# Queries are written in repositories.
QUERY_MAKERS = {
    "select",
    "insert",
    "update",
    "delete",
    "text",
    "union",
    "union_all",
    "exists",
    "func",
    "literal_column",
}
QUERY_RUNNERS = {"execute", "scalar", "scalars", "stream", "stream_scalars", "get", "get_one", "delete", "merge"}
ROW_ADDERS = {"add", "add_all"}


def queries_stay_in_repositories(source: Source) -> Iterator[Finding]:
    if source.name == "repository.py" or source.is_under("db/", "tests/", "benchmarks/"):
        return
    for node in ast.walk(source.tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module.partition(".")[0] == "sqlalchemy":
                made = sorted(QUERY_MAKERS.intersection(name.name for name in names))
                if made:
                    yield Finding(source.path, node.lineno, f"{', '.join(made)}: queries belong in a repository.py")
            case ast.Import(names=names) if any(name.name.partition(".")[0] == "sqlalchemy" for name in names):
                yield Finding(source.path, node.lineno, "import names from sqlalchemy, so that queries can be seen")
            case ast.Call(func=ast.Name(id="run_statement")):
                yield Finding(source.path, node.lineno, "run_statement(): queries belong in a repository.py")
            case ast.Call(func=ast.Attribute(value=holder, attr=attr)) if _is_session(holder):
                # The demo's seed and `momentum company create` write whole rows at the start of everything.
                if attr in QUERY_RUNNERS or (attr in ROW_ADDERS and not source.is_under("app/")):
                    yield Finding(source.path, node.lineno, f"session.{attr}: queries belong in a repository.py")


def _is_session(node: ast.expr) -> bool:
    match node:
        case ast.Name(id="session") | ast.Attribute(attr="session"):
            return True
    return False


# What happens is committed where it began: at a request, a job, a tool call, a turn, a command.
EDGES = ("api/", "voice/", "web/", "app/", "agents/", "graphs/", "tools/dispatch.py", "db/", "tests/", "benchmarks/")


def commits_stay_at_the_edges(source: Source) -> Iterator[Finding]:
    if source.is_under(*EDGES):
        return
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(func=ast.Name(id="transaction")):
                yield Finding(source.path, node.lineno, "transaction(): the edges open and commit transactions")
            case ast.Call(func=ast.Attribute(attr="commit" | "rollback" as attr), args=[], keywords=[]):
                yield Finding(source.path, node.lineno, f".{attr}(): the edges open and commit transactions")


# What sees all companies, through the SECURITY DEFINER functions of the migrations, or no rows at all.
ACROSS_COMPANIES = {
    "KeyRepository.find",
    "MessageRepository.release_due",
    "DueRepository._release",
    "DueRepository.expire",
    "DueRepository.reclaim_lost",
    "DueRepository.ensure_partitions",
    "DueRepository.next_due",
    "DueRepository.work_under_way",
    "CallRepository.lost",
    "OfferRepository._lock",
    "UserRepository.find",
    "SessionRepository.find",
    "SignInTriesRepository.uncount",
    "SignInTriesRepository.forget",
    "OriginRepository.is_known",  # whether any company allows an origin, not which
}


def repositories_ask_for_the_company(source: Source) -> Iterator[Finding]:
    """A method that looks for rows is told whose; one that only adds a row finds the company in it."""
    if source.name != "repository.py" or source.is_under("tests/"):
        return
    for owner in ast.walk(source.tree):
        if not isinstance(owner, ast.ClassDef):
            continue
        methods = [node for node in owner.body if isinstance(node, Function)]
        if any(method.name == "__init__" and "company_id" in _parameters(method) for method in methods):
            continue
        for method in methods:
            name = f"{owner.name}.{method.name}"
            asks = "company_id" in _required_keywords(method) or name in ACROSS_COMPANIES
            if _looks_for_rows(method) and not asks:
                yield Finding(source.path, method.lineno, f"{name} has no required keyword company_id")


def _looks_for_rows(method: Function) -> bool:
    called = [node.func for node in ast.walk(method) if isinstance(node, ast.Call)]
    return any(
        (isinstance(each, ast.Name) and each.id in QUERY_MAKERS - {"insert", "func"})
        or (isinstance(each, ast.Attribute) and each.attr in {"get", "get_one"} and _is_session(each.value))
        for each in called
    )


def _parameters(function: Function) -> set[str]:
    arguments = function.args
    return {argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}


def _required_keywords(function: Function) -> set[str]:
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return {argument.arg for argument, default in pairs if default is None}


def repositories_stay_in_their_room(source: Source) -> Iterator[Finding]:
    """Rooms meet through services and rules."""
    if source.is_under("tests/", "benchmarks/"):
        return
    for node in ast.walk(source.tree):
        match node:
            case ast.ImportFrom(module=str(module)) if module.endswith(".repository"):
                if module.partition(".")[0] != source.room:
                    yield Finding(source.path, node.lineno, f"{module} belongs to another room: ask its service")


def tools_say_what_they_do(source: Source) -> Iterator[Finding]:
    if not source.is_under("tools/"):
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, Function):
            continue
        for decorator in node.decorator_list:
            match decorator:
                case ast.Name(id="tool"):
                    yield Finding(source.path, node.lineno, f"{node.name} declares neither arguments nor effect")
                case ast.Call(func=ast.Name(id="tool"), keywords=keywords):
                    if all(keyword.arg != "effect" for keyword in keywords):
                        yield Finding(source.path, node.lineno, f"{node.name} declares no effect")
                    if not ast.get_docstring(node):
                        yield Finding(source.path, node.lineno, f"{node.name} has no docstring for the model to read")


# Where JSON enters: as a column, in FastAPI's own type for OpenAPI entries, in pgqueuer's protocol.
JSON_EDGES = ("db/base.py", "api/problems.py", "db/jobs.py", "tests/", MIGRATIONS)


def types_are_named(source: Source) -> Iterator[Finding]:
    if source.is_under(*JSON_EDGES):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node) in {"dict[str, Any]", "Mapping[str, Any]"}:
            yield Finding(source.path, node.lineno, f"{ast.unparse(node)} is no type: name what is in it")


def excepts_are_narrow(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(each is None or ast.unparse(each) in {"Exception", "BaseException"} for each in caught):
                yield Finding(source.path, node.lineno, "catch the narrowest error that can be handled here")


CLOCK_READERS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}


def time_is_a_parameter(source: Source) -> Iterator[Finding]:
    if source.is_under("db/clock.py", "tests/", "benchmarks/"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CLOCK_READERS or called.removeprefix("datetime.") in CLOCK_READERS:
                yield Finding(source.path, node.lineno, f"{called}(): ask db.clock at the edge")


# The demo's supervisor and the simulated call hand their environment on to the processes that they start.
ENVIRONMENT_READERS = ("app/settings.py", "app/demo/supervisor.py", "app/simulator/call.py", "tests/", "benchmarks/")


def environment_is_read_once(source: Source) -> Iterator[Finding]:
    if source.is_under(*ENVIRONMENT_READERS):
        return
    for node in ast.walk(source.tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="getenv" | "environ" | "environb" as attr):
                yield Finding(source.path, node.lineno, f"os.{attr}: settings are read in app/settings.py")
            case ast.ImportFrom(module="os", names=names) if {"getenv", "environ"} & {name.name for name in names}:
                yield Finding(source.path, node.lineno, "os.environ: settings are read in app/settings.py")


def files_and_functions_are_short(source: Source) -> Iterator[Finding]:
    if source.is_under(MIGRATIONS):
        return
    lines = source.text.count("\n")
    if lines > MAX_FILE_LINES:
        yield Finding(source.path, lines, f"{lines} lines: split it by use case (most files stay under 300)")
    for node in ast.walk(source.tree):
        if isinstance(node, Function):
            length = _own_lines(node)
            if length > MAX_FUNCTION_LINES:
                yield Finding(source.path, node.lineno, f"{node.name} has {length} lines (most stay under 40)")


def _own_lines(function: Function) -> int:
    """Its length without the functions inside it: those are counted by themselves."""
    return _lines(function) - sum(_lines(inner) for inner in _functions_inside(function))


def _functions_inside(node: ast.AST) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield child
        else:
            yield from _functions_inside(child)


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


DRAWERS = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "manager.py", "misc.py"}


def names_say_what_is_inside(source: Source) -> Iterator[Finding]:
    if source.name in DRAWERS:
        yield Finding(source.path, 1, "name it after what is in it")
    if not source.text.strip() and source.name != "__init__.py":
        yield Finding(source.path, 1, "an empty file")


UNFINISHED = re.compile(r"\b(TODO|FIXME|NotImplementedError)\b")


def nothing_is_left_for_later(source: Source) -> Iterator[Finding]:
    if not source.is_under("tests/house/"):
        yield from _matches(source, UNFINISHED, "finish it or leave it out")


# Paths of somebody's machine, addresses of package registries, and what looks like a key.
PRIVATE = re.compile(
    r"""(?<![\w.~-])/(root|work|tmp|home|Users)/\w
      | \b(pypi\.org | pythonhosted\.org | registry\.npmjs\.org | (deb|security)\.debian\.org)
      | \b(sk-ant-[\w-]{8} | (sk|pk|rk)_live_\w{8} | AKIA[0-9A-Z]{16} | gh[pousr]_\w{20} | xox[abprs]-\w{8})
      | \b(AC|SK)[0-9a-f]{32}\b
      | -----BEGIN\ [A-Z ]*PRIVATE\ KEY""",
    re.VERBOSE,
)


def nothing_private_is_committed(source: Source) -> Iterator[Finding]:
    yield from _matches(source, PRIVATE, "a machine's path, a registry's address or a key")


def _matches(source: Source, pattern: re.Pattern[str], what: str) -> Iterator[Finding]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := pattern.search(line):
            yield Finding(source.path, number, f"{found.group().strip()!r}: {what}")


LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def links_lead_somewhere(source: Source) -> Iterator[Finding]:
    if not source.path.endswith(".md") or source.is_under("tests/"):
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        for target in LINK.findall(line):
            if not (ROOT / source.path).parent.joinpath(target).exists():
                yield Finding(source.path, number, f"{target}: there is no such file")


# Of Python files, and of every file.
PYTHON: tuple[Check, ...] = (
    queries_stay_in_repositories,
    commits_stay_at_the_edges,
    repositories_ask_for_the_company,
    repositories_stay_in_their_room,
    tools_say_what_they_do,
    types_are_named,
    excepts_are_narrow,
    time_is_a_parameter,
    environment_is_read_once,
    files_and_functions_are_short,
)
ANY: tuple[Check, ...] = (
    names_say_what_is_inside,
    nothing_is_left_for_later,
    nothing_private_is_committed,
    links_lead_somewhere,
)
