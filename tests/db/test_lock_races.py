"""Each lock of the product with two sessions that want it: the second one waits. The source and the schema are walked,
so a lock that is added without its race fails here."""

import ast
import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from api.repository import RateRepository
from db.embedded import EmbeddedServer, dsn
from db.session import transaction
from db.tables.carts import Cart, InventoryHold
from db.tables.catalogue import Stock
from db.tables.conversations import ChatTurn
from db.tables.delivery import Message
from db.tables.platform import RateWindow
from db.tables.policy import Grant
from db.tables.recovery import SaveAttempt
from db.tables.voice import VoiceCall
from db.upgrade import UPGRADE_LOCK, upgrade
from delivery.repository import MessageRepository
from graphs.conversations.repository import TurnRepository
from graphs.voice_call.repository import VoiceCallRepository
from knowledge.repository import KnowledgeRepository
from policy.contact.repository import ContactRepository
from policy.offers.repository import OfferRepository
from recovery.repository import AttemptRepository
from storefront.carts.repository import CartRepository
from storefront.catalogue.repository import CatalogueRepository
from storefront.holds.repository import HoldRepository
from storefront.triggers.repository import TriggerRepository
from tests.db.rows import COMPANY, insert_row
from tests.factories import NOW
from tests.policy.races import race, somebody_waits
from tools.repository import ToolCallRepository
from voice.calls.repository import CallRepository
from voice.eligibility.repository import FactRepository

ROOT = Path(__file__).parents[2]
ROOMS: tuple[str, ...] = (
    "agents",
    "analytics",
    "api",
    "app",
    "db",
    "delivery",
    "experiments",
    "graphs",
    "knowledge",
    "policy",
)
ROOMS += ("recovery", "storefront", "tools", "voice", "web")
LOCKING = ("with_for_update", "pg_advisory", "SKIP LOCKED", "FOR UPDATE")
Row = dict[str, Any]
Take = Callable[[AsyncSession, Row], Awaitable[object]]

# The table of the row that is locked (None: a name is), and how it is locked.
LOCKS: dict[str, tuple[Any, Take]] = {
    "MessageRepository.get_for_update": (
        Message,
        lambda s, row: MessageRepository(s).get_for_update(row["id"], company_id=COMPANY),
    ),
    "MessageRepository.lock_planned": (
        Message,
        lambda s, row: MessageRepository(s).lock_planned(
            company_id=COMPANY, cart_id=row["cart_id"], customer_id=None, channel=None
        ),
    ),
    "TurnRepository.lock_running": (
        ChatTurn,
        lambda s, row: TurnRepository(s).lock_running(row["id"], company_id=COMPANY),
    ),
    "VoiceCallRepository.get_for_update": (
        VoiceCall,
        lambda s, row: VoiceCallRepository(s).get_for_update(row["id"], company_id=COMPANY),
    ),
    "CallRepository.get_for_update": (
        VoiceCall,
        lambda s, row: CallRepository(s).get_for_update(row["id"], company_id=COMPANY),
    ),
    "CallRepository.still_lost": (
        VoiceCall,
        lambda s, row: CallRepository(s).still_lost(row["id"], company_id=COMPANY, older_than=timedelta()),
    ),
    "FactRepository.lock_lines": (None, lambda s, _: FactRepository(s).lock_lines(company_id=COMPANY)),
    "KnowledgeRepository.lock_imports": (None, lambda s, _: KnowledgeRepository(s).lock_imports(company_id=COMPANY)),
    "CatalogueRepository.lock_imports": (None, lambda s, _: CatalogueRepository(s).lock_imports(company_id=COMPANY)),
    "ContactRepository.lock_person": (None, lambda s, _: ContactRepository(s).lock_person("p", company_id=COMPANY)),
    "OfferRepository._lock": (None, lambda s, _: OfferRepository(s).lock_budget(company_id=COMPANY)),
    "ToolCallRepository.lock": (None, lambda s, _: ToolCallRepository(s).lock("call", company_id=COMPANY)),
    "OfferRepository.lock_cart": (
        Cart,
        lambda s, row: OfferRepository(s).lock_cart(row["id"], company_id=COMPANY),
    ),
    "OfferRepository.lock_grants": (
        Grant,
        lambda s, row: OfferRepository(s).lock_grants(row["cart_id"], company_id=COMPANY),
    ),
    "AttemptRepository.get_for_update": (
        SaveAttempt,
        lambda s, row: AttemptRepository(s).get_for_update(row["id"], company_id=COMPANY),
    ),
    "AttemptRepository.running_for_update": (
        SaveAttempt,
        lambda s, row: AttemptRepository(s).running_for_update(row["cart_id"], company_id=COMPANY),
    ),
    "AttemptRepository.lock_cart": (
        Cart,
        lambda s, row: AttemptRepository(s).lock_cart(row["id"], company_id=COMPANY),
    ),
    "CartRepository.get_for_update": (
        Cart,
        lambda s, row: CartRepository(s).get_for_update(row["id"], company_id=COMPANY),
    ),
    "TriggerRepository.lock_cart": (
        Cart,
        lambda s, row: TriggerRepository(s).lock_cart(row["id"], company_id=COMPANY),
    ),
    "CatalogueRepository.lock_stock": (
        Stock,
        lambda s, row: CatalogueRepository(s).lock_stock([row["variant_id"]], company_id=COMPANY),
    ),
    "HoldRepository.lock_stock": (
        Stock,
        lambda s, row: HoldRepository(s).lock_stock([row["variant_id"]], company_id=COMPANY),
    ),
    "HoldRepository.of_cart": (
        InventoryHold,
        lambda s, row: HoldRepository(s).of_cart(row["cart_id"], company_id=COMPANY),
    ),
}
# Raced below, or where what they do needs more than a lock: file and test.
ELSEWHERE = {
    "upgrade": ("tests/db/test_lock_races.py", "test_two_processes_that_start_at_once_upgrade_in_turn"),
    "RateRepository.forget": ("tests/db/test_lock_races.py", "test_a_window_in_use_is_left_alone"),
    "release_attempts()": ("tests/db/test_due.py", "test_two_workers_take_different_batches_and_neither_waits"),
    "release_carts()": ("tests/db/test_due.py", "test_two_workers_take_different_batches_and_neither_waits"),
    "release_messages()": ("tests/db/test_due.py", "test_two_workers_take_different_batches_and_neither_waits"),
    "expire_due()": ("tests/db/test_due.py", "test_a_hold_in_use_is_left_to_who_uses_it"),
    "ensure_partitions()": ("tests/db/test_due.py", "test_two_workers_make_the_same_partitions"),
}


