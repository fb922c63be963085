"""Silence: the customer says nothing after everything of ours was played."""

import asyncio
from collections.abc import Callable


class Idle:
    """Calls `fell_quiet` once, `after_s` after the last `wait()`, unless `stop()` came before."""

    def __init__(self, after_s: float, fell_quiet: Callable[[], None]) -> None:
        self._after_s = after_s
        self._fell_quiet = fell_quiet
        self._timer: asyncio.TimerHandle | None = None

    def wait(self) -> None:
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(self._after_s, self._fell_quiet)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
