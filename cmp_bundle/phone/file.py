"""One file of a phone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PhoneFile:
    """A file's bytes as its origin has them, and whether git would call it executable."""

    data: bytes
    executable: bool = False
