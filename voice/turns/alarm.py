"""What is to happen when something has not happened in time: the customer says nothing, a mark does not come back."""

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls `ring` once, `after_s` after the last `set()`, unless `stop()` came before."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def set(self, after_s: float) -> None:
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(after_s, self._ring)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
