"""Fifty shoppers in the chat at once for a minute, over HTTP as the widget does it, against one API process.

Each writes, reads the streamed answer to its end, thinks for two seconds, and writes again. The model answers
instantly from a process of its own and calls one tool a turn, so that what is measured is ours.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from benchmarks.chat.messages_api import ANSWER
from benchmarks.chat.words import utterance
from benchmarks.database import database, owner
from benchmarks.processes import SIGNING_KEY, first_line, process, settings_of
from benchmarks.report import Figure, percentile
from benchmarks.shops import BenchShop, add_carts, add_faq, make_shop
from db.embedded import EmbeddedServer
from db.session import open_engine
from policy.tokens import Signer, cart_token

SHOPPERS, THINK_S = 50, 2.0
SESSIONS = "/api/momentum/cs/sessions"


@dataclass
class Heard:
    """Milliseconds from the request to the first sentence and to the end of each answer; what else came, counted."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)


def run(*, full: bool, tiny: bool = False) -> list[Figure]:
    seconds = 2.0 if tiny else 60.0 if full else 20.0
    with database("load") as server, ExitStack() as running:
        shop, carts = _world(server)
        api = first_line(running.enter_context(process("benchmarks.chat.messages_api")))
        environment = {**settings_of(server), "ANTHROPIC_API_KEY": "none", "ANTHROPIC_BASE_URL": api}
        serving = process("benchmarks.http.served", "ours", server.app_url, environment=environment)
        port = int(first_line(running.enter_context(serving)))
        heard = asyncio.run(_shop_floor(f"http://127.0.0.1:{port}", shop, carts, seconds))
    return _figures(heard, seconds)


def _world(server: EmbeddedServer) -> tuple[BenchShop, Sequence[UUID]]:
    async def shop() -> BenchShop:
        engine = open_engine(server.app_url)
        made = await make_shop(engine)
        await add_faq(engine, made)
        await engine.dispose()
        return made

    made = asyncio.run(shop())
    with owner(server) as connection:
        carts = add_carts(connection, made, SHOPPERS)
        connection.execute("VACUUM ANALYZE")
    return made, carts


async def _shop_floor(base_url: str, shop: BenchShop, carts: Sequence[UUID], seconds: float) -> Heard:
    heard, signer = Heard(), Signer(SIGNING_KEY)
    limits = httpx.Limits(max_connections=SHOPPERS, max_keepalive_connections=SHOPPERS)
    async with httpx.AsyncClient(base_url=base_url, limits=limits, timeout=30) as client, asyncio.TaskGroup() as group:
        until = time.perf_counter() + seconds
        for number, cart in enumerate(carts):
            token = cart_token(signer, company_id=shop.company_id, cart_id=cart)
            group.create_task(_shopper(client, token, number, heard, until))
    return heard


async def _shopper(client: httpx.AsyncClient, token: str, number: int, heard: Heard, until: float) -> None:
    headers = {"authorization": f"Bearer {token}"}
    # They do not come in at the same instant.
    await asyncio.sleep(THINK_S * number / SHOPPERS)
    opened = await client.post(SESSIONS, headers=headers, json={"channel": "CHECKOUT_CHAT"})
    opened.raise_for_status()
    path = f"{SESSIONS}/{opened.json()['id']}/messages"
    asked = 0
    # Each asks once, however long the process takes to wake.
    while asked == 0 or time.perf_counter() < until:
        asked += 1
        await _ask(client, path, headers, utterance(1000 * number + asked), heard)
        await asyncio.sleep(THINK_S)


async def _ask(client: httpx.AsyncClient, path: str, headers: dict[str, str], text: str, heard: Heard) -> None:
    begun, first, said, event = time.perf_counter(), None, "", ""
    streamed = {**headers, "accept": "text/event-stream"}
    try:
        async with client.stream("POST", path, headers=streamed, json={"content": text}) as answer:
            if answer.status_code != 200:
                heard.wrong[f"status {answer.status_code}"] += 1
                return
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "message.delta":
                    first = first or time.perf_counter()
                elif name == "data" and event == "message.done":
                    said = json.loads(value)["response"]
    except httpx.TransportError as error:
        heard.wrong[type(error).__name__] += 1
        return
    if said != ANSWER or first is None:
        heard.wrong["another answer"] += 1
        return
    heard.first.append(1000 * (first - begun))
    heard.whole.append(1000 * (time.perf_counter() - begun))


def _figures(heard: Heard, seconds: float) -> list[Figure]:
    what = f"{SHOPPERS} shoppers for {seconds:.0f} s, {len(heard.whole)} answers"
    wrong = ", ".join(f"{count} × {name}" for name, count in heard.wrong.items())
    return [
        Figure(f"{what}: answers a second", len(heard.whole) / seconds, "/s", goal="some", met=bool(heard.whole)),
        *(
            Figure(f"{name}, p{round(100 * share)}", percentile(times, share), "ms")
            for name, times in (("first sentence", heard.first), ("whole answer", heard.whole))
            for share in (0.5, 0.95)
            if times
        ),
        Figure(f"errors{': ' if wrong else ''}{wrong}", heard.wrong.total(), "", goal="0", met=not heard.wrong),
    ]
