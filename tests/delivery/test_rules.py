from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from db.tables.delivery import MessageStatus
from db.tables.policy import ContactVerdict
from delivery import rules
from delivery.rules import Claimable, Next, State, after_gate, after_try, backoff, claimable
from delivery.transport import Outcome, Permanent, Sent, Temporary, Unknown

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Answer:
    verdict: ContactVerdict
    until: datetime | None = None
    reasons: tuple[str, ...] = ()


ALLOW = Answer(ContactVerdict.ALLOW)
BLOCK = Answer(ContactVerdict.BLOCK, reasons=("SUPPRESSED", "ORDER_PLACED"))


def defer(until: datetime | None) -> Answer:
    return Answer(ContactVerdict.DEFER, until, ("QUIET_HOURS",))


def planned(due_at: datetime | None = NOW) -> State:
    return State(MessageStatus.PLANNED, due_at, 0)


def sending(due_at: datetime = NOW, *, tries: int = 1) -> State:
    return State(MessageStatus.SENDING, due_at, tries)


ENDED = (
    MessageStatus.SENT,
    MessageStatus.UNKNOWN,
    MessageStatus.BLOCKED,
    MessageStatus.FAILED,
    MessageStatus.CANCELLED,
)


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (planned(NOW), Claimable.YES),
        (planned(NOW - timedelta(days=3)), Claimable.YES),
        (planned(NOW + timedelta(microseconds=1)), Claimable.NO),
        (planned(None), Claimable.NO),
        (sending(NOW), Claimable.LOST),
        (sending(NOW + timedelta(microseconds=1)), Claimable.NO),
        *((State(status, NOW, 1), Claimable.NO) for status in ENDED),
    ],
)
def test_claimable(state: State, answer: Claimable) -> None:
    assert claimable(state, now=NOW) is answer


@pytest.mark.parametrize(
    ("state", "decision", "step"),
    [
        (planned(), ALLOW, Next(MessageStatus.SENDING, NOW + 5 * MINUTE, None)),
        (planned(), BLOCK, Next(MessageStatus.BLOCKED, None, "SUPPRESSED, ORDER_PLACED")),
        (
            planned(),
            defer(NOW + timedelta(hours=9)),
            Next(MessageStatus.PLANNED, NOW + timedelta(hours=9), "QUIET_HOURS"),
        ),
        # A deferral into the past would spin.
        (planned(), defer(NOW), Next(MessageStatus.PLANNED, NOW + MINUTE, "QUIET_HOURS")),
        (planned(), defer(None), Next(MessageStatus.PLANNED, NOW + MINUTE, "QUIET_HOURS")),
        (planned(NOW + MINUTE), ALLOW, None),
        # Nobody was asked: it was another worker's when we looked.
        (planned(), None, None),
        *((sending(), answer, Next(MessageStatus.UNKNOWN, None, "CLAIM_LOST")) for answer in (None, ALLOW, BLOCK)),
        (sending(NOW + MINUTE), None, None),
    ],
)
def test_after_gate(state: State, decision: Answer | None, step: Next | None) -> None:
    assert after_gate(state, decision, now=NOW) == step


def step_after(state: State, outcome: Outcome, *, claimed_try: int = 1) -> Next | None:
    return after_try(state, outcome, claimed_try=claimed_try, jitter=0.5, now=NOW)


@pytest.mark.parametrize(
    ("state", "outcome", "step"),
    [
        (sending(), Sent("x"), Next(MessageStatus.SENT, None, None)),
        (sending(), Unknown("cut"), Next(MessageStatus.UNKNOWN, None, "cut")),
        (sending(), Permanent("550"), Next(MessageStatus.FAILED, None, "550")),
        (sending(), Temporary("451"), Next(MessageStatus.PLANNED, NOW + MINUTE, "451")),
    ],
)
def test_after_try(state: State, outcome: Outcome, step: Next | None) -> None:
    assert step_after(state, outcome) == step


