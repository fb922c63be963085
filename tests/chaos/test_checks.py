"""Each invariant of the fault run is shown a planted violation, and sees that one alone."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.embedded import EmbeddedServer, dsn
from db.ids import uuid7
from tests.chaos.checks import check_all
from tests.chaos.drive import Played
from tests.chaos.evidence import Copy, Evidence, load, locks_held
from tests.chaos.fleet import Fleet, owner_address
from tests.chaos.invariants import Invariant
from tests.chaos.plan import EVERY_KIND, MENU, Act, Target, make_plan
from tests.chaos.run import shortfalls
from tests.chaos.shoppers import Acknowledged, Crowd
from tests.chaos.timeline import Timeline
from tests.chaos.world import TIGHTENED
from tests.factories import NOW
from tests.fakes.smtp import FakeSmtp, Kind, Stage, kind_of
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
            locks=0,
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
]


@pytest.mark.parametrize(("invariant", "statement"), PLANTED)
def test_a_planted_violation_is_seen(world: World, invariant: Invariant, statement: str) -> None:
    world.plant(statement)
    assert check_all(world.evidence()).broken == {invariant}


LEFT: dict[str, str] = {
    "releases": "UPDATE messages SET released_at = now()",
    "jobs": "INSERT INTO pgqueuer (priority, status, entrypoint) VALUES (0, 'queued', 'send_message')",
    "leases": "INSERT INTO chat_leases SELECT id, gen_random_uuid(), gen_random_uuid(), now() + interval '1 hour' "
    "FROM companies",
    "turns": "INSERT INTO chat_turns (company_id, id, session_id, position, status, started_at) "
    "SELECT id, gen_random_uuid(), gen_random_uuid(), 1, 'RUNNING', now() FROM companies",
    "answers that never came": "INSERT INTO idempotency_keys (company_id, principal, route, key, request_hash, "
    "created_at) SELECT id, 'x', 'x', 'x', 'x', now() FROM companies",
    "holds past their time": "INSERT INTO inventory_holds (company_id, id, cart_id, variant_id, quantity, status, "
    "placed_at, expires_at, renewable_until) SELECT id, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, "
    "'ACTIVE', '2026-11-22', '2026-11-23', '2026-11-23' FROM companies",
    "grants past their time": "UPDATE grants SET expires_at = committed_at + interval '1 minute'",
}


def test_whatever_is_left_over_is_seen(world: World) -> None:
    for statement in LEFT.values():
        world.plant(statement)
    left = world.evidence().leftovers
    assert {name for name, number in left.items() if number} == set(LEFT)
    assert left.keys() - LEFT.keys() == {"locks"}


def _with_more(evidence: Evidence, *later: timedelta, same_intervention: bool = False) -> Evidence:
    """More mails of the same abandonment, allowed and arrived so much after the first; nobody has opted out yet."""
    rows = dict(evidence.rows)
    (first,) = rows["messages"]
    (allowed,) = (row for row in rows["contact_decisions"] if row["message_id"] == first["id"])
    rows["suppressions"] = [row | {"created_at": after(days=60)} for row in rows["suppressions"]]
    copies = evidence.copies
    for each in later:
        at, message_id = first["sent_at"] + each, uuid7()
        intervention = first["intervention_id"] if same_intervention else uuid7()
        another = first | {"id": message_id, "intervention_id": intervention, "sent_at": at}
        rows["messages"] = [*rows["messages"], another]
        # Under its old id, which says that the order was still to come.
        permission = allowed | {"message_id": message_id, "decided_at": at}
        rows["contact_decisions"] = [*rows["contact_decisions"], permission]
        copies = [*copies, Copy(message_id, at)]
    return replace(evidence, rows=rows, copies=copies)


DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# What is said, when more mails came after the first, and whether that was opened.
CROWDED: list[tuple[str, list[timedelta], bool]] = [
    ("more than 1 within 1:00:00", [HOUR / 2], False),
    ("more than 4 within 1 day", [1.5 * HOUR * number for number in range(1, 5)], False),
    ("more than 7 within 7 days", [2 * HOUR, *(day * DAY + late * HOUR for day in (1, 2, 3) for late in (0, 2))], True),
    ("6 mails had come about this abandonment", [3 * DAY * number for number in range(1, 7)], False),
    ("10 mails had come about this abandonment", [3 * DAY * number for number in range(1, 11)], True),
]


@pytest.mark.parametrize(("detail", "later", "opened"), CROWDED)
def test_mails_that_crowd_are_seen(world: World, detail: str, later: list[timedelta], *, opened: bool) -> None:
    evidence = world.evidence()
    evidence.rows["messages"][0]["opened_at"] = NOW if opened else None
    assert check_all(_with_more(evidence, *later[:-1])).violations == []
    tally = check_all(_with_more(evidence, *later))
    assert tally.broken == {I.GATE}
    assert [each for each in tally.violations if detail in each.detail]


def test_two_messages_of_an_intervention_are_seen(world: World) -> None:
    assert check_all(_with_more(world.evidence(), DAY)).violations == []
    assert check_all(_with_more(world.evidence(), DAY, same_intervention=True)).broken == {I.ONE_MESSAGE}


def test_a_stage_that_contacts_twice_is_seen(world: World) -> None:
    evidence = world.evidence()
    evidence.rows["interventions"] += [row | {"id": uuid7()} for row in evidence.rows["interventions"]]
    assert check_all(evidence).broken == {I.STAGE_ONCE}


def test_an_incentive_on_another_cart_within_the_cool_down_is_seen(world: World) -> None:
    evidence = world.evidence()
    (given,) = evidence.rows["grants"]
    bought = evidence.rows["messages"][0]["cart_id"]
    again = given | {"id": uuid7(), "cart_id": bought, "status": "REDEEMED"}
    evidence.rows["grants"].append(again | {"committed_at": given["committed_at"] + 90 * DAY})
    assert check_all(evidence).violations == []
    evidence.rows["grants"].append(again | {"committed_at": given["committed_at"] + 89 * DAY})
    assert check_all(evidence).broken == {I.CAPS}


def _said(evidence: Evidence, *, turns: int = 1, spoken: int = 1, answer: str = "Yes. It is 10% off.") -> Evidence:
    """A shopper asked under a key, and was answered."""
    cart = str(evidence.rows["messages"][0]["cart_id"])
    session = uuid7()
    for _ in range(turns):
        turn = {"id": uuid7(), "session_id": session, "request_key": "k", "status": "DONE"}
        told = [("USER", "A discount?")] * spoken + [("ASSISTANT", "Yes."), ("ASSISTANT", " It is 10% off.")]
        evidence.rows["chat_turns"].append(turn)
        evidence.rows["chat_messages"] += [
            {"turn_id": turn["id"], "position": place, "role": role, "content": text}
            for place, (role, text) in enumerate(told)
        ]
    asked = Acknowledged(Act.HAGGLE, 0, cart, session_id=str(session), key="k", answer=answer)
    return replace(evidence, acknowledged=[*evidence.acknowledged, asked])


def test_an_answer_of_the_chat_that_is_not_kept_once_is_seen(world: World) -> None:
    assert check_all(_said(world.evidence())).violations == []
    assert check_all(_said(world.evidence(), turns=0)).broken == {I.NOTHING_LOST}
    assert check_all(_said(world.evidence(), turns=2)).broken == {I.NOTHING_LOST}
    assert check_all(_said(world.evidence(), spoken=2)).broken == {I.NOTHING_LOST}
    assert check_all(_said(world.evidence(), answer="No.")).broken == {I.NOTHING_LOST}


def test_a_config_that_was_put_in_force_and_is_gone_is_seen(world: World) -> None:
    world.acknowledged.append(Acknowledged(Act.TIGHTEN, -1))
    evidence = world.evidence()
    assert check_all(evidence).broken == {I.NOTHING_LOST}
    company = evidence.rows["companies"][0]["id"]
    version = {"company_id": company, "version": 1, "config": TIGHTENED, "created_at": after(days=1)}
    evidence.rows["flow_config_versions"].append(version)
    assert check_all(evidence).violations == []


def _second_copy(evidence: Evidence) -> Evidence:
    return replace(evidence, copies=evidence.copies * 2)


def _never_came(evidence: Evidence) -> Evidence:
    return replace(evidence, copies=[])


def _from_nowhere(evidence: Evidence) -> Evidence:
    return replace(evidence, copies=[*evidence.copies, Copy(uuid7(), NOW)])


def _allowed_after_the_order(evidence: Evidence) -> Evidence:
    for row in evidence.rows["contact_decisions"]:
        row["id"] = uuid7()
    return evidence


def _one_lock(evidence: Evidence) -> Evidence:
    return replace(evidence, leftovers=evidence.leftovers | {"locks": 1})


def _not_stopped(evidence: Evidence) -> Evidence:
    return replace(evidence, exit_codes={"api-0": None})


SEEN_OUTSIDE: list[tuple[Invariant, Callable[[Evidence], Evidence]]] = [
    (I.ONE_MESSAGE, _second_copy),
    (I.NOTHING_LOST, _never_came),
    (I.NOTHING_LOST, _from_nowhere),
    (I.NOTHING_HELD, _not_stopped),
    (I.NOTHING_HELD, _one_lock),
]


@pytest.mark.parametrize(("invariant", "change"), SEEN_OUTSIDE)
def test_what_the_relay_and_the_processes_show_is_seen(
    world: World, invariant: Invariant, change: Callable[[Evidence], Evidence]
) -> None:
    assert check_all(change(world.evidence())).broken == {invariant}


def test_a_mail_that_was_allowed_after_its_order_is_seen(world: World) -> None:
    assert check_all(_allowed_after_the_order(world.evidence())).broken == {I.ORDER_STOPS, I.GATE}


async def test_a_lock_that_stays_is_seen(world: World) -> None:
    address = owner_address(world.server)
    with psycopg.connect(dsn(world.server.app_url)) as stuck:
        assert await locks_held(address) == 0
        stuck.execute("SELECT count(*) FROM messages")
        assert await locks_held(address) > 0


def test_two_live_grants_are_seen(world: World) -> None:
    world.plant("DROP INDEX uq_grants_live")
    world.plant(
        "INSERT INTO grants SELECT company_id, gen_random_uuid(), cart_id, person_key, kind, percent, benefit_minor, "
        "currency, source, stage, reason, policy_version, cap_percent, status, personalised, "
        "gen_random_uuid()::text, created_at, committed_at, ended_at, expires_at FROM grants"
    )
    assert check_all(world.evidence()).broken == {I.ONE_GRANT}


def test_two_grants_that_lived_at_once_and_have_ended_are_seen(world: World) -> None:
    evidence = world.evidence()
    (given,) = evidence.rows["grants"]
    ended = given["committed_at"] + HOUR
    given |= {"status": "REVOKED", "ended_at": ended}
    evidence.rows["grants"] = [given, given | {"id": uuid7(), "committed_at": ended}]
    assert check_all(evidence).violations == []
    evidence.rows["grants"] = [given, given | {"id": uuid7(), "committed_at": ended - timedelta(seconds=1)}]
    assert check_all(evidence).broken == {I.ONE_GRANT}


def test_every_plan_begins_with_one_fault_of_each_kind() -> None:
    plan = make_plan(5, people=1, ticks=5)
    early = {kind_of(stage, each) for stage, bad in plan.trouble.items() for each in bad[: len(MENU[stage])]}
    assert early == EVERY_KIND


async def test_a_run_that_tells_too_little_says_so(world: World, tmp_path: Path) -> None:
    plan, relay = make_plan(5, people=12, ticks=20), FakeSmtp()
    async with httpx.AsyncClient() as client:
        crowd = Crowd(plan.people, (), [], relay, client, random.Random())
    planned = sum(tick.kill is not None for tick in plan.ticks)
    fleet = Fleet(tmp_path, {}, 1, [], kills={Target.WORKER: planned // 2})
    played = Played(world.evidence(), fleet, crowd, relay, seconds=1)
    played.evidence.rows["save_attempts"] *= 5
    relay.fired.update(EVERY_KIND)
    tally = check_all(world.evidence())
    assert shortfalls(played, tally, plan) == []

    fleet.kills[Target.WORKER] -= 1
    del played.evidence.rows["save_attempts"][9:]
    del relay.fired[Kind(Stage.CONTENT, "HANG")]
    del tally.checked[I.CAPS]
    assert shortfalls(played, tally, plan) == [
        "never checked: no cap, cool-down or budget passed",
        "never fired: content HANG",
        "9 flows, not 10",
        f"{planned // 2 - 1} kills, not {planned // 2}",
    ]
