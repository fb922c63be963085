from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from db.tables.delivery import MessageStatus
from db.tables.policy import Channel, ContactVerdict
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
    return State(Channel.EMAIL, MessageStatus.PLANNED, due_at, None, 0)


def sending(
    due_at: datetime = NOW, *, reason: str | None = None, tries: int = 1, channel: Channel = Channel.EMAIL
) -> State:
    return State(channel, MessageStatus.SENDING, due_at, reason, tries)


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
        (planned(NOW), Claimable.FIRST),
        (planned(NOW - timedelta(days=3)), Claimable.FIRST),
        (planned(NOW + timedelta(microseconds=1)), Claimable.NO),
        (planned(None), Claimable.NO),
        (sending(NOW), Claimable.RESEND),
        (sending(NOW + timedelta(microseconds=1)), Claimable.NO),
        (sending(NOW, reason="CLAIM_LOST"), Claimable.GIVE_UP),
        (sending(NOW, channel=Channel.SMS), Claimable.GIVE_UP),
        (sending(NOW, channel=Channel.PUSH), Claimable.GIVE_UP),
        *((State(Channel.EMAIL, status, NOW, None, 1), Claimable.NO) for status in ENDED),
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
        (sending(), ALLOW, Next(MessageStatus.SENDING, NOW + 5 * MINUTE, "CLAIM_LOST")),
        (sending(), BLOCK, Next(MessageStatus.UNKNOWN, None, "CLAIM_LOST")),
        (sending(), defer(NOW + MINUTE), Next(MessageStatus.UNKNOWN, None, "CLAIM_LOST")),
        (sending(reason="CLAIM_LOST"), ALLOW, Next(MessageStatus.UNKNOWN, None, "CLAIM_LOST")),
        (sending(channel=Channel.SMS), ALLOW, Next(MessageStatus.UNKNOWN, None, "CLAIM_LOST")),
    ],
)
def test_after_gate(state: State, decision: Answer, step: Next | None) -> None:
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
        # After a claim that was lost, one refusal does not say what became of the first copy.
        (sending(reason="CLAIM_LOST"), Temporary("451"), Next(MessageStatus.UNKNOWN, None, "CLAIM_LOST")),
        (sending(reason="CLAIM_LOST"), Permanent("550"), Next(MessageStatus.UNKNOWN, None, "CLAIM_LOST")),
        (sending(reason="CLAIM_LOST"), Sent("x"), Next(MessageStatus.SENT, None, None)),
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
        assert step_after(State(Channel.EMAIL, status, None, None, 1), outcome) is None


@pytest.mark.parametrize("status", [MessageStatus.SENDING, MessageStatus.UNKNOWN])
def test_a_late_acceptance_is_kept(status: MessageStatus) -> None:
    state = State(Channel.EMAIL, status, None, "x", 2)
    assert step_after(state, Sent("x"), claimed_try=1) == Next(MessageStatus.SENT, None, None)


@given(tries=st.integers(1, 40), jitter=st.floats(0, 1, exclude_max=True))
def test_backoff_is_the_published_table(tries: int, jitter: float) -> None:
    minutes = [1, 5, 25, 125, 240][min(tries, 5) - 1]
    wait = backoff(tries, jitter=jitter) / MINUTE
    assert minutes * 0.8 - 1e-6 <= wait <= minutes * 1.2 + 1e-6
    assert backoff(tries, jitter=0.5) / MINUTE == pytest.approx(minutes)


class TwoWorkers(RuleBasedStateMachine):
    """Workers claim, answer, die and come back in any order, against a provider that counts copies.

    The oracle is written out: at most two copies ever leave, two only after a claim was lost, and on
    a channel whose receivers know no second copy, at most one that may have arrived.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.state = planned()
        self.open: list[tuple[int, bool]] = []  # try number, and whether a copy may have arrived
        self.arrived = 0
        self.lost = 0

    @initialize(channel=st.sampled_from([Channel.EMAIL, Channel.SMS]))
    def choose(self, channel: Channel) -> None:
        self.state = State(channel, MessageStatus.PLANNED, NOW, None, 0)

    def move(self, step: Next | None, *, tries: int | None = None) -> None:
        if step is not None:
            self.state = State(
                self.state.channel,
                step.status,
                step.due_at,
                step.reason,
                self.state.tries if tries is None else tries,
            )

    @rule(decision=st.sampled_from([ALLOW, ALLOW, ALLOW, BLOCK, defer(None)]), hands_over=st.booleans())
    def claim(self, decision: Answer, hands_over: bool) -> None:
        was_sending = self.state.status is MessageStatus.SENDING
        step = after_gate(self.state, decision, now=self.now)
        if step is None:
            return
        if step.status is not MessageStatus.SENDING:
            self.move(step)
            return
        self.lost += was_sending
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
    def copies_are_counted(self) -> None:
        assert self.lost <= 1
        assert self.arrived <= 1 + self.lost
        if self.state.channel is Channel.SMS:
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
        assert self.state.tries <= rules.MAX_TRIES + 1


TestTwoWorkers = TwoWorkers.TestCase
