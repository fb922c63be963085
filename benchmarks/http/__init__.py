"""Hot GETs beside one SELECT, and cart operations beside the same writes: processor time a request, 32 at once.

Ours and the reference take turns, so that a noisy machine disturbs both alike. A rate is what one core could do:
requests for a second of the server's own processor time.
"""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from uuid import UUID

from api.keys import issue_key
from benchmarks.database import database, owner
from benchmarks.http.client import CONNECTIONS, Answers, Request, send
from benchmarks.processes import SIGNING_KEY, cpu_s, first_line, process, settings_of
from benchmarks.report import Figure, Reference, median, percentile
from benchmarks.shops import BenchShop, add_carts, add_orders, make_shop
from db.embedded import EmbeddedServer
from db.session import open_engine, transaction
from db.tables.companies import KeyKind
from policy.tokens import Signer, cart_token

PRODUCTS = 60
# The kernel counts no finer.
TICK_S = 0.01
PREFIX = "/api/momentum"


@dataclass
class Served:
    """A server under test, and what its requests have cost so far: CPU milliseconds each, by what was asked."""

    port: int
    pid: int
    costs: dict[str, list[float]] = field(default_factory=dict)
    latencies: dict[str, list[float]] = field(default_factory=dict)

    def ask(self, what: str, requests: Sequence[Request], *, kept: bool = True) -> Answers:
        before = cpu_s(self.pid)
        answers = asyncio.run(send(self.port, requests))
        if kept:
            used_s = max(cpu_s(self.pid) - before, TICK_S)
            self.costs.setdefault(what, []).append(1000 * used_s / len(requests))
            self.latencies.setdefault(what, []).extend(answers.latencies)
        return answers


@dataclass(frozen=True)
class World:
    shop: BenchShop
    key: str
    carts: list[UUID]

    def token(self, cart_id: UUID) -> str:
        return cart_token(Signer(SIGNING_KEY), company_id=self.shop.company_id, cart_id=cart_id)


def run(*, full: bool, tiny: bool = False) -> list[Figure]:
    rounds, requests = (1, 64) if tiny else (9, 1_000) if full else (5, 300)
    with database("http") as server, ExitStack() as running:
        world = asyncio.run(_world(server))
        variants = [str(each) for each in world.shop.variants[:2]]
        ours, plain = (
            Served(int(first_line(each)), each.pid)
            for each in (
                running.enter_context(
                    process("benchmarks.http.served", "ours", server.app_url, environment=settings_of(server))
                ),
                running.enter_context(
                    process("benchmarks.http.served", "plain", server.owner_url, str(world.shop.company_id), *variants)
                ),
            )
        )
        for number in range(rounds + 1):
            kept = number > 0  # the first round warms up
            _read(world, ours, plain, requests if kept else 64, kept=kept)
            _change(world, ours, plain, requests // 2 if kept else 64, kept=kept)
    return [*_reads(ours, plain), *_changes(ours, plain)]


async def _world(server: EmbeddedServer) -> World:
    engine = open_engine(server.app_url)
    shop = await make_shop(engine, products=PRODUCTS)
    async with transaction(engine, company_id=shop.company_id) as session:
        key = await issue_key(session, KeyKind.PUBLISHABLE, company_id=shop.company_id)
    await engine.dispose()
    with owner(server) as connection:
        add_orders(connection, shop, 500)
        carts = add_carts(connection, shop, 200)
        connection.execute("VACUUM ANALYZE")
    return World(shop, key, carts)


def _read(world: World, ours: Served, plain: Served, count: int, *, kept: bool) -> None:
    carts = [world.carts[number % len(world.carts)] for number in range(count)]
    for what, path in (("GET cart", ""), ("upsells of a cart", "/upsells")):
        asked = [Request("GET", f"{PREFIX}/carts/{cart}{path}", world.token(cart)) for cart in carts]
        ours.ask(what, asked, kept=kept)
    plain.ask("GET cart", [Request("GET", f"/carts/{cart}") for cart in carts], kept=kept)
    few = count // 4 + 1
    ours.ask("GET products", [Request("GET", f"{PREFIX}/products", world.key)] * few, kept=kept)
    plain.ask("GET products", [Request("GET", "/products")] * few, kept=kept)


def _change(world: World, ours: Served, plain: Served, count: int, *, kept: bool) -> None:
    """Each cart is opened with one item; another is added, changed and removed."""
    first = {"currency": "USD", "items": [{"sku": world.shop.skus[0], "quantity": 1}]}
    opened = ours.ask("open", [Request("POST", f"{PREFIX}/carts", world.key, first)] * count, kept=kept).bodies
    carts = [(f"{PREFIX}/carts/{each['id']}/items", each["cartToken"]) for each in opened]
    second = {"sku": world.shop.skus[1], "quantity": 1}
    filled = ours.ask("add", [Request("POST", path, token, second) for path, token in carts], kept=kept).bodies
    lines = [
        (f"{path}/{next(line['id'] for line in cart['items'] if line['sku'] == second['sku'])}", token)
        for (path, token), cart in zip(carts, filled, strict=True)
    ]
    ours.ask("change", [Request("PATCH", path, token, {"quantity": 2}) for path, token in lines], kept=kept)
    ours.ask("remove", [Request("DELETE", path, token) for path, token in lines], kept=kept)

    opened = plain.ask("open", [Request("POST", "/carts", body=first)] * count, kept=kept).bodies
    paths = [f"/carts/{each['cart']}/items" for each in opened]
    filled = plain.ask("add", [Request("POST", path, body=second) for path in paths], kept=kept).bodies
    paths = [f"{path}/{each['line']}" for path, each in zip(paths, filled, strict=True)]
    plain.ask("change", [Request("PATCH", path, body={"quantity": 2}) for path in paths], kept=kept)
    plain.ask("remove", [Request("DELETE", path) for path in paths], kept=kept)


def _reads(ours: Served, plain: Served) -> list[Figure]:
    figures = []
    for what, other in (
        ("GET cart", "GET cart"),
        ("upsells of a cart", "GET cart"),
        ("GET products", "GET products"),
    ):
        figures.append(_rate(what, ours.costs[what], plain.costs[other], goal=0.5))
        p99, theirs = percentile(ours.latencies[what], 0.99), percentile(plain.latencies[other], 0.99)
        figures.append(
            Figure(
                f"  p99 at {CONNECTIONS} connections",
                p99,
                "ms",
                Reference("ms one SELECT", theirs),
                goal="≤ 50 ms",
                met=p99 <= 50,
            )
        )
    return figures


def _changes(ours: Served, plain: Served) -> list[Figure]:
    return [
        _rate(f"cart: {what}", ours.costs[what], plain.costs[what], reference="the same writes alone")
        for what in ("open", "add", "change", "remove")
    ]


def _rate(
    what: str, ours: list[float], plain: list[float], *, reference: str = "one SELECT", goal: float | None = None
) -> Figure:
    """Requests for a second of processor time, from milliseconds a request."""
    ratios = [other / mine for mine, other in zip(ours, plain, strict=True)]
    return Figure(
        what,
        1000 / median(ours),
        "/s",
        Reference(f"/s {reference}", 1000 / median(plain)),
        goal="" if goal is None else f"≥ {goal} ×",
        met=None if goal is None else median(ratios) >= goal,
        spread=(min(ratios), max(ratios)),
    )
