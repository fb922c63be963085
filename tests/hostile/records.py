"""What a wave left in the database, read past every wall by the owner."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from delivery.transport import Outgoing
from tests.hostile.driver import DialogueSeen, TurnSeen, Views
from tests.hostile.journal import Change
from tests.hostile.world import Shop, World

# Rows of several tables, by column.
Row = dict[str, Any]


@dataclass(frozen=True)
class Wave:
    """One wave as the checks see it. Rows of conversations are those of `seen`, grants those of the shops ever."""

    world: World
    number: int
    seen: Sequence[DialogueSeen]
    views: Views
    changes: Sequence[Change]
    logs: str
    grants: Sequence[Row]
    lines: dict[UUID, list[Row]]
    turns: dict[UUID, Row]
    messages: dict[UUID, list[Row]]
    calls: dict[UUID, list[Row]]
    leases: frozenset[UUID]
    # Scopes by address hash.
    suppressed: dict[str, set[str]]
    # What was handed to a transport after the last turn.
    left: Sequence[Outgoing]
    turn_of_key: dict[tuple[UUID, str], UUID] = field(default_factory=dict)

    def shop(self, company_id: UUID) -> Shop:
        return next(shop for shop in self.world.shops if shop.id == company_id)

    def turn_id(self, seen: DialogueSeen, turn: TurnSeen) -> UUID | None:
        """The row of a turn, whichever way it came in; None when it was refused."""
        if turn.turn_key is not None:
            return self.turn_of_key.get((seen.session_id, turn.turn_key))
        return turn.turn_id


async def collect(
    owner: psycopg.AsyncConnection[Any],
    world: World,
    number: int,
    seen: Sequence[DialogueSeen],
    *,
    views: Views,
    logs: str,
    changed: Sequence[Change],
    left: Sequence[Outgoing],
) -> Wave:
    async def rows(query: str, ids: Sequence[UUID]) -> list[Row]:
        cursor = owner.cursor(row_factory=dict_row)
        await cursor.execute(query, (list(ids),))
        return await cursor.fetchall()

    shops, sessions = [shop.id for shop in world.shops], [each.session_id for each in seen]
    turns = await rows("SELECT * FROM chat_turns WHERE session_id = ANY(%s) ORDER BY position", sessions)
    messages = await rows("SELECT * FROM chat_messages WHERE session_id = ANY(%s) ORDER BY position", sessions)
    leases = await rows("SELECT session_id FROM chat_leases WHERE session_id = ANY(%s)", sessions)
    suppressed = await rows("SELECT address_hash, scope FROM suppressions WHERE company_id = ANY(%s)", shops)
    scopes: dict[str, set[str]] = {}
    for row in suppressed:
        scopes.setdefault(row["address_hash"], set()).add(row["scope"])
    return Wave(
        world=world,
        number=number,
        seen=seen,
        views=views,
        changes=changed,
        logs=logs,
        grants=await rows("SELECT * FROM grants WHERE company_id = ANY(%s) ORDER BY committed_at, id", shops),
        lines=_grouped(await rows(_LINES, shops), "cart_id"),
        turns={row["id"]: row for row in turns},
        messages=_grouped(messages, "session_id"),
        calls=_grouped(
            await rows("SELECT * FROM tool_calls WHERE session_id = ANY(%s) ORDER BY id", sessions), "turn_id"
        ),
        leases=frozenset(row["session_id"] for row in leases),
        suppressed=scopes,
        left=left,
        turn_of_key={(row["session_id"], row["request_key"]): row["id"] for row in turns if row["request_key"]},
    )


_LINES = """
SELECT l.cart_id, l.sku, l.quantity, l.unit_price_minor, l.discount_minor, p.unit_cost_minor, l.id
FROM cart_lines l JOIN carts c ON c.company_id = l.company_id AND c.id = l.cart_id
LEFT JOIN variant_prices p ON p.company_id = l.company_id AND p.variant_id = l.variant_id AND p.currency = c.currency
WHERE l.company_id = ANY(%s)
"""


def _grouped(rows: Sequence[Row], column: str) -> dict[UUID, list[Row]]:
    grouped: dict[UUID, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[column], []).append(row)
    return grouped
