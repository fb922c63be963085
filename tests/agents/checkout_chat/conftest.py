"""The whole application behind a port, and a shopper who talks to it."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.server import create_server
from db.base import Base
from db.tables.conversations import ChatTurn
from graphs.checkout_chat.state import Limits
from graphs.model import Model
from tests.app import living
from tests.app.living import API, Shop, World
from tests.live import served


@dataclass
class Heard:
    """An answer, over either way: what it says in the end, and the sentences and tools as a stream told them."""

    status: int
    answer: dict[str, Any]
    sentences: Sequence[str] = ()
    tools: Sequence[tuple[str, str]] = ()


@dataclass
class Line:
    """A shopper's conversation."""

    shop: Shop
    client: httpx.AsyncClient
    token: str
    session_id: str

    async def ask(self, content: str, *, stream: bool = False) -> Heard:
        headers = {"authorization": f"Bearer {self.token}"} | ({"accept": "text/event-stream"} if stream else {})
        path = f"{API}/cs/sessions/{self.session_id}/messages"
        got = await self.client.post(path, headers=headers, json={"content": content})
        if not stream:
            return Heard(got.status_code, got.json())
        events = list(_events(got.text))
        return Heard(
            got.status_code,
            next(data for name, data in events if name == "message.done"),
            [data["text"] for name, data in events if name == "message.delta"],
            [(data["name"], data["outcome"]) for name, data in events if name == "tool"],
        )

    async def rows(self, table: type[Base]) -> list[Any]:
        return await self.shop.rows(select(table).order_by(table.__table__.c.id))

    async def turn(self) -> ChatTurn:
        """The last one."""
        turns: list[ChatTurn] = await self.rows(ChatTurn)
        return turns[-1]


def _events(text: str) -> Sequence[tuple[str, dict[str, Any]]]:
    blocks = [
        dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        for block in text.replace("\r\n", "\n").split("\n\n")
    ]
    return [(block["event"], json.loads(block["data"])) for block in blocks if "event" in block]


@dataclass
class Talks:
    """Opens lines to the application; each may have a model and limits of its own."""

    world: World
    shop: Shop

    @asynccontextmanager
    async def line(self, model: Model, limits: Limits | None = None) -> AsyncIterator[Line]:
        chat = replace(self.world.parts.chat, model=model, limits=limits or Limits(), _running=set())
        async with (
            served(create_server(replace(self.world.parts, chat=chat))) as address,
            # Rules: an answer within ten seconds.
            httpx.AsyncClient(base_url=address, timeout=10) as client,
        ):
            cart = await self.shop.open_cart("BLEND", "MUG")
            token = str(cart["cartToken"])
            opened = await client.post(f"{API}/cs/sessions", headers={"authorization": f"Bearer {token}"}, json={})
            assert opened.status_code == 201, opened.text
            yield Line(self.shop, client, token, str(UUID(opened.json()["id"])))


@pytest.fixture
async def talks(engine: AsyncEngine) -> AsyncIterator[Talks]:
    async with living.world(engine) as world:
        yield Talks(world, await living.open_shop(world))
