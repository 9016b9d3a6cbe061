"""How much a configuration may ask of its reader.

A few lines can ask for more than any machine has: thirty templates each inheriting the one before
twice make a thousand million variables, and Asterisk would try. Here it is counted instead.
"""

from __future__ import annotations

#: Enough for a pjsip.conf of fifty thousand phones; a few seconds at most.
LIMIT = 4_000_000


class OverBudgetError(Exception):
    """More than any real configuration asks for."""


class ReadBudget:
    """Counts lines, variables and names looked at, and stops at ``LIMIT``."""

    def __init__(self) -> None:
        self._left = LIMIT

    def charge(self, amount: int) -> None:
        """Raises OverBudgetError."""
        self._left -= amount
        if self._left < 0:
            raise OverBudgetError("this configuration is too large, or multiplies itself")
