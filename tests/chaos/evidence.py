"""What the run left behind: rows of the database, read as its owner, and what the relay took."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from tests.chaos.shoppers import Acknowledged
from tests.chaos.timeline import Timeline
from tests.fakes.smtp import FakeSmtp

Row = dict[str, Any]

TABLES = {
    "companies": "id",
    "customers": "id",
    "carts": "id",
    "orders": "id",
    "save_attempts": "id",
    "stage_events": "occurred_at, id",
    "interventions": "id",
    "messages": "id",
    "message_events": "occurred_at, id",
    "grants": "committed_at, id",
    "contact_decisions": "decided_at, id",
    "consent_records": "recorded_at, id",
    "suppressions": "id",
    "flow_config_versions": "version",
    "chat_turns": "id",
    "chat_messages": "id",
}
# What must be nothing once everything has come to rest and every process is gone; locks are counted before.
LEFTOVERS = {
    "releases": "SELECT count(*) FROM {table} WHERE released_at IS NOT NULL",
    "jobs": "SELECT count(*) FROM pgqueuer WHERE status IN ('queued', 'picked')",
    "leases": "SELECT count(*) FROM chat_leases",
    "turns": "SELECT count(*) FROM chat_turns WHERE status = 'RUNNING'",
    "answers that never came": "SELECT count(*) FROM idempotency_keys WHERE status IS NULL",
    "holds past their time": "SELECT count(*) FROM inventory_holds WHERE status = 'ACTIVE' AND expires_at < %(now)s",
    "grants past their time": "SELECT count(*) FROM grants WHERE status IN ('PROPOSED', 'COMMITTED')"
    " AND expires_at < %(now)s",
}
LOCKS = """
    SELECT pid, locktype, relation, classid, objid, objsubid, transactionid::text, mode FROM pg_locks
    WHERE pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = 'momentum_app')
      AND locktype <> 'virtualxid'
"""
LOOKS, LOOK_EVERY_S = 20, 0.1


@dataclass(frozen=True)
class Copy:
    """A mail that the relay kept; `message_id` is read from its Message-ID."""

    message_id: UUID
    at: datetime


@dataclass
class Evidence:
    rows: dict[str, list[Row]]
    copies: list[Copy]
    acknowledged: Sequence[Acknowledged]
    timeline: Timeline
    leftovers: dict[str, int]
    signing_key: str
    exit_codes: dict[str, int | None] = field(default_factory=dict)

    @cached_property
    def messages(self) -> dict[UUID, Row]:
        return {row["id"]: row for row in self.rows["messages"]}

    @cached_property
    def arrived(self) -> dict[UUID, list[Copy]]:
        found: defaultdict[UUID, list[Copy]] = defaultdict(list)
        for each in self.copies:
            found[each.message_id].append(each)
        return dict(found)

    def by(self, table: str, column: str) -> dict[Any, list[Row]]:
        found: defaultdict[Any, list[Row]] = defaultdict(list)
        for row in self.rows[table]:
            found[row[column]].append(row)
        return found

    @cached_property
    def permissions(self) -> dict[UUID, list[Row]]:
        """Each time a message was allowed to leave."""
        found: defaultdict[UUID, list[Row]] = defaultdict(list)
        for row in self.rows["contact_decisions"]:
            if row["phase"] == "DISPATCH" and row["verdict"] == "ALLOW":
                found[row["message_id"]].append(row)
        return dict(found)

    def contacts(self) -> list[tuple[Row, Copy, Row | None]]:
        """Each mail that arrived, with its message and the permission that it left with."""
        found = []
        for copy in self.copies:
            message = self.messages.get(copy.message_id)
            if message is None:
                continue
            allowed = self.permissions.get(message["id"], ())
            before = [row for row in allowed if self.timeline.real_of(row["decided_at"]) <= copy.at]
            found.append((message, copy, before[-1] if before else None))
        return found


def made_after(later: UUID, earlier: UUID) -> bool:
    """Whether a row was made after another, by the time in their ids (UUIDv7: 48 bits of real milliseconds)."""
    return later.int >> 80 > earlier.int >> 80


def copies_of(relay: FakeSmtp) -> list[Copy]:
    return [Copy(UUID(str(mail.message["Message-ID"]).strip("<>").partition("@")[0]), mail.at) for mail in relay.mails]


async def locks_held(owner_url: str) -> int:
    """Locks of the living processes at rest. A worker that looks for work holds some for milliseconds: a lock counts
    if it is there each time somebody looks."""
    async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as owner:
        held = set(await (await owner.execute(LOCKS)).fetchall())
        for _ in range(LOOKS):
            if not held:
                break
            await asyncio.sleep(LOOK_EVERY_S)
            held &= set(await (await owner.execute(LOCKS)).fetchall())
    return len(held)


def load(
    owner_url: str,
    *,
    copies: list[Copy],
    acknowledged: Sequence[Acknowledged],
    timeline: Timeline,
    signing_key: str,
    now: datetime,
    locks: int,
) -> Evidence:
    """Read everything, past the walls; `now` is the shop's, `locks` were held while the processes lived."""
    with psycopg.connect(owner_url, row_factory=dict_row) as owner:
        rows: dict[str, list[Row]] = {
            table: owner.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
            for table, order in TABLES.items()
        }
        leftovers = {"locks": locks}
        for name, query in LEFTOVERS.items():
            tables = ("save_attempts", "messages", "carts") if "{table}" in query else ("",)
            counts = [owner.execute(query.format(table=table), {"now": now}).fetchone() for table in tables]
            leftovers[name] = sum(row["count"] for row in counts if row is not None)
    return Evidence(rows, copies, acknowledged, timeline, leftovers, signing_key)
