"""Time, as everything here gets it: from outside."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds; RFC 3261 section 17.1.1.1 and table 4.
T1: Final = 0.5
T2: Final = 4.0
#: What timers B, F, H and L come to.
GIVE_UP: Final = 64 * T1


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """It will not; nothing if it has already."""


class Clock(Protocol):
    """Seconds that only grow, and what happens at a time."""

    def time(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer: ...


class LoopClock:
    """The clock of the running event loop."""

    def time(self) -> float:
        return asyncio.get_running_loop().time()

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(delay, callback)
