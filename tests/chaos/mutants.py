"""The product with one guard taken out, to see the fault run turn red: `python -m tests.chaos.run --mutant NAME`.

Applied in the forked processes, before they begin.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.ids import uuid7
from db.tables.policy import ContactVerdict
from db.tables.recovery import SaveAttempt
from delivery import rules
from policy.contact.service import GateDecision
from tests.chaos.invariants import Invariant


@dataclass(frozen=True)
class Mutant:
    """Its run has to show at least one of `turns_red`."""

    turns_red: frozenset[Invariant]
    apply: Callable[[], None]


def _send_again() -> None:
    """What may have left is sent once more."""
    whole = rules.claimable

    def claimable(state: rules.State, *, now: datetime) -> rules.Claimable:
        found = whole(state, now=now)
        return rules.Claimable.YES if found is rules.Claimable.LOST else found

    def after_gate(state: rules.State, decision: rules.Decision | None, *, now: datetime) -> rules.Next | None:
        if claimable(state, now=now) is rules.Claimable.NO or decision is None:
            return None
        return rules._obey(decision, now=now)

    rules.claimable, rules.after_gate = claimable, after_gate


def _ask_nobody() -> None:
    """The gate is not asked again when a message leaves."""
    from app import jobs

    async def may_leave(*_: Any, **__: Any) -> GateDecision:
        return GateDecision(uuid7(), ContactVerdict.ALLOW, None, (), "")

    vars(jobs)["may_leave"] = may_leave


def _let_orders_pass() -> None:
    """An order does not end the flow of its cart, neither at once nor when its next stage is due."""
    from recovery import begin_stage, service

    async def close(session: Any, attempt: SaveAttempt, *_: Any, **__: Any) -> SaveAttempt:
        return attempt

    for wall in (service, begin_stage):
        vars(wall)["close"] = close


def _forget_the_dead() -> None:
    """Work that died with its worker is not given out again."""
    from recovery.repository import DueRepository

    async def reclaim_lost(self: DueRepository, *, older_than: Any) -> None:
        return None

    DueRepository.reclaim_lost = reclaim_lost  # type: ignore[method-assign]  # that is the point


MUTANTS: dict[str, Mutant] = {
    # Either it leaves twice, or the gate stops it and a mail that arrived is said not to have left.
    "send-again": Mutant(frozenset({Invariant.ONE_MESSAGE, Invariant.NOTHING_LOST}), _send_again),
    "ask-nobody": Mutant(frozenset({Invariant.GATE}), _ask_nobody),
    "let-orders-pass": Mutant(frozenset({Invariant.ORDER_STOPS}), _let_orders_pass),
    "forget-the-dead": Mutant(frozenset({Invariant.NOTHING_HELD}), _forget_the_dead),
}
