"""A chat turn with one tool call and a model that answers instantly, 20 at once: processor time a turn.

Each contestant is a process of its own; rounds go round them, so that a noisy machine disturbs all of them alike.
"""

import asyncio
import json
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import uuid4

import psutil  # type: ignore[import-untyped]  # has no types
from sqlalchemy.engine import make_url

from benchmarks.chat import words
from benchmarks.chat.agent import set_up
from benchmarks.database import database, owner
from benchmarks.processes import first_line, process, settings_of
from benchmarks.report import Figure, Reference, median
from benchmarks.shops import BenchShop, add_conversations, add_faq, make_shop
from db.embedded import EmbeddedServer
from db.session import open_engine

HISTORIES = (0, 20, 100)
FEW = ("ours", "bare", "agent")
NAMES = (*FEW, "ours with retrieval", "bare aiohttp", "agent at exit")


@dataclass(frozen=True)
class Cost:
    """Processor milliseconds a turn: in the contestant's process, and in the database's."""

    own: float
    database: float


Costs = Mapping[tuple[str, int], list[Cost]]


def measure(*, full: bool, tiny: bool) -> list[Figure]:
    rounds, turns = (1, 20) if tiny else (7, 100) if full else (3, 40)
    histories = HISTORIES[:1] if tiny else HISTORIES
    with database("chat") as server, ExitStack() as running:
        shop = asyncio.run(_shop(server))
        api = first_line(running.enter_context(process("benchmarks.chat.messages_api")))
        environment = {**settings_of(server), "ANTHROPIC_API_KEY": "none", "ANTHROPIC_BASE_URL": api}
        contestants = {
            name: running.enter_context(
                process(
                    "benchmarks.chat.contestant",
                    name,
                    server.owner_url if name.startswith("agent") else server.app_url,
                    str(shop.company_id),
                    environment=environment,
                )
            )
            for name in (FEW if tiny else NAMES)
        }
        for name, each in contestants.items():  # once for nothing: imports, connections, caches
            _cost(server, shop, name, each, turns=20, history=0)
        costs: dict[tuple[str, int], list[Cost]] = {}
        for _ in range(rounds):
            for history in histories:
                for name, each in contestants.items():
                    cost = _cost(server, shop, name, each, turns=turns, history=history)
                    costs.setdefault((name, history), []).append(cost)
    return [figure for history in histories for figure in _figures(costs, history)] + (_flat(costs) if not tiny else [])


async def _shop(server: EmbeddedServer) -> BenchShop:
    engine = open_engine(server.app_url)
    shop = await make_shop(engine)
    await add_faq(engine, shop)
    await engine.dispose()
    await set_up(server.owner_url)
    return shop


def _cost(
    server: EmbeddedServer, shop: BenchShop, name: str, contestant: subprocess.Popen[str], *, turns: int, history: int
) -> Cost:
    """What each of `turns` turns costs, each in a conversation of its own that has `history` turns behind it."""
    if name.startswith("ours"):
        with owner(server) as connection:
            sessions = add_conversations(connection, shop, turns, history=history, exchange=words.EXCHANGE)
    else:
        sessions = [str(uuid4()) for _ in range(turns)]
    _tell(contestant, json.dumps({"history": history, "sessions": sessions}))
    first_line(contestant)
    before = _database_s(server)
    _tell(contestant, "go")
    own_s = float(first_line(contestant))
    return Cost(1000 * own_s / turns, 1000 * (_database_s(server) - before) / turns)


def _tell(contestant: subprocess.Popen[str], line: str) -> None:
    assert contestant.stdin is not None
    print(line, file=contestant.stdin, flush=True)


def _database_s(server: EmbeddedServer) -> float:
    """Processor seconds of the connections to our database so far."""
    name = make_url(server.app_url).database or ""
    times = [
        each.info["cpu_times"]
        for each in psutil.process_iter(["cmdline", "cpu_times"])
        if (title := " ".join(each.info["cmdline"] or ())).startswith("postgres:") and f" {name} " in title
    ]
    return float(sum(each.user + each.system for each in times))


def _figures(costs: Costs, history: int) -> list[Figure]:
    """Ours beside each of the others, with ratios of the rounds."""

    def own(name: str) -> list[float]:
        return [cost.own for cost in costs[name, history]]

    def beside(mine: str, name: str, *, goal: str = "", most: float | None = None) -> Figure:
        what = f"{mine}, {history} turns before" if name == "bare" else ""
        ratios = [ours / other for ours, other in zip(own(mine), own(name), strict=True)]
        return Figure(
            what,
            median(own(mine)),
            "ms",
            Reference(f"ms {name}", median(own(name))),
            goal=goal,
            met=None if most is None else median(ratios) <= most,
            spread=(min(ratios), max(ratios)),
        )

    in_database = [[cost.database for cost in costs[name, history]] for name in ("ours", "agent")]
    return [
        beside("ours", "bare", goal="≤ 1.5 ×", most=1.5),
        beside("ours", "agent", goal="≤ 1/3", most=1 / 3),
        *(
            beside(mine, other)
            for mine, other in (("ours", "bare aiohttp"), ("ours", "agent at exit"), ("ours with retrieval", "bare"))
            if (mine, history) in costs and (other, history) in costs
        ),
        Figure("  in the database", median(in_database[0]), "ms", Reference("ms agent", median(in_database[1]))),
    ]


def _flat(costs: Costs) -> list[Figure]:
    short, long = ([cost.own for cost in costs["ours", history]] for history in (20, 100))
    ratios = [after / before for before, after in zip(short, long, strict=True)]
    return [
        Figure(
            "ours, 100 turns before",
            median(long),
            "ms",
            Reference("ms 20 turns before", median(short)),
            goal="flat (≤ 1.1)",
            met=median(ratios) <= 1.1,
            spread=(min(ratios), max(ratios)),
        )
    ]
