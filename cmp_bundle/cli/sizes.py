"""Sizes as people read them."""

from __future__ import annotations


def kilobytes(count: int) -> str:
    """``count`` bytes, in thousands: 70.8 kB."""
    return f"{count / 1000:.1f} kB"
