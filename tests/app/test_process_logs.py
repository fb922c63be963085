"""The API and the worker as processes, every logger at DEBUG, through whole journeys and crashes: what they wrote
holds no secret, card number, address, name or sentence."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from api.keys import issue_key
from db.clock import set_clock
from db.embedded import EmbeddedServer
from db.ids import uuid7
from db.security import APP_ROLE
from db.session import transaction
from db.tables.companies import KeyKind
from tests import factories as make
from tests.app.living import START, stock
from tests.fakes import messages_api, smtp
from tests.fakes.messages_api import Events, Status, ended, started, text_block, tool_block

ANTHROPIC_KEY = "-".join(("sk", "ant", "not", "a", "key", "but", "looks", "like", "one"))
# What opens the doors of others; each as a process is told it.
PASSWORDS = {
    name: f"{name}-that-nobody-may-read-in-a-log" for name in ("signing-key", "relay", "twilio", "deepgram", "console")
}
ACCOUNT = "AC" + "0" * 32
SAID = "My card 4111 1111 1111 1111 is not taken, write to nora.fielding@example.com or call +1 503 555 0188"
QUOTE = "Much more than Zebulon would pay"
PERSONAL = [
    "4111 1111 1111 1111",
    "4111111111111111",
    "nora.fielding",
    "maya@example.com",
    "Maya",
    "Okafor",
    "5035550111",
    "503 555 0188",
    "is not taken",
    "Zebulon",
    "asked_percent",
    "Signature Blend is",
    ANTHROPIC_KEY,
]


class Processes:
    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self.running: list[asyncio.subprocess.Process] = []

    async def start(self, *arguments: str) -> None:
        with (self.folder / f"{arguments[0]}.log").open("wb") as log:
            command = [sys.executable, "-c", "from app.cli import main; main()", *arguments]
            self.running.append(
                await asyncio.create_subprocess_exec(*command, env=self.environment, stdout=log, stderr=log)
            )

    async def fail(self, name: str, **told: str) -> str:
        """A worker that cannot begin with what it is told: its last words."""
        with (self.folder / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-c", "from app.cli import main; main()", "worker"]
            process = await asyncio.create_subprocess_exec(
                *command, env=self.environment | told, stdout=log, stderr=log
            )
            assert await asyncio.wait_for(process.wait(), 60) != 0, name
        lines = (self.folder / f"{name}.log").read_text().splitlines()
        return " ".join(line for line in lines if " DEBUG " not in line)

    async def stop(self) -> None:
        for process in self.running:
            if process.returncode is None:
                process.terminate()
        await asyncio.gather(*(process.wait() for process in self.running))

    def written(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@asynccontextmanager
async def processes(environment: dict[str, str], folder: Path) -> AsyncIterator[Processes]:
    made = Processes(environment, folder)
    try:
        yield made
    finally:
        await made.stop()


async def until(check: Any, what: str) -> Any:
    for _ in range(2400):
        if (found := await check()) is not None:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{what} did not happen")


@pytest.mark.timeout(600)
async def test_whole_journeys_leave_nothing_of_anybody_in_the_logs(
    database: EmbeddedServer, engine: AsyncEngine, tmp_path: Path
) -> None:
    company = await make.make_company(engine)
    async with transaction(engine, company_id=company.id) as session:
        await stock(session, company.id)
        sk = await issue_key(session, KeyKind.SECRET, company_id=company.id)
        pk = await issue_key(session, KeyKind.PUBLISHABLE, company_id=company.id)
    await live_at(engine, START)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MOMENTUM_", "ANTHROPIC_"))}
    async with messages_api.serving() as claude, smtp.serving() as mail:
        environment = own | {
            "MOMENTUM_DATABASE_URL": database.app_url,
            "MOMENTUM_DATA_DIR": str(tmp_path),
            "MOMENTUM_SIGNING_KEY": PASSWORDS["signing-key"],
            "MOMENTUM_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "MOMENTUM_SMTP_URL": f"smtp://relay:{PASSWORDS['relay']}@127.0.0.1:{mail.port}?starttls=never",
            "MOMENTUM_TWILIO_ACCOUNT_SID": ACCOUNT,
            "MOMENTUM_TWILIO_AUTH_TOKEN": PASSWORDS["twilio"],
            "MOMENTUM_TWILIO_FROM": "+15005550006",
            "MOMENTUM_DEEPGRAM_API_KEY": PASSWORDS["deepgram"],
            "MOMENTUM_EMAIL_FROM": "hello@shop.example",
            "MOMENTUM_LOG_LEVEL": "DEBUG",
            "ANTHROPIC_API_KEY": ANTHROPIC_KEY,
            "ANTHROPIC_BASE_URL": claude.url,
            "ANTHROPIC_LOG": "debug",
        }
        async with (
            processes(environment, tmp_path) as running,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
        ):
            mail.password = PASSWORDS["relay"].encode()
            await running.start("serve", "--console", "--port", str(port))
            await running.start("worker")
            told = await running.fail("nowhere", MOMENTUM_DATABASE_URL=nowhere(database))
            assert told.startswith("The database does not answer. Look at MOMENTUM_DATABASE_URL: ")
            told = await running.fail("no-relay", MOMENTUM_SMTP_URL=f"relay:{PASSWORDS['relay']}@127.0.0.1")
            assert told == "MOMENTUM_SMTP_URL: an SMTP address looks like smtp://user:password@host:587."
            journeys = Journeys(client, engine, claude, mail, pk, sk)
            await until(journeys.is_up, "the start")
            tokens = [*await journeys.talk(), *await journeys.be_won_back()]
            await journeys.be_refused()
            await journeys.crash(database)
        written = running.written()
    assert "Uvicorn running on" in written
    assert "request_crashed" in written
    assert "tool_failed" in written
    assert mail.logins
    for secret in (sk, pk, *tokens, *PERSONAL, *PASSWORDS.values(), password_of(database)):
        assert secret not in written, secret


def password_of(database: EmbeddedServer) -> str:
    password = make_url(database.app_url).password
    assert password
    return str(password)


def nowhere(database: EmbeddedServer) -> str:
    """An address at which no database answers."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = make_url(database.app_url).set(host="127.0.0.1", port=port, query={})
    return url.render_as_string(hide_password=False)