@pytest.mark.parametrize("name", sorted(LOCKS))
async def test_the_second_session_waits(name: str, engine: AsyncEngine, database: EmbeddedServer) -> None:
    table, take = LOCKS[name]
    row: Row = {} if table is None else await insert_row(database, table.metadata.tables[table.__tablename__])

    async def lock(session: AsyncSession) -> bool:
        await take(session, row)
        return True

    # Fails when the second one does not have to wait.
    assert await race(engine, lock, lock, company_id=COMPANY) == (True, True)


async def test_a_window_in_use_is_left_alone(engine: AsyncEngine, database: EmbeddedServer) -> None:
    row = await insert_row(database, RateWindow.metadata.tables["rate_windows"], begins_at=NOW)
    async with transaction(engine, company_id=COMPANY) as user:
        await user.execute(text("SELECT FROM rate_windows FOR UPDATE"))
        async with asyncio.timeout(20), transaction(engine, company_id=COMPANY) as other:
            await RateRepository(other).forget(before=row["begins_at"].replace(year=2090), company_id=COMPANY)
        assert await user.scalar(text("SELECT count(*) FROM rate_windows")) == 1
    async with transaction(engine, company_id=COMPANY) as session:
        await RateRepository(session).forget(before=row["begins_at"].replace(year=2090), company_id=COMPANY)
        assert await session.scalar(text("SELECT count(*) FROM rate_windows")) == 0


async def test_two_processes_that_start_at_once_upgrade_in_turn(database: EmbeddedServer) -> None:
    owner = create_async_engine(database.owner_url)
    async with owner.begin() as first:
        await first.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        second = asyncio.create_task(asyncio.to_thread(upgrade, database.owner_url))
        await somebody_waits(owner, second)
    await second
    await owner.dispose()


def _locks_in_source() -> Iterator[str]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            tree = ast.parse(path.read_text())
            owners = {
                id(node): each.name for each in ast.walk(tree) if isinstance(each, ast.ClassDef) for node in each.body
            }
            for constant in tree.body:  # a statement that is written once locks for whoever runs it
                if isinstance(constant, ast.Assign | ast.AnnAssign) and _locks(ast.unparse(constant)):
                    yield f"{path.relative_to(ROOT)}: {ast.unparse(constant)[:40]}"
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    body = "\n".join(ast.unparse(each) for each in node.body if not _is_docstring(each))
                    if _locks(body):
                        owner = owners.get(id(node))
                        yield node.name if owner is None else f"{owner}.{node.name}"


def _locks(source: str) -> bool:
    return any(word in source for word in LOCKING)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _locks_in_schema(database: EmbeddedServer) -> Iterator[str]:
    query = (
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
        "AND prosrc ~ '(FOR UPDATE|pg_advisory)' AND proname !~ 'pgqueuer'"
    )
    with psycopg.connect(dsn(database.owner_url)) as owner:
        yield from (f"{name}()" for (name,) in owner.execute(query).fetchall())


def test_every_lock_has_its_race(database: EmbeddedServer) -> None:
    found = {*_locks_in_source(), *_locks_in_schema(database)}
    assert found == {*LOCKS, *ELSEWHERE}
    for file, test in ELSEWHERE.values():
        assert f"def {test}(" in (ROOT / file).read_text()
