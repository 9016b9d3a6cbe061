"""A clock that goes only where a test turns it."""

from __future__ import annotations

from collections.abc import Callable


class _Ticket:
    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback = callback
        self.live = True

    def cancel(self) -> None:
        self.live = False


class Ticking:
    """What is due happens in its order while ``turn`` goes by."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._tickets: list[_Ticket] = []

    def time(self) -> float:
        return self._now

    def call_later(self, delay: float, callback: Callable[[], None]) -> _Ticket:
        ticket = _Ticket(self._now + delay, callback)
        self._tickets.append(ticket)
        return ticket

    def turn(self, seconds: float) -> None:
        end = self._now + seconds
        while due := [t for t in self._tickets if t.live and t.due <= end]:
            ticket = min(due, key=lambda t: t.due)
            ticket.live = False
            self._now = ticket.due
            ticket.callback()
        self._now = end
        self._tickets = [t for t in self._tickets if t.live]

    @property
    def waiting(self) -> int:
        """How much is still to come."""
        return sum(t.live for t in self._tickets)