async def live_at(engine: AsyncEngine, at: datetime) -> None:
    async with transaction(engine, company_id=None) as session:
        await set_clock(session, at)


class Journeys:
    def __init__(
        self,
        client: httpx.AsyncClient,
        engine: AsyncEngine,
        claude: messages_api.MessagesApi,
        mail: smtp.FakeSmtp,
        pk: str,
        sk: str,
    ) -> None:
        self.client, self.engine, self.claude, self.mail, self.pk, self.sk = client, engine, claude, mail, pk, sk
        self.cart: dict[str, Any] = {}
        self.session_id = ""

    async def call(self, method: str, path: str, key: str, **kwargs: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}", **kwargs.pop("headers", {})}
        return await self.client.request(method, f"/api/momentum{path}", headers=headers, **kwargs)

    async def is_up(self) -> bool | None:
        try:
            return True if (await self.client.get("/healthz")).status_code == 200 else None
        except httpx.TransportError:
            return None

    async def talk(self) -> list[str]:
        """Opened by a person, talked about with a tool call, a stream and a provider that fails."""
        customer = {
            "email": "maya@example.com",
            "firstName": "Maya",
            "lastName": "Okafor",
            "phone": "+15035550111",
            "timezone": "UTC",
            "consents": ["EMAIL"],
        }
        body = {"currency": "USD", "items": [{"sku": "BLEND", "quantity": 1}], "customer": customer}
        self.cart = (await self.call("POST", "/carts", self.pk, json=body)).json()
        token = self.cart["cartToken"]
        opened = await self.call("POST", "/cs/sessions", token, json={"channel": "CHECKOUT_CHAT"})
        self.session_id = opened.json()["id"]
        wish = f'{{"reason": "TOO_EXPENSIVE", "quote": "{QUOTE}"}}'
        self.claude.script(
            Events([started(), *tool_block("record_diagnosis", wish), *ended("tool_use")]),
            Events([started(), *text_block("Signature Blend is in your cart. I understand."), *ended("end_turn")]),
            *[Status(500) for _ in range(8)],
        )
        for headers in ({}, {"accept": "text/event-stream"}):
            said = await self.say(SAID, **headers)
            assert said.status_code == 200, said.text
        return [token]

    async def say(self, words: str, **headers: str) -> httpx.Response:
        path = f"/cs/sessions/{self.session_id}/messages"
        return await self.call("POST", path, self.cart["cartToken"], json={"content": words}, headers=headers)

    async def be_won_back(self) -> list[str]:
        """Left, written to over SMTP; every link of the message opened and posted; opted out."""
        await live_at(self.engine, START + timedelta(hours=3))
        self.claude.script(*[Status(500) for _ in range(40)])

        async def sent() -> dict[str, Any] | None:
            items = (await self.call("GET", f"/outbox?cartId={self.cart['id']}", self.sk)).json()["items"]
            return items[0] if items else None

        message: dict[str, Any] = await until(sent, "an email")
        recovery = message["recoveryUrl"]
        unsubscribe = message["headers"]["List-Unsubscribe"].strip("<>")
        for url in (recovery, unsubscribe):
            assert (await self.client.get(url)).status_code == 200
        back = await self.client.post(recovery, headers={"accept": "application/json"})
        assert back.status_code == 200
        assert (await self.client.post(unsubscribe, data={"List-Unsubscribe": "One-Click"})).status_code == 200
        assert (await self.client.post(recovery + "x")).status_code == 410
        links = [url.rsplit("/", 1)[1] for url in (recovery, unsubscribe)]
        return [*links, back.json()["cartToken"]]

    async def be_refused(self) -> None:
        assert (await self.call("GET", "/outbox", self.sk + "x")).status_code == 401
        assert (await self.call("POST", "/carts", self.pk, content=f'{{"email": "{SAID}')).status_code == 422
        assert (await self.client.get(f"/api/momentum/carts/{self.cart['id']}?q={self.sk}")).status_code == 401
        assert (await self.call("POST", "/carts", self.pk, content=SAID.encode() * 4_000)).status_code == 413
        call = f"/api/momentum/voice/twilio/{uuid7()}/{uuid7()}/answer"
        forged = {"x-twilio-signature": PASSWORDS["twilio"]}
        assert (await self.client.post(call, data={"AccountSid": ACCOUNT}, headers=forged)).status_code == 403
        way_in = {"email": "maya@example.com", "password": PASSWORDS["console"]}
        assert (await self.client.post("/console/sign-in", data=way_in)).status_code == 401

    async def crash(self, database: EmbeddedServer) -> None:
        """Break what a tool and an endpoint write into, so that errors quote the rows."""
        self.claude.script()
        url = make_url(database.owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as owner:
            # The API, the worker and its queue are here now: all as the role that the walls bind.
            others = "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database()"
            roles = owner.execute(f"{others} AND pid <> pg_backend_pid()").fetchall()
            assert roles == [(APP_ROLE,)]
            owner.execute("ALTER TABLE orders ADD CONSTRAINT broken CHECK (total_minor < 0) NOT VALID")
            owner.execute("ALTER TABLE handoffs ADD CONSTRAINT broken CHECK (reason = '') NOT VALID")
            owner.execute("ALTER TABLE customers ADD CONSTRAINT broken CHECK (email = '') NOT VALID")
        assert (await self.say("I want to talk to a person. Zebulon said so.")).status_code == 200
        order = {"orderId": "Zebulon-1", "paymentState": "PAID"}
        assert (await self.call("POST", f"/carts/{self.cart['id']}/convert", self.sk, json=order)).status_code == 500
        body = {"currency": "USD", "items": [], "customer": {"email": "nora.fielding@example.com", "firstName": "Maya"}}
        assert (await self.call("POST", "/carts", self.pk, json=body)).status_code == 500
