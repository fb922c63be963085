"""Each invariant of the fault run is shown a planted violation, and sees that one alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.embedded import EmbeddedServer
from db.ids import uuid7
from tests.chaos.checks import check_all
from tests.chaos.evidence import Copy, Evidence, load
from tests.chaos.fleet import owner_address
from tests.chaos.invariants import Invariant
from tests.chaos.plan import Act
from tests.chaos.shoppers import Acknowledged
from tests.chaos.timeline import Timeline
from tests.factories import NOW
from tests.recovery.acts import convert, opt_out
from tests.recovery.shops import Shop, after, open_shop

KEY = "a signing key for tests, 32 characters or more"
I = Invariant  # noqa: E741  # the table below is read as columns


@dataclass
class World:
    """Maya's first cart was written about and bought, her second one was stopped."""

    server: EmbeddedServer
    acknowledged: list[Acknowledged]

    def plant(self, statement: str) -> None:
        with psycopg.connect(owner_address(self.server)) as owner:
            owner.execute("SET session_replication_role = replica")  # no foreign key stands in the way
            owner.execute(statement)

    def evidence(self) -> Evidence:
        found = load(
            owner_address(self.server),
            copies=[],
            acknowledged=self.acknowledged,
            timeline=Timeline([(NOW - timedelta(days=1), timedelta())]),
            signing_key=KEY,
            now=after(days=2),
        )
        found.copies = [Copy(row["id"], row["sent_at"]) for row in found.rows["messages"] if row["sent_at"] is not None]
        found.exit_codes = {"worker-0": 0}
        return found


@pytest.fixture
async def world(engine: AsyncEngine, database: EmbeddedServer) -> World:
    shop = await open_shop(engine)
    await shop.consent()
    bought, stopped = await shop.cart(), await shop.cart()
    attempt = await _written_to(shop, bought)
    await convert(shop, attempt, "1001", at=after(hours=3))
    await shop.chat_offer(stopped, at=after(hours=2))
    await shop.start(stopped)
    await opt_out(shop)
    acts = [Acknowledged(Act.CONVERT, 0, str(bought), "1001"), Acknowledged(Act.OPT_OUT, 0, str(stopped))]
    made = World(database, acts)
    made.plant("DELETE FROM pgqueuer")  # the send job, which was run here by hand
    return made


async def _written_to(shop: Shop, cart_id: object) -> object:
    attempt_id = await shop.start(cart_id)  # type: ignore[arg-type]  # an id
    await shop.run(attempt_id, at=after(minutes=15))
    await shop.run(attempt_id, at=after(hours=1))
    (message,) = await shop.messages()
    await shop.send(message.id, at=after(hours=1))
    return attempt_id


def test_a_whole_world_breaks_nothing(world: World) -> None:
    evidence = world.evidence()
    tally = check_all(evidence)
    assert tally.violations == []
    assert {each for each in Invariant if not tally.checked[each]} == set()
    assert len(evidence.copies) == 1


STOPPED = "(SELECT id FROM save_attempts WHERE outcome = 'CANCELLED')"

