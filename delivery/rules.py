"""What becomes of a message: when it may be claimed, what follows from the gate and from the provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import Protocol, assert_never

from db.tables.delivery import MessageStatus
from db.tables.policy import Channel, ContactVerdict
from delivery.transport import Outcome, Permanent, Sent, Temporary, Unknown

# Longer than any transport's own limit: a claim older than this belongs to a worker that died.
CLAIM_LIMIT = timedelta(minutes=5)
# After each try that failed for now; greylisting lets the second or third through.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 25, 125, 240))
MAX_TRIES = len(WAITS) + 1
SHORTEST_DEFERRAL = timedelta(minutes=1)

# The reason a message carries while it is sent a second time because its first claim was never answered.
CLAIM_LOST = "CLAIM_LOST"
# Whose receivers can tell a second copy from a second message: email has Message-ID. A provider without
# such a key is never asked again after silence.
RESENDABLE = frozenset({Channel.EMAIL})


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

    channel: Channel
    status: MessageStatus
    due_at: datetime | None
    reason: str | None
    tries: int


class Claimable(StrEnum):
    FIRST = auto()
    RESEND = auto()
    GIVE_UP = auto()
    NO = auto()


@dataclass(frozen=True)
class Next:
    status: MessageStatus
    due_at: datetime | None
    reason: str | None


def claimable(state: State, *, now: datetime) -> Claimable:
    """Whether a worker may take the message now.

    A claim that outlived its limit may or may not have reached the provider. Where the receiver can drop
    a copy it is sent once more, under the same Message-ID; a second silence, or a channel without such a
    key, ends as UNKNOWN and counts as sent.
    """
    if state.due_at is None or state.due_at > now:
        return Claimable.NO
    if state.status is MessageStatus.PLANNED:
        return Claimable.FIRST
    if state.status is not MessageStatus.SENDING:
        return Claimable.NO
    if state.channel in RESENDABLE and state.reason != CLAIM_LOST:
        return Claimable.RESEND
    return Claimable.GIVE_UP


def after_gate(state: State, decision: Decision, *, now: datetime) -> Next | None:
    """What follows from the gate's answer; None where the message is not claimable any more."""
    match claimable(state, now=now):
        case Claimable.NO:
            return None
        case Claimable.GIVE_UP:
            return Next(MessageStatus.UNKNOWN, None, CLAIM_LOST)
        case Claimable.RESEND:
            # The lost try may have arrived, so a refusal now cannot make it BLOCKED.
            if decision.verdict is ContactVerdict.ALLOW:
                return Next(MessageStatus.SENDING, now + CLAIM_LIMIT, CLAIM_LOST)
            return Next(MessageStatus.UNKNOWN, None, CLAIM_LOST)
        case Claimable.FIRST:
            return _after_first_gate(decision, now=now)


def _after_first_gate(decision: Decision, *, now: datetime) -> Next:
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
    if state.reason == CLAIM_LOST:
        # This copy was refused, but the lost one may have arrived.
        return Next(MessageStatus.UNKNOWN, None, CLAIM_LOST)
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
