"""What becomes of a message: when it may be claimed, what follows from the gate and from the provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import Protocol, assert_never

from db.tables.delivery import MessageStatus
from db.tables.policy import ContactVerdict
from delivery.transport import Outcome, Permanent, Sent, Temporary, Unknown

# Longer than any transport's own limit: a claim older than this belongs to a worker that died.
CLAIM_LIMIT = timedelta(minutes=5)
# After each try that failed for now; greylisting lets the second or third through.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 25, 125, 240))
MAX_TRIES = len(WAITS) + 1
SHORTEST_DEFERRAL = timedelta(minutes=1)

# Why a message is UNKNOWN whose claim was never answered: its worker died, perhaps after it had handed it over.
CLAIM_LOST = "CLAIM_LOST"


class Decision(Protocol):
    """What the contact gate answers (policy/contact): its verdict, until when it defers, and why."""

    @property
    def verdict(self) -> ContactVerdict: ...
    @property
    def until(self) -> datetime | None: ...
    @property
    def reasons(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class State:
    """The part of a message that decides what may follow."""

    status: MessageStatus
    due_at: datetime | None
    tries: int


class Claimable(StrEnum):
    YES = auto()
    LOST = auto()
    NO = auto()


@dataclass(frozen=True)
class Next:
    status: MessageStatus
    due_at: datetime | None
    reason: str | None


def claimable(state: State, *, now: datetime) -> Claimable:
    """Whether a worker may take the message now.

    A claim that outlived its limit may have reached the provider, so it is never repeated on any channel: a message
    may get lost, and is never sent twice (docs/decisions/0007-at-most-one-email.md).
    """
    if state.due_at is None or state.due_at > now:
        return Claimable.NO
    if state.status is MessageStatus.PLANNED:
        return Claimable.YES
    return Claimable.LOST if state.status is MessageStatus.SENDING else Claimable.NO


def after_gate(state: State, decision: Decision | None, *, now: datetime) -> Next | None:
    """What follows from the gate's answer, which is None where there was nothing to ask.

    None where the message is not claimable any more.
    """
    match claimable(state, now=now):
        case Claimable.NO:
            return None
        case Claimable.LOST:
            # What may have left counts as sent, whatever the gate would say now.
            return Next(MessageStatus.UNKNOWN, None, CLAIM_LOST)
        case Claimable.YES:
            return None if decision is None else _obey(decision, now=now)


def _obey(decision: Decision, *, now: datetime) -> Next:
    reason = ", ".join(decision.reasons) or decision.verdict.value
    match decision.verdict:
        case ContactVerdict.ALLOW:
            return Next(MessageStatus.SENDING, now + CLAIM_LIMIT, None)
        case ContactVerdict.DEFER:
            until = max(decision.until or now, now + SHORTEST_DEFERRAL)
            return Next(MessageStatus.PLANNED, until, reason)
        case ContactVerdict.BLOCK:
            return Next(MessageStatus.BLOCKED, None, reason)


def after_try(state: State, outcome: Outcome, *, claimed_try: int, jitter: float, now: datetime) -> Next | None:
    """What follows from the provider's answer to try number `claimed_try`; None where it comes too late
    to matter. An acceptance is a fact and is kept whoever reports it, however late."""
    holds_claim = state.status is MessageStatus.SENDING and state.tries == claimed_try
    if isinstance(outcome, Sent):
        is_open = state.status in {MessageStatus.SENDING, MessageStatus.UNKNOWN}
        return Next(MessageStatus.SENT, None, None) if is_open else None
    if not holds_claim:
        return None
    match outcome:
        case Unknown(reason):
            return Next(MessageStatus.UNKNOWN, None, reason)
        case Permanent(reason):
            return Next(MessageStatus.FAILED, None, reason)
        case Temporary(reason):
            if claimed_try >= MAX_TRIES:
                return Next(MessageStatus.FAILED, None, reason)
            return Next(MessageStatus.PLANNED, now + backoff(claimed_try, jitter=jitter), reason)
        case _:
            assert_never(outcome)


def backoff(tries: int, *, jitter: float) -> timedelta:
    """Wait after the nth try that failed for now, ±20 % by `jitter` in [0, 1)."""
    return WAITS[min(tries, len(WAITS)) - 1] * (0.8 + 0.4 * jitter)
