"""One contestant in a process of its own, so that its processor time is its own.

`python -m benchmarks.chat.contestant NAME DATABASE COMPANY`. Each line on standard input is JSON,
`{"history": turns, "sessions": [id, …]}`: the contestant gets ready and says so; on the next line it answers once in
each conversation, 20 at once, and prints the processor seconds that this took here.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import uvloop

from app.memory import keep_loaded
from benchmarks.chat.messages_api import ANSWER

AT_ONCE = 20


class Contestant(Protocol):
    async def prepare(self, sessions: Sequence[str], turns: int) -> None:
        """Bring conversations to where they have so many turns behind them."""

    async def answer(self, session: str, number: int) -> str:
        """The answer to utterance `number`."""


async def _contestant(name: str, database_url: str, company_id: str) -> Contestant:
    """Imports are the contestant's own: none pays for another's modules."""
    if name.startswith("ours"):
        from benchmarks.chat.ours import Ours

        return Ours(database_url, company_id, retrieval=name == "ours with retrieval")
    if name.startswith("bare"):
        from benchmarks.chat.bare import Bare

        return Bare(aiohttp=name == "bare aiohttp")
    from benchmarks.chat.agent import Agent

    return await Agent.open(database_url, durability="exit" if name == "agent at exit" else "async")


async def _measured(contestant: Contestant, sessions: Sequence[str], first: int) -> float:
    waiting = list(enumerate(sessions, start=first))

    async def talk() -> None:
        while waiting:
            number, session = waiting.pop()
            answer = await contestant.answer(session, number)
            if answer != ANSWER:
                raise RuntimeError(f"answered {answer!r}")

    gc.collect()
    begun = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(talk())
    return time.process_time() - begun


async def _main(name: str, database_url: str, company_id: str) -> None:
    contestant = await _contestant(name, database_url, company_id)
    keep_loaded()
    line: Callable[[], Awaitable[str]] = lambda: asyncio.to_thread(sys.stdin.readline)  # noqa: E731
    first = 1_000
    while asked := await line():
        task = json.loads(asked)
        await contestant.prepare(task["sessions"], task["history"])
        print("ready", flush=True)
        await line()
        print(await _measured(contestant, task["sessions"], first), flush=True)
        first += len(task["sessions"])


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
