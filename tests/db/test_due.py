"""The SQL functions of the ticker: what is due is released once, whoever asks; what was lost comes back."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.base import Base
from db.clock import real_now
from db.embedded import EmbeddedServer, dsn
from db.ids import uuid7
from db.jobs import Job, enqueue
from db.session import transaction
from db.tables.carts import Cart, HoldStatus, InventoryHold
from db.tables.companies import ApiKey, KeyKind, Role, User
from db.tables.delivery import Message, MessageStatus
from db.tables.policy import Channel, Grant, GrantStatus
from db.tables.recovery import CartSaveStage, CartSaveStatus, SaveAttempt, StageEvent, StageEventKind
from tests.factories import NOW, make_cart, make_company, make_customer, make_grant, make_hold, make_product

MINUTE = timedelta(minutes=1)


async def waiting_cart(session: AsyncSession, company_id: UUID, due_at: datetime) -> UUID:
    return (await make_cart(session, company_id=company_id, idle_due_at=due_at)).id


async def waiting_attempt(session: AsyncSession, company_id: UUID, due_at: datetime) -> UUID:
    cart = await make_cart(session, company_id=company_id)
    attempt = SaveAttempt(
        company_id=company_id,
        id=uuid7(),
        cart_id=cart.id,
        current_stage=CartSaveStage.BROWSE_REMINDER,
        due_at=due_at,
        cart_value_minor=100,
        currency="USD",
        status=CartSaveStatus.IN_PROGRESS,
        experiment_arm="TREATMENT",
        abandoned_at=NOW,
        started_at=NOW,
    )
    session.add(attempt)
    await session.flush()
    return attempt.id


async def waiting_message(session: AsyncSession, company_id: UUID, due_at: datetime) -> UUID:
    customer = await make_customer(session, f"{uuid7().hex}@example.com", company_id=company_id)
    cart = await make_cart(session, company_id=company_id, customer=customer)
    message = Message(
        company_id=company_id,
        id=uuid7(),
        cart_id=cart.id,
        customer_id=customer.id,
        abandonment=1,
        channel=Channel.EMAIL,
        to_address="maya@example.com",
        subject="",
        text="",
        html="",
        headers={},
        recovery_url="",
        request_key=uuid7().hex,
        status=MessageStatus.PLANNED,
        due_at=due_at,
        created_at=NOW,
    )
    session.add(message)
    await session.flush()
    return message.id


Due = tuple[UUID, UUID]
Waiting = Callable[[AsyncSession, UUID, datetime], Awaitable[UUID]]
KINDS: dict[str, tuple[Waiting, type[Base]]] = {
    "release_carts": (waiting_cart, Cart),
    "release_attempts": (waiting_attempt, SaveAttempt),
    "release_messages": (waiting_message, Message),
}
DUE_COLUMN = {"release_carts": "idle_due_at", "release_attempts": "due_at", "release_messages": "due_at"}
each_kind = pytest.mark.parametrize("name", KINDS)


async def release(session: AsyncSession, name: str, *, most: int = 100, at: datetime = NOW) -> set[Due]:
    rows = await session.execute(text(f"SELECT company_id, id, step FROM {name}(:at, :most)"), {"at": at, "most": most})
    return {(row.company_id, row.id) for row in rows}


async def wait(engine: AsyncEngine, name: str, *due_at: datetime) -> list[Due]:
    """Rows that wait, each in a company of its own."""
    make, _ = KINDS[name]
    made = []
    for at in due_at:
        company = await make_company(engine)
        async with transaction(engine, company_id=company.id) as session:
            made.append((company.id, await make(session, company.id, at)))
    return made


@each_kind
async def test_what_is_due_is_released_once_and_oldest_first(engine: AsyncEngine, name: str) -> None:
    last, first, later, on_time = await wait(engine, name, NOW - MINUTE, NOW - 2 * MINUTE, NOW + MINUTE, NOW)
    async with transaction(engine, company_id=None) as session:
        assert await release(session, name, most=1) == {first}
        assert await release(session, name) == {last, on_time}
        assert await release(session, name) == set()
    async with transaction(engine, company_id=None) as session:
        assert await release(session, name) == set()
        assert await release(session, name, at=NOW + MINUTE) == {later}


@each_kind
async def test_a_batch_locks_no_more_than_it_takes_whatever_the_planner_does(
    engine: AsyncEngine, database: EmbeddedServer, name: str
) -> None:
    due = await wait(engine, name, *[NOW - n * MINUTE for n in range(5)])
    # It takes the table for empty, and a join to it for one that may be done row by row.
    table = KINDS[name][1].__tablename__
    with psycopg.connect(dsn(database.owner_url)) as owner:
        owner.execute("UPDATE pg_class SET reltuples = 1, relpages = 1000 WHERE relname = %s", [table])
    async with transaction(engine, company_id=None) as session:
        for way in ("hashjoin", "mergejoin", "material", "memoize", "indexscan", "bitmapscan"):
            await session.execute(text(f"SET LOCAL enable_{way} = off"))
        assert await release(session, name, most=2) == set(due[3:])
        async with transaction(engine, company_id=None) as other:
            assert await release(other, name) == set(due[:3])


@each_kind
async def test_two_workers_take_different_batches_and_neither_waits(engine: AsyncEngine, name: str) -> None:
    due = await wait(engine, name, *[NOW - n * MINUTE for n in range(5)])
    async with asyncio.timeout(20), transaction(engine, company_id=None) as one:
        mine = await release(one, name, most=2)
        async with transaction(engine, company_id=None) as other:
            theirs = await release(other, name)
    assert (mine, theirs) == (set(due[3:]), set(due[:3]))


@each_kind
async def test_a_release_that_is_not_committed_releases_nothing(engine: AsyncEngine, name: str) -> None:
    [due] = await wait(engine, name, NOW)
    async with engine.connect() as connection, AsyncSession(connection) as session:
        assert await release(session, name) == {due}
        await session.rollback()
    async with transaction(engine, company_id=None) as session:
        assert await release(session, name) == {due}


@each_kind
async def test_lost_work_is_released_again_and_running_work_is_not(engine: AsyncEngine, name: str) -> None:
    lost, _running = await wait(engine, name, NOW, NOW)
    async with transaction(engine, company_id=None) as session:
        await release(session, name)
    async with transaction(engine, company_id=lost[0]) as session:
        await session.execute(update(KINDS[name][1]).values(released_at=real_now() - 6 * MINUTE))
    async with transaction(engine, company_id=None) as session:
        await session.execute(text("SELECT reclaim_lost(interval '5 minutes')"))
        assert await release(session, name) == {lost}


@each_kind
async def test_what_waits_is_next_until_it_is_released_and_then_under_way(engine: AsyncEngine, name: str) -> None:
    _, (company_id, _) = await wait(engine, name, NOW + MINUTE, NOW)
    async with transaction(engine, company_id=None) as session:
        assert await look(session) == (NOW, False)
        await release(session, name)
        assert await look(session) == (NOW + MINUTE, True)
    async with transaction(engine, company_id=company_id) as session:
        await session.execute(update(KINDS[name][1]).values({DUE_COLUMN[name]: None, "released_at": None}))
        assert await look(session) == (NOW + MINUTE, False)


async def look(session: AsyncSession) -> tuple[datetime | None, bool]:
    """The next due instant, and whether work is under way."""
    due, busy = (await session.execute(text("SELECT next_due(), work_under_way()"))).one()
    return due, busy


async def test_nothing_waits_in_an_empty_shop(engine: AsyncEngine) -> None:
    async with transaction(engine, company_id=None) as session:
        assert await look(session) == (None, False)


async def test_a_queued_job_is_under_way(engine: AsyncEngine) -> None:
    async with transaction(engine, company_id=None) as session:
        await enqueue(session, "run_stage", [Job(company_id=uuid7(), id=uuid7())])
        assert await look(session) == (None, True)


async def expire(session: AsyncSession, *, at: datetime) -> None:
    await session.execute(text("SELECT expire_due(:at)"), {"at": at})


async def test_holds_and_grants_end_at_their_hour(engine: AsyncEngine) -> None:
    company = await make_company(engine)
    async with transaction(engine, company_id=company.id) as session:
        variant = await make_product(session, "ETH-250", company_id=company.id)
        for status in (GrantStatus.PROPOSED, GrantStatus.COMMITTED, GrantStatus.REVOKED):
            cart = await make_cart(session, company_id=company.id)
            await make_grant(session, cart, status=status, lasts=MINUTE)
            await make_hold(session, cart, variant, lasts=2 * MINUTE)
        assert await look(session) == (NOW + MINUTE, False)

    async def ends() -> tuple[set[tuple[GrantStatus, datetime | None]], set[tuple[HoldStatus, datetime | None]]]:
        async with transaction(engine, company_id=company.id) as session:
            grants = await session.execute(select(Grant.status, Grant.ended_at))
            holds = await session.execute(select(InventoryHold.status, InventoryHold.ended_at))
            return {(status, ended) for status, ended in grants}, {(status, ended) for status, ended in holds}

    live, dead = {(HoldStatus.ACTIVE, None)}, {(HoldStatus.EXPIRED, NOW + 2 * MINUTE)}
    untouched = {(GrantStatus.PROPOSED, None), (GrantStatus.COMMITTED, None), (GrantStatus.REVOKED, None)}
    ended = {(GrantStatus.EXPIRED, NOW + MINUTE), (GrantStatus.REVOKED, None)}
    for at, expected in (
        (NOW + MINUTE - timedelta(microseconds=1), (untouched, live)),
        (NOW + MINUTE, (ended, live)),
        (NOW + 2 * MINUTE, (ended, dead)),
        (NOW + 3 * MINUTE, (ended, dead)),
    ):
        async with transaction(engine, company_id=None) as session:
            await expire(session, at=at)
        assert await ends() == expected


async def test_a_hold_in_use_is_left_to_who_uses_it(engine: AsyncEngine) -> None:
    company = await make_company(engine)
    async with transaction(engine, company_id=company.id) as session:
        variant = await make_product(session, "ETH-250", company_id=company.id)
        hold = await make_hold(session, await make_cart(session, company_id=company.id), variant)
    async with asyncio.timeout(20), transaction(engine, company_id=company.id) as buyer:
        await buyer.scalar(select(InventoryHold.id).with_for_update())
        async with transaction(engine, company_id=None) as ticker:
            await expire(ticker, at=hold.expires_at)
    async with transaction(engine, company_id=company.id) as session:
        assert await session.scalar(select(InventoryHold.status)) is HoldStatus.ACTIVE


async def partitions(session: AsyncSession) -> set[str]:
    names = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' AND relname LIKE 'stage_events%'"
    return set(await session.scalars(text(names)))


async def ensure(session: AsyncSession, start: datetime, end: datetime) -> None:
    await session.execute(text("SELECT ensure_partitions(:start, :end)"), {"start": start, "end": end})


async def happen(engine: AsyncEngine, *at: datetime) -> list[str]:
    """Write an event at each instant; the tables where the events lie then."""
    company = await make_company(engine)
    async with transaction(engine, company_id=company.id) as session:
        for instant in at:
            event = StageEvent(
                company_id=company.id,
                id=uuid7(),
                occurred_at=instant,
                attempt_id=uuid7(),
                kind=StageEventKind.ENTERED,
                stage=CartSaveStage.BROWSE_REMINDER,
                step=0,
            )
            session.add(event)
        await session.flush()
        return list(
            await session.scalars(text("SELECT tableoid::regclass::text FROM stage_events ORDER BY occurred_at"))
        )


async def test_partitions_are_made_ahead_by_utc_months(engine: AsyncEngine) -> None:
    async with transaction(engine, company_id=None) as session:
        for _ in range(2):
            await ensure(session, datetime(2026, 11, 22, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        assert await partitions(session) == {
            "stage_events_2026_11",
            "stage_events_2026_12",
            "stage_events_2027_01",
            "stage_events_default",
        }
    new_year = datetime(2027, 1, 1, tzinfo=UTC)
    assert await happen(engine, new_year - timedelta(microseconds=1), new_year, datetime(2027, 2, 1, tzinfo=UTC)) == [
        "stage_events_2026_12",
        "stage_events_2027_01",
        "stage_events_default",
    ]


async def test_a_month_that_began_in_the_default_partition_stays_there(engine: AsyncEngine) -> None:
    assert await happen(engine, NOW) == ["stage_events_default"]
    async with transaction(engine, company_id=None) as session:
        await ensure(session, NOW, NOW + timedelta(days=30))
        assert await partitions(session) == {"stage_events_default", "stage_events_2026_12"}
    assert await happen(engine, NOW, NOW + timedelta(days=30)) == ["stage_events_default", "stage_events_2026_12"]


async def test_two_workers_make_the_same_partitions(engine: AsyncEngine) -> None:
    async def make() -> None:
        async with transaction(engine, company_id=None) as session:
            await ensure(session, NOW, NOW)

    async with asyncio.timeout(20):
        async with transaction(engine, company_id=None) as session:
            await ensure(session, NOW, NOW)
            second = asyncio.create_task(make())
            await somebody_waits(engine, second)
        await second
    async with transaction(engine, company_id=None) as session:
        assert await partitions(session) == {"stage_events_default", "stage_events_2026_11"}


async def somebody_waits(engine: AsyncEngine, follower: asyncio.Task[None]) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with engine.connect() as connection:
        while not await connection.scalar(text(waiting)):
            assert not follower.done(), "the second session was not kept waiting"
            await connection.rollback()


async def test_a_key_and_a_user_are_found_without_a_company(engine: AsyncEngine) -> None:
    company, other = await make_company(engine), await make_company(engine)
    key = ApiKey(
        company_id=company.id, id=uuid7(), kind=KeyKind.SECRET, prefix="", key_hash="h", scopes=[], created_at=NOW
    )
    user = User(
        company_id=other.id, id=uuid7(), email="a@shop.example", password_hash="", role=Role.ADMIN, created_at=NOW
    )
    for row in (key, user):
        async with transaction(engine, company_id=row.company_id) as session:
            session.add(row)
    async with transaction(engine, company_id=None) as session:
        for query, expected in (
            ("find_key('h')", [(company.id, key.id)]),
            ("find_key('H')", []),
            ("find_user('a@shop.example')", [(other.id, user.id)]),
            ("find_user('')", []),
        ):
            assert list(map(tuple, await session.execute(text(f"SELECT company_id, id FROM {query}")))) == expected
