"""Three shops with their own zones and limits, and the clock that the run moves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.companies import Keys, NewCompany, NewShippingRate, create_company, issue_keys
from db.clock import read_clock
from db.ids import uuid7
from db.session import transaction
from db.tables.recovery import FlowConfigVersion
from tests import factories as make
from tests.chaos.timeline import Timeline

PRICES = {"BLEND": (24_99, 9_00), "MUG": (17_99, 6_00), "FILTERS": (6_50, 2_00)}
LOW_CAPS = {"chat": 5, "branching": 5, "nuclear": 5, "voice": 5, "exitIntent": 5}
# The second shop lowers its caps in the middle of the run; the third has a budget and longer nights.
CONFIGS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"offers": {"dailyBudget": {"USD": 30}}, "blackoutHours": {"start": 20, "end": 10}},
)
TIGHTENED: dict[str, Any] = {"offers": {"caps": LOW_CAPS}}
ZONES = ("America/New_York", "America/Chicago", "Europe/Berlin")


@dataclass(frozen=True)
class Shop:
    id: UUID
    keys: Keys


async def open_shops(engine: AsyncEngine, *, people: int) -> tuple[Shop, ...]:
    return tuple([await _open_shop(engine, number, people) for number in range(len(CONFIGS))])


async def _open_shop(engine: AsyncEngine, number: int, people: int) -> Shop:
    company_id = uuid7()
    new = NewCompany(
        id=company_id,
        name=f"Wren {number}",
        legal_name=f"Wren {number} LLC",
        postal_address="1 Example Street, Portland, OR 97201",
        support_email="hello@shop.example",
        currency="USD",
        timezone=ZONES[number],
        country="US",
        shipping_rates=(NewShippingRate("USD", "Standard", Decimal("5.99"), Decimal(50)),),
    )
    async with transaction(engine, company_id=company_id) as session:
        now = await read_clock(session)
        await create_company(session, new, now=now)
        keys = await issue_keys(session, company_id=company_id)
        for sku, (price, cost) in PRICES.items():
            await make.make_product(
                session,
                sku,
                company_id=company_id,
                name=f"Wren {sku.title()}",
                prices={"USD": price},
                unit_cost_minor=cost,
                on_hand=10 * people,
            )
        if CONFIGS[number]:
            await publish(session, company_id, CONFIGS[number], version=1, now=now)
    return Shop(company_id, keys)


async def publish(
    session: AsyncSession, company_id: UUID, config: dict[str, Any], *, version: int, now: datetime
) -> None:
    row = {"company_id": company_id, "version": version, "config": config, "changed_by": "a merchant"}
    await session.execute(insert(FlowConfigVersion), [{**row, "created_at": now}])


async def move_clock(engine: AsyncEngine, to: timedelta, timeline: Timeline) -> None:
    """Set the shop's offset from real time; it never goes back."""
    async with transaction(engine, company_id=None) as session:
        moved = await session.execute(
            text('UPDATE clock SET "offset" = greatest("offset", :to) RETURNING "offset", clock_timestamp()'),
            {"to": to},
        )
        offset, at = moved.one()
    timeline.jumped(at.astimezone(UTC), offset)