def test_the_last_try_fails() -> None:
    assert step_after(sending(tries=6), Temporary("451"), claimed_try=6) == Next(MessageStatus.FAILED, None, "451")
    fifth = step_after(sending(tries=5), Temporary("451"), claimed_try=5)
    assert fifth == Next(MessageStatus.PLANNED, NOW + timedelta(hours=4), "451")


@pytest.mark.parametrize("outcome", [Unknown("x"), Permanent("x"), Temporary("x")])
def test_an_answer_to_an_older_claim_is_ignored(outcome: Outcome) -> None:
    assert step_after(sending(tries=2), outcome, claimed_try=1) is None
    for status in (MessageStatus.PLANNED, *ENDED):
        assert step_after(State(status, None, 1), outcome) is None


@pytest.mark.parametrize("status", [MessageStatus.SENDING, MessageStatus.UNKNOWN])
def test_a_late_acceptance_is_kept(status: MessageStatus) -> None:
    state = State(status, None, 2)
    assert step_after(state, Sent("x"), claimed_try=1) == Next(MessageStatus.SENT, None, None)


@given(tries=st.integers(1, 40), jitter=st.floats(0, 1, exclude_max=True))
def test_backoff_is_the_published_table(tries: int, jitter: float) -> None:
    minutes = [1, 5, 25, 125, 240][min(tries, 5) - 1]
    wait = backoff(tries, jitter=jitter) / MINUTE
    assert minutes * 0.8 - 1e-6 <= wait <= minutes * 1.2 + 1e-6
    assert backoff(tries, jitter=0.5) / MINUTE == pytest.approx(minutes)


class TwoWorkers(RuleBasedStateMachine):
    """Workers claim, answer, die and come back in any order, against a provider that counts copies.

    The oracle is written out: at most one copy ever arrives, whatever dies and however late it answers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.state = planned()
        self.open: list[tuple[int, bool]] = []  # try number, and whether a copy may have arrived
        self.arrived = 0

    def move(self, step: Next | None, *, tries: int | None = None) -> None:
        if step is not None:
            self.state = State(step.status, step.due_at, self.state.tries if tries is None else tries)

    @rule(decision=st.sampled_from([ALLOW, ALLOW, ALLOW, BLOCK, defer(None)]), hands_over=st.booleans())
    def claim(self, decision: Answer, hands_over: bool) -> None:
        step = after_gate(self.state, decision, now=self.now)
        if step is None:
            return
        if step.status is not MessageStatus.SENDING:
            self.move(step)
            return
        self.move(step, tries=self.state.tries + 1)
        self.open.append((self.state.tries, hands_over))
        self.arrived += hands_over

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 9), refusal=st.sampled_from([Temporary("451"), Permanent("550")]))
    def answer(self, which: int, refusal: Outcome) -> None:
        number, handed_over = self.open.pop(which % len(self.open))
        outcome = Sent("x") if handed_over else refusal
        self.move(after_try(self.state, outcome, claimed_try=number, jitter=0.5, now=self.now))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 9))
    def line_goes_dead(self, which: int) -> None:
        number, _ = self.open.pop(which % len(self.open))
        self.move(after_try(self.state, Unknown("cut"), claimed_try=number, jitter=0.5, now=self.now))

    @rule(minutes=st.sampled_from([1, 4, 5, 6, 300]))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @invariant()
    def one_copy_arrives(self) -> None:
        assert self.arrived <= 1

    @invariant()
    def only_what_waits_is_due(self) -> None:
        waits = self.state.status in {MessageStatus.PLANNED, MessageStatus.SENDING}
        assert (self.state.due_at is not None) == waits

    @invariant()
    def nothing_is_denied_that_may_have_arrived(self) -> None:
        if self.arrived and not self.open:
            assert self.state.status in {MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.UNKNOWN}

    @invariant()
    def tries_end(self) -> None:
        assert self.state.tries <= rules.MAX_TRIES


TestTwoWorkers = TwoWorkers.TestCase
