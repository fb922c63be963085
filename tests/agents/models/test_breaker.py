from dataclasses import dataclass

import pytest

from agents.models.breaker import CircuitBreaker


@dataclass
class Clock:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(failures=3, window_s=30, cool_down_s=20, clock=clock)


def state_of(breaker: CircuitBreaker) -> str:
    return breaker.state


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        admission = breaker.admit()
        assert admission is not None
        breaker.failed(admission)


def test_it_opens_at_the_last_failure_of_the_limit(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    assert state_of(breaker) == "closed"
    fail(breaker)
    assert state_of(breaker) == "open"
    assert breaker.admit() is None


def test_failures_that_left_the_window_do_not_count(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 2)
    clock.seconds = 30
    fail(breaker)
    assert state_of(breaker) == "closed"
    clock.seconds = 59.9
    fail(breaker, 2)
    assert state_of(breaker) == "open"


def test_one_probe_after_the_cool_down(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.seconds = 19.9
    assert breaker.admit() is None
    clock.seconds = 20
    assert state_of(breaker) == "half_open"
    probe = breaker.admit()
    assert probe is not None
    assert breaker.admit() is None
    breaker.succeeded(probe)
    assert state_of(breaker) == "closed"
    fail(breaker, 2)
    assert state_of(breaker) == "closed"


def test_a_failed_probe_opens_for_another_cool_down(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.seconds = 20
    fail(breaker)
    clock.seconds = 39.9
    assert state_of(breaker) == "open"
    clock.seconds = 40
    assert breaker.admit() is not None


def test_an_abandoned_probe_leaves_room_for_the_next(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.seconds = 20
    probe = breaker.admit()
    assert probe is not None
    breaker.abandoned(probe)
    assert breaker.admit() is not None


def test_a_late_success_of_before_does_not_close_it(breaker: CircuitBreaker) -> None:
    early = breaker.admit()
    assert early is not None
    fail(breaker, 3)
    breaker.succeeded(early)
    assert state_of(breaker) == "open"


def test_a_late_failure_of_before_does_not_lengthen_the_cool_down(breaker: CircuitBreaker, clock: Clock) -> None:
    early = breaker.admit()
    assert early is not None
    fail(breaker, 3)
    clock.seconds = 10
    breaker.failed(early)
    clock.seconds = 20
    assert state_of(breaker) == "half_open"


def test_a_failure_for_good_opens_at_once(breaker: CircuitBreaker) -> None:
    admission = breaker.admit()
    assert admission is not None
    breaker.failed(admission, for_good=True)
    assert state_of(breaker) == "open"
