"""Sizes and numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def kilobytes(count: int) -> str:
    """``count`` bytes, in thousands: 70.8 kB."""
    return f"{count / 1000:.1f} kB"


def count(number: int, what: str) -> str:
    """``number`` of ``what``: one account, 3 accounts."""
    return f"one {what}" if number == 1 else f"{number} {what}s"


def some(names: Sequence[str], most: int = 5) -> str:
    """``names`` between commas, and a mark where there are more than ``most``."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
