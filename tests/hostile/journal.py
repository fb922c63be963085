"""Every change of every tenant table, noted by the database itself: what the code under test cannot forget to tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from db.base import Base, Tenant
from db.jobs import Job
from db.tables.companies import Company

_INSTALL = """
CREATE UNLOGGED TABLE hostile_journal (
    seq bigint GENERATED ALWAYS AS IDENTITY, tx bigint, op text, tbl text, old jsonb, new jsonb
);
CREATE FUNCTION hostile_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO hostile_journal (tx, op, tbl, new) VALUES (txid_current(), TG_OP, TG_ARGV[0], to_jsonb(NEW));
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO hostile_journal (tx, op, tbl, old, new)
        VALUES (txid_current(), TG_OP, TG_ARGV[0], to_jsonb(OLD), to_jsonb(NEW));
    ELSE
        INSERT INTO hostile_journal (tx, op, tbl, old) VALUES (txid_current(), TG_OP, TG_ARGV[0], to_jsonb(OLD));
    END IF;
    RETURN NULL;
END $$;
"""


@dataclass(frozen=True)
class Change:
    """One row before and after; `tx` is the transaction. Values are as JSON has them."""

    seq: int
    tx: int
    op: str
    table: str
    # Rows of any table, as the database gives them.
    old: dict[str, Any] | None
    new: dict[str, Any] | None

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for row in (self.old, self.new) if row is not None]

    def ids(self, column: str) -> set[UUID]:
        """What both versions of the row name in a column."""
        found = (row.get(column) for row in self.rows)
        return {UUID(value) for value in found if isinstance(value, str)}


def tenant_tables() -> list[str]:
    mapped = [mapper.class_ for mapper in Base.registry.mappers]
    return sorted(each.__tablename__ for each in mapped if issubclass(each, Tenant) or each is Company)


async def install(owner: psycopg.AsyncConnection[Any]) -> None:
    await owner.execute(_INSTALL)
    for table in tenant_tables():
        await owner.execute(
            f"CREATE TRIGGER hostile_note AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION hostile_note('{table}')"
        )


async def forget(owner: psycopg.AsyncConnection[Any]) -> None:
    await owner.execute("TRUNCATE hostile_journal")


def planned(changed: Sequence[Change]) -> list[Job]:
    """The send jobs of the messages that were planned."""
    rows = [each.new for each in changed if each.table == "messages" and each.op == "INSERT" and each.new is not None]
    return [Job(company_id=UUID(row["company_id"]), id=UUID(row["id"])) for row in rows]


async def changes(owner: psycopg.AsyncConnection[Any]) -> list[Change]:
    """Everything since the journal was last emptied, in the order of writing."""
    rows = await owner.execute("SELECT seq, tx, op, tbl, old, new FROM hostile_journal ORDER BY seq")
    return [Change(*row) for row in await rows.fetchall()]
