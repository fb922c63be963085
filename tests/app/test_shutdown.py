"""A process that is stopped or killed while an answer streams: what was shown is a row, and another one goes on."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.embedded import EmbeddedServer, dsn
from db.session import transaction
from db.tables.conversations import ChatLease, ChatMessage, ChatTurn, MessageRole, TurnStatus
from graphs.conversations.ending import INTERRUPTED
from policy.tokens import Signer, cart_token
from tests import factories as make
from tests.fakes import messages_api as provider
from tests.processes import Role, free_port, launch, until_up

KEY = "a signing key for tests, 32 characters or more"
SESSIONS = "/api/momentum/cs/sessions"
# Two sentences, and then the provider falls silent: our own limit lets the offline responder finish.
SILENT = provider.Events(
    [provider.started(), provider.text_start(), provider.text_delta("Hello there. I am glad to help you. And ")],
    then="hang",
)


@dataclass
class Heard:
    """The events of a stream: sentences by their ids, and whether it came to its end."""

    sentences: dict[int, str] = field(default_factory=dict)
    answer: str | None = None

    @property
    def text(self) -> str:
        return "".join(text for _, text in sorted(self.sentences.items()))


@dataclass
class Shop:
    engine: AsyncEngine
    company_id: UUID
    token: str
    client: httpx.AsyncClient
    provider: provider.MessagesApi
    addresses: list[str]
    processes: list[ForkServerProcess]

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def open_session(self) -> str:
        opened = await self.client.post(self.addresses[0] + SESSIONS, headers=self.headers, json={})
        assert opened.status_code == 201, opened.text
        session_id: str = opened.json()["id"]
        return session_id

    async def listen(
        self,
        session_id: str,
        *,
        at: int,
        key: str = "hello",
        seen: Heard | None = None,
        then: signal.Signals | None = None,
    ) -> Heard:
        """Ask as a stream, after what was `seen`; `then` is sent to the process at the first sentence."""
        heard, event, position = Heard(), "", 0
        headers = {**self.headers, "accept": "text/event-stream", "idempotency-key": key}
        if seen is not None:
            headers["last-event-id"] = str(max(seen.sentences))
        url = f"{self.addresses[at]}{SESSIONS}/{session_id}/messages"
        asking = self.client.stream("POST", url, headers=headers, json={"content": "Hello"}, timeout=60)
        with suppress(httpx.TransportError):  # how a stream looks whose process is gone
            async with asking as answer:
                assert answer.status_code == 200
                async for line in answer.aiter_lines():
                    name, _, value = line.partition(": ")
                    if name == "event":
                        event = value
                    elif name == "id":
                        position = int(value)
                    elif name == "data" and event == "message.delta":
                        heard.sentences[position] = json.loads(value)["text"]
                        if then is not None:
                            os.kill(self.processes[at].pid or 0, then)
                            then = None
                    elif name == "data" and event == "message.done":
                        heard.answer = json.loads(value)["response"]
        return heard

    async def ended(self, at: int) -> int | None:
        await asyncio.to_thread(self.processes[at].join, 60)
        return self.processes[at].exitcode

    async def stored(self) -> dict[int, str]:
        query = select(ChatMessage).where(ChatMessage.role == MessageRole.ASSISTANT).order_by(ChatMessage.position)
        async with transaction(self.engine, company_id=self.company_id) as session:
            return {row.position: row.content for row in await session.scalars(query)}

    async def turns(self) -> list[TurnStatus]:
        async with transaction(self.engine, company_id=self.company_id) as session:
            return list(await session.scalars(select(ChatTurn.status).order_by(ChatTurn.position)))

    async def leases(self) -> int:
        async with transaction(self.engine, company_id=self.company_id) as session:
            return len(list(await session.scalars(select(ChatLease.session_id))))


@pytest.fixture
async def shop(engine: AsyncEngine, database: EmbeddedServer, tmp_path: Path) -> AsyncIterator[Shop]:
    """Two API processes on one database, and a provider that falls silent in the middle of its answer."""
    company = await make.make_company(engine)
    async with transaction(engine, company_id=company.id) as session:
        beans = await make.make_product(session, "BLEND", company_id=company.id)
        cart = await make.make_cart(session, (beans, 1), company_id=company.id)
    token = cart_token(Signer(KEY), company_id=company.id, cart_id=cart.id)
    roles = [Role(f"api-{number}", free_port()) for number in range(2)]
    addresses = [f"http://127.0.0.1:{role.port}" for role in roles]
    async with provider.serving() as fake, httpx.AsyncClient() as client:
        environment = {
            "MOMENTUM_DATABASE_URL": database.app_url,
            "MOMENTUM_SIGNING_KEY": KEY,
            "ANTHROPIC_API_KEY": "a key",
            "ANTHROPIC_BASE_URL": fake.url,
        }
        processes = [launch(role, environment, tmp_path / f"{role.name}.log") for role in roles]
        try:
            await asyncio.gather(*(until_up(client, address) for address in addresses))
            yield Shop(engine, company.id, token, client, fake, addresses, processes)
        finally:
            for process in processes:
                process.kill()
                process.join()


def no_lock_is_held(database: EmbeddedServer) -> bool:
    """Whether no session of ours holds a lock or is inside a transaction."""
    with psycopg.connect(dsn(database.owner_url)) as owner:
        busy = owner.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'momentum_app' "
            "AND (xact_start IS NOT NULL OR wait_event_type = 'Lock')"
        ).fetchone()
        return busy == (0,)


@pytest.mark.timeout(240)
async def test_told_to_stop_in_mid_stream_it_loses_no_sentence(shop: Shop, database: EmbeddedServer) -> None:
    shop.provider.script(SILENT)
    session_id = await shop.open_session()
    shown = await shop.listen(session_id, at=0, then=signal.SIGTERM)
    assert shown.sentences
    rest = await shop.listen(session_id, at=1, seen=shown)
    assert await shop.ended(0) == 0
    stored = await shop.stored()
    assert {**shown.sentences, **rest.sentences} == stored
    assert rest.answer == "".join(stored.values()).strip()
    assert rest.answer.startswith("Hello there. I am glad to help you.")
    assert (await shop.turns(), await shop.leases()) == ([TurnStatus.DONE], 0)
    assert no_lock_is_held(database)
    assert len(shop.provider.requests) == 1


@pytest.mark.timeout(240)
async def test_killed_in_mid_stream_it_loses_no_sentence_and_another_process_goes_on(
    shop: Shop, database: EmbeddedServer
) -> None:
    shop.provider.script(SILENT)
    session_id = await shop.open_session()
    shown = await shop.listen(session_id, at=0, then=signal.SIGKILL)
    assert shown.sentences
    assert shown.answer is None
    assert await shop.ended(0) == -signal.SIGKILL
    # Nobody knows how far the dead process came, so nothing is run again: its lease runs out and the turn is closed.
    rest = await shop.listen(session_id, at=1, seen=shown)
    stored = await shop.stored()
    assert {**shown.sentences, **rest.sentences} == stored
    assert rest.answer is not None
    assert rest.answer.startswith("".join(shown.sentences.values()))
    assert rest.answer.endswith(INTERRUPTED)
    assert (await shop.turns(), await shop.leases()) == ([TurnStatus.BROKEN], 0)
    assert no_lock_is_held(database)
    assert len(shop.provider.requests) == 1

    again = await shop.listen(session_id, at=1, key="again")
    assert again.answer
    assert (await shop.turns(), await shop.leases()) == ([TurnStatus.BROKEN, TurnStatus.DONE], 0)
