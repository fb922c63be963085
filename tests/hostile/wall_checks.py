"""Walls: each transaction of a conversation changes rows of its own cart, customer and company, and no others."""

from collections import defaultdict
from uuid import UUID

from tests.hostile.journal import Change
from tests.hostile.records import Wave
from tests.hostile.tally import Invariant, Tally
from tests.hostile.world import SIGNER, Seat

# What a chat may write at all. A cart, a price, a product, an order, a setting is not among it.
WRITABLE = frozenset(
    [
        "blocked_sentences",
        "cart_diagnoses",
        "cart_trigger_impressions",
        "chat_leases",
        "chat_messages",
        "chat_sessions",
        "chat_turns",
        "consent_records",
        "contact_decisions",
        "grants",
        "handoffs",
        "messages",
        "save_attempts",
        "stage_events",
        "suppressions",
        "tool_calls",
        "turn_sources",
    ]
)
BY_SESSION = frozenset(
    [
        "blocked_sentences",
        "cart_trigger_impressions",
        "chat_leases",
        "chat_messages",
        "chat_turns",
        "handoffs",
        "tool_calls",
    ]
)


def check_walls(wave: Wave, tally: Tally) -> None:
    seats = {each.session_id: (each.seat, each.episode.number) for each in wave.seen}
    by_transaction: dict[int, list[Change]] = defaultdict(list)
    for change in wave.changes:
        by_transaction[change.tx].append(change)
    tally.count("rows changed", len(wave.changes))
    for changed in by_transaction.values():
        sessions = _sessions(changed)
        known = [seats[each] for each in sessions if each in seats]
        if len(sessions) != 1 or not known:
            tables = sorted({change.table for change in changed})
            tally.check(Invariant.WALLS, False, -1, f"a transaction of {len(sessions)} sessions wrote {tables}")
            continue
        seat, episode = known[0]
        whole_person = any(map(_opts_out, changed))
        for change in changed:
            wrong = _trespass(change, seat, wave, whole_person=whole_person)
            tally.check(Invariant.WALLS, wrong is None, episode, f"{change.op} {change.table}: {wrong}")


def _sessions(changed: list[Change]) -> set[UUID]:
    found: set[UUID] = set()
    for change in changed:
        if change.table in BY_SESSION:
            found |= change.ids("session_id")
        elif change.table == "chat_sessions":
            found |= change.ids("id")
    return found


def _opts_out(change: Change) -> bool:
    """Who has said stop before has the row already: then the call alone shows it."""
    called = change.table == "tool_calls" and change.new is not None and change.new["name"] == "set_opt_out"
    return called or change.table == "suppressions"


def _trespass(change: Change, seat: Seat, wave: Wave, *, whole_person: bool) -> str | None:
    """What is wrong with a change, if anything. An opt-out (`whole_person`) ends all flows of its customer."""
    if change.table not in WRITABLE:
        return "not a table that a chat writes"
    if change.ids("company_id") != {seat.shop.id}:
        return "another company"
    customer = set() if seat.person is None else {seat.person.id}
    if not change.ids("customer_id") <= customer:
        return "another customer"
    if change.table == "suppressions":
        addresses = {row["address_hash"] for row in change.rows}
        own = set() if seat.person is None else {SIGNER.keyed_hash(seat.person.email)}
        return None if addresses <= own else "another customer's address"
    if change.table == "stage_events":
        return None if change.ids("attempt_id") <= _attempts(seat, wave) else "another customer's flow"
    if not change.ids("cart_id") <= {seat.cart_id} and not (whole_person and customer):
        return "another cart"
    if change.table == "grants":
        return _foreign_key(change, seat, wave)
    return None


def _foreign_key(change: Change, seat: Seat, wave: Wave) -> str | None:
    """A new grant names the call that made it, and that call is this cart's."""
    if change.op != "INSERT" or change.new is None:
        return None
    cart_id, turn_id, _ = change.new["idempotency_key"].split(":")
    turn = wave.turns.get(UUID(turn_id))
    sessions = {each.session_id for each in wave.seen if each.seat.cart_id == seat.cart_id}
    if UUID(cart_id) == seat.cart_id and turn is not None and turn["session_id"] in sessions:
        return None
    return "made by another cart's call"


def _attempts(seat: Seat, wave: Wave) -> set[UUID]:
    """The flows of this customer, as the wave's changes name them."""
    if seat.person is None:
        return set()
    return {
        attempt
        for change in wave.changes
        if change.table == "save_attempts" and change.ids("customer_id") == {seat.person.id}
        for attempt in change.ids("id")
    }
