"""A success that is told again until its ACK comes (RFC 3261 section 13.3.1.4).

That is for whoever gave it, and not for the transport below, be that as reliable as it may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.practice.clock import GIVE_UP, T1, T2

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.practice.clock import Clock, Timer


class Unacknowledged:
    """Of the INVITE number ``cseq``; ``never`` is called if nothing comes at all."""

    def __init__(
        self, clock: Clock, cseq: int, send: Callable[[], None], never: Callable[[], None]
    ) -> None:
        self.cseq = cseq
        self._clock = clock
        self._send = send
        self._repeat: Timer
        self._repeat_after(T1)
        self._give_up = clock.call_later(GIVE_UP, never)

    def stop(self) -> None:
        self._repeat.cancel()
        self._give_up.cancel()

    def _repeat_after(self, delay: float) -> None:
        def again() -> None:
            self._repeat_after(min(2 * delay, T2))
            self._send()

        self._repeat = self._clock.call_later(delay, again)
