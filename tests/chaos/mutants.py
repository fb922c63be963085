"""The product with one guard taken out, to see the fault run turn red: `python -m tests.chaos.run --mutant NAME`.

Applied in the forked processes, before they begin.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from db.ids import uuid7
from db.tables.policy import ContactVerdict, Grant
from db.tables.recovery import SaveAttempt
from delivery import rules
from policy.contact.service import GateDecision
from policy.offers.repository import OfferRepository
from policy.offers.schemas import Percentages
from recovery.rules import Step
from tests.chaos.invariants import Invariant


@dataclass(frozen=True)
class Mutant:
    """Its run has to show at least one of `turns_red`."""

    turns_red: frozenset[Invariant]
    apply: Callable[[], None]
    # What the owner does to the database first: a promise that stands in the schema.
    schema: str = "SELECT 1"


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


def _run_stages_twice() -> None:
    """A stage that has run is the next one too."""
    from recovery import attempts, finish_stage

    whole = attempts.schedule_next

    async def schedule_next(session: Any, attempt: SaveAttempt, flow: Any, *, company_id: Any, now: datetime) -> None:
        if attempt.step % 2:
            await whole(session, attempt, flow, company_id=company_id, now=now)
            return
        again = Step(attempt.current_stage, attempt.sequence, now + timedelta(hours=2))
        await attempts.move_to(session, attempt, again, company_id=company_id, now=now)

    for wall in (attempts, finish_stage):
        vars(wall)["schedule_next"] = schedule_next


def _give_more() -> None:
    """Neither the caps nor what was published bound an offer."""
    from policy.offers import rules as offers

    def most(*_: Any) -> Decimal:
        return Decimal(25)

    vars(offers)["_percent"] = most
    Percentages.on = most  # type: ignore[method-assign,assignment]  # that is the point


def _give_twice() -> None:
    """What is given stands twice, since the index that would refuse it is gone."""
    from policy.offers import service

    whole = service._commit

    async def commit(session: Any, cart: Any, given: Any, proposed: Grant, *, now: datetime) -> Any:
        kept = await whole(session, cart, given, proposed, now=now)
        if isinstance(kept, service.OfferGranted):
            columns = {column.key: getattr(proposed, column.key) for column in Grant.__table__.columns}
            again = {"id": uuid7(), "idempotency_key": f"{proposed.idempotency_key} again"}
            OfferRepository(session).add(Grant(**columns | again))
        return kept

    service._commit = commit


def _say_nothing() -> None:
    """Why a message did not leave is not kept."""
    whole = rules.after_try

    def after_try(*args: Any, **kwargs: Any) -> rules.Next | None:
        step = whole(*args, **kwargs)
        return step and replace(step, reason=None)

    rules.after_try = after_try


MUTANTS: dict[str, Mutant] = {
    # Either it leaves twice, or the gate stops it and a mail that arrived is said not to have left.
    "send-again": Mutant(frozenset({Invariant.ONE_MESSAGE, Invariant.NOTHING_LOST}), _send_again),
    "ask-nobody": Mutant(frozenset({Invariant.GATE}), _ask_nobody),
    "let-orders-pass": Mutant(frozenset({Invariant.ORDER_STOPS}), _let_orders_pass),
    "forget-the-dead": Mutant(frozenset({Invariant.NOTHING_HELD}), _forget_the_dead),
    "run-stages-twice": Mutant(frozenset({Invariant.STAGE_ONCE}), _run_stages_twice),
    "give-more": Mutant(frozenset({Invariant.CAPS}), _give_more),
    "give-twice": Mutant(frozenset({Invariant.ONE_GRANT}), _give_twice, schema="DROP INDEX uq_grants_live"),
    "say-nothing": Mutant(frozenset({Invariant.EXPLAINED}), _say_nothing),
}
