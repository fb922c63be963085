"""A circuit breaker: after repeated failures it stops asking, then lets one probe through."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, eq=False)
class Admission:
    """Leave for one call; give it back with `succeeded`, `failed` or `abandoned`."""

    probe: bool


class CircuitBreaker:
    """Opens after `failures` within `window_s`; after `cool_down_s` one call probes, and decides.

    State of one process, on purpose: each process finds out for itself, with no shared lock on the way.
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        window_s: float = 30.0,
        cool_down_s: float = 20.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._window_s = window_s
        self._cool_down_s = cool_down_s
        self._clock = clock
        self._failed_at: deque[float] = deque(maxlen=failures)
        self._opened_at: float | None = None
        self._probe: Admission | None = None

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        if self._opened_at is None:
            return "closed"
        return "open" if self._clock() < self._opened_at + self._cool_down_s else "half_open"

    def admit(self) -> Admission | None:
        """Leave to call, or None while the circuit is open or its one probe is under way."""
        match self.state:
            case "closed":
                return Admission(probe=False)
            case "half_open" if self._probe is None:
                self._probe = Admission(probe=True)
                return self._probe
            case _:
                return None

    def succeeded(self, admission: Admission) -> None:
        """The call was answered. Only a probe closes the circuit: an older call proves nothing about now."""
        if admission is self._probe:
            self._probe = None
            self._opened_at = None
            self._failed_at.clear()

    def failed(self, admission: Admission, *, for_good: bool = False) -> None:
        """The call failed; `for_good` opens at once (the credentials are wrong: the next call fails too)."""
        now = self._clock()
        if admission is self._probe:
            self._probe = None
            self._opened_at = now
            return
        if self._opened_at is not None:
            return
        self._failed_at.append(now)
        recent = [at for at in self._failed_at if at > now - self._window_s]
        if for_good or len(recent) >= self._limit:
            self._opened_at = now

    def abandoned(self, admission: Admission) -> None:
        """The caller left before an outcome was known."""
        if admission is self._probe:
            self._probe = None