PLANTED: list[tuple[Invariant, str]] = [
    (I.NOTHING_LOST, "DELETE FROM orders"),
    (I.NOTHING_LOST, "DELETE FROM suppressions"),
    (I.NOTHING_LOST, "UPDATE save_attempts SET status = 'IN_PROGRESS', outcome = NULL WHERE outcome = 'CANCELLED'"),
    (I.NOTHING_LOST, "UPDATE save_attempts SET due_at = NULL, step = 4 WHERE outcome = 'CANCELLED'"),
    (I.NOTHING_LOST, f"DELETE FROM save_attempts WHERE id IN {STOPPED}"),
    (I.NOTHING_LOST, "UPDATE messages SET status = 'FAILED', reason = '550'"),
    (
        I.STAGE_ONCE,
        "INSERT INTO stage_events SELECT company_id, gen_random_uuid(), occurred_at, attempt_id, stage, "
        "previous_stage, step, kind, reason FROM stage_events WHERE kind = 'RAN'",
    ),
    (I.GATE, "DELETE FROM consent_records WHERE state = 'CONFIRMED'"),
    (I.GATE, "UPDATE suppressions SET created_at = created_at - interval '2 hours'"),
    (I.GATE, "UPDATE customers SET timezone = 'Asia/Tokyo'"),
    (I.GATE, "DELETE FROM contact_decisions WHERE phase = 'DISPATCH'"),
    (I.GATE, "UPDATE contact_decisions SET decided_at = decided_at - interval '3 minutes' WHERE phase = 'DISPATCH'"),
    (I.GATE, "UPDATE messages SET to_address = 'somebody@else.example'"),
    (I.CAPS, "UPDATE grants SET percent = 11, cap_percent = 100"),
    (
        I.CAPS,
        "INSERT INTO flow_config_versions VALUES ((SELECT id FROM companies), 9, "
        """'{"offers": {"dailyBudget": {"USD": 0.01}}}', 'x', now())""",
    ),
    (I.ORDER_STOPS, "UPDATE carts SET status = 'ABANDONED' WHERE status = 'CONVERTED'"),
    (I.EXPLAINED, "UPDATE interventions SET status = 'SCHEDULED'"),
    (I.EXPLAINED, "UPDATE messages SET status = 'UNKNOWN', reason = NULL"),
    (I.EXPLAINED, "UPDATE stage_events SET reason = NULL WHERE kind = 'SKIPPED'"),
    (I.EXPLAINED, f"UPDATE stage_events SET kind = 'DEFERRED', reason = 'x' WHERE attempt_id IN {STOPPED}"),
    (I.NOTHING_HELD, "UPDATE carts SET released_at = now()"),
    (
        I.NOTHING_HELD,
        "INSERT INTO chat_leases SELECT id, gen_random_uuid(), gen_random_uuid(), now() - interval '1 hour' "
        "FROM companies",
    ),
]


@pytest.mark.parametrize(("invariant", "statement"), PLANTED)
def test_a_planted_violation_is_seen(world: World, invariant: Invariant, statement: str) -> None:
    world.plant(statement)
    assert check_all(world.evidence()).broken == {invariant}


def _second_copy(evidence: Evidence) -> Evidence:
    return replace(evidence, copies=evidence.copies * 2)


def _never_came(evidence: Evidence) -> Evidence:
    return replace(evidence, copies=[])


def _from_nowhere(evidence: Evidence) -> Evidence:
    return replace(evidence, copies=[*evidence.copies, Copy(uuid7(), NOW)])


def _much_too_late(evidence: Evidence) -> Evidence:
    late = [replace(copy, at=copy.at + timedelta(minutes=1)) for copy in evidence.copies]
    moved = {row["id"]: row for row in evidence.rows["orders"]}
    for row in moved.values():
        row["placed_at"] = late[0].at - timedelta(minutes=2)
    return replace(evidence, copies=late)


def _not_stopped(evidence: Evidence) -> Evidence:
    return replace(evidence, exit_codes={"api-0": None})


SEEN_OUTSIDE: list[tuple[Invariant, Callable[[Evidence], Evidence]]] = [
    (I.ONE_MESSAGE, _second_copy),
    (I.NOTHING_LOST, _never_came),
    (I.NOTHING_LOST, _from_nowhere),
    (I.NOTHING_HELD, _not_stopped),
]


@pytest.mark.parametrize(("invariant", "change"), SEEN_OUTSIDE)
def test_what_the_relay_and_the_processes_show_is_seen(
    world: World, invariant: Invariant, change: Callable[[Evidence], Evidence]
) -> None:
    assert check_all(change(world.evidence())).broken == {invariant}


def test_a_mail_after_its_order_is_seen(world: World) -> None:
    assert check_all(_much_too_late(world.evidence())).broken == {I.ORDER_STOPS, I.GATE}


def test_two_live_grants_are_seen(world: World) -> None:
    world.plant("DROP INDEX uq_grants_live")
    world.plant(
        "INSERT INTO grants SELECT company_id, gen_random_uuid(), cart_id, person_key, kind, percent, benefit_minor, "
        "currency, source, stage, reason, policy_version, cap_percent, status, personalised, "
        "gen_random_uuid()::text, created_at, committed_at, ended_at, expires_at FROM grants"
    )
    assert check_all(world.evidence()).broken == {I.ONE_GRANT}
