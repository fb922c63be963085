"""A whole shop in one process: the parts as the application puts them together, its clock, and its jobs run here.

`live_until` does what the demo's clock and a worker do together, without waiting for anybody: it steps from due
instant to due instant and runs what was released.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from api.keys import issue_key
from app.jobs import Jobs
from app.parts import Parts, assemble
from app.server import create_server
from app.settings import Settings
from app.worker import tick
from db.clock import read_clock, set_clock
from db.jobs import Job
from db.session import transaction
from db.tables.companies import KeyKind
from graphs.model import Model
from recovery import scheduler
from tests import factories as make

# A Tuesday afternoon, far enough ahead that the real clock never gets there.
START = datetime(2031, 3, 4, 15, 0, tzinfo=UTC)
IDLE = timedelta(minutes=30)
API = "/api/momentum"
# A carrier for `world`, with nothing listening where it would be asked to call.
CARRIER = {
    "twilio_account_sid": f"AC{'1' * 32}",
    "twilio_auth_token": "a token of the tests",
    "twilio_from": "+15005550006",
    "twilio_base_url": "http://127.0.0.1:9",
}


@dataclass(frozen=True)
class Ran:
    name: str
    job: Job


@dataclass
class World:
    """One database with its shops, seen over HTTP and by its worker."""

    engine: AsyncEngine
    parts: Parts
    client: httpx.AsyncClient
    ran: list[Ran] = field(default_factory=list)

    async def now(self) -> datetime:
        async with transaction(self.engine, company_id=None) as session:
            return await read_clock(session)

    async def set_time(self, at: datetime) -> None:
        async with transaction(self.engine, company_id=None) as session:
            await set_clock(session, at)

    async def next_due(self) -> datetime | None:
        async with transaction(self.engine, company_id=None) as session:
            return await scheduler.next_due(session)

    async def queued(self) -> list[Ran]:
        """Take the jobs out of the queue, in the order in which they came."""
        async with transaction(self.engine, company_id=None) as session:
            rows = await session.execute(
                text("DELETE FROM pgqueuer WHERE status = 'queued' RETURNING id, entrypoint, payload")
            )
            return [Ran(row.entrypoint, Job.model_validate_json(row.payload)) for row in sorted(rows)]

    async def run(self, ran: Ran) -> None:
        await Jobs(self.parts).entrypoints()[ran.name](ran.job)

    async def work(self) -> None:
        """Do everything that is due now."""
        while True:
            released = await tick(self.engine)
            jobs = await self.queued()
            for each in jobs:
                await self.run(each)
                self.ran.append(each)
            if not released and not jobs:
                return

    async def live_until(self, at: datetime) -> None:
        await self.work()
        while (due := await self.next_due()) is not None and due <= at:
            await self.set_time(due)
            await self.work()
        await self.set_time(at)
        await self.work()

    def speaking(self, model: Model) -> None:
        """Let the planner write with a model."""
        self.parts = replace(self.parts, planner=replace(self.parts.planner, model=model))


@dataclass
class Shop:
    """A company with keys, and what its server and its widget send."""

    world: World
    id: UUID
    sk: str
    pk: str

    def session(self) -> Any:
        return transaction(self.world.engine, company_id=self.id)

    async def call(self, method: str, path: str, *, key: str | None = None, **kwargs: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.sk}", **kwargs.pop("headers", {})}
        return await self.world.client.request(method, API + path, headers=headers, **kwargs)

    async def open_cart(
        self,
        *skus: str,
        email: str | None = "maya@example.com",
        consents: tuple[str, ...] = ("EMAIL",),
        currency: str = "USD",
        **customer: str,
    ) -> dict[str, Any]:
        body: dict[str, Any] = {"currency": currency, "items": [{"sku": sku, "quantity": 1} for sku in skus]}
        if email is not None:
            body["customer"] = {"email": email, "firstName": "Maya", "timezone": "UTC", "consents": list(consents)}
            body["customer"] |= customer
        answer = await self.call("POST", "/carts", key=self.pk, json=body)
        assert answer.status_code == 201, answer.text
        cart: dict[str, Any] = answer.json()
        return cart

    async def attempts(self, cart_id: str) -> list[dict[str, Any]]:
        answer = await self.call("GET", f"/cart-save?cartId={cart_id}")
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def attempt(self, cart_id: str) -> dict[str, Any]:
        (only,) = await self.attempts(cart_id)
        return only

    async def outbox(self, cart_id: str) -> list[dict[str, Any]]:
        """What was sent, oldest first."""
        answer = await self.call("GET", f"/outbox?cartId={cart_id}")
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items[::-1]

    async def configure(self, config: dict[str, Any]) -> dict[str, Any]:
        answer = await self.call("PUT", "/cart-save/config", json=config)
        assert answer.status_code == 200, answer.text
        stored: dict[str, Any] = answer.json()
        return stored

    async def convert(self, cart_id: str, order_id: str = "1001", state: str = "PAID") -> httpx.Response:
        return await self.call("POST", f"/carts/{cart_id}/convert", json={"orderId": order_id, "paymentState": state})

    async def rows(self, query: Any) -> list[Any]:
        async with self.session() as session:
            return list(await session.scalars(query))


@asynccontextmanager
async def world(engine: AsyncEngine, **more: str) -> AsyncIterator[World]:
    """The application over this database, with no key and no mail server: templates and the local outbox. `more` are
    settings."""
    url = engine.url.render_as_string(hide_password=False)
    settings = Settings.model_validate(
        {
            "signing_key": "a signing key for tests, 32 characters or more",
            "database_url": url,
            "public_url": "http://shop.test",
            "email_from": "hello@shop.test",
            "smtp_url": None,
            "ANTHROPIC_API_KEY": None,
            **more,
        }
    )
    parts = assemble(settings, url)
    transport = httpx.ASGITransport(create_server(parts), raise_app_exceptions=False, client=("203.0.113.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        living = World(engine, parts, client)
        await living.set_time(START)
        yield living
    await parts.aclose()


async def open_shop(world: World, name: str = "Wren Coffee", **company: str) -> Shop:
    """Sells BLEND for 24.99, MUG for 17.99 and FILTERS for 6.50; delivery is 5.99, free from 50."""
    made = await make.make_company(world.engine, name=name, **company)
    async with transaction(world.engine, company_id=made.id) as session:
        await stock(session, made.id)
        return Shop(
            world,
            made.id,
            sk=await issue_key(session, KeyKind.SECRET, company_id=made.id),
            pk=await issue_key(session, KeyKind.PUBLISHABLE, company_id=made.id),
        )


async def stock(session: AsyncSession, company_id: UUID) -> None:
    for sku, name, price in (
        ("BLEND", "Signature Blend", 24_99),
        ("MUG", "Wren Mug", 17_99),
        ("FILTERS", "Filters", 6_50),
    ):
        await make.make_product(session, sku, company_id=company_id, name=name, prices={"USD": price}, on_hand=50)
    await make.make_shipping_rate(session, company_id=company_id)
