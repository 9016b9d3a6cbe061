"""Files that were written and may not be on the disk yet."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

#: So many written files are held open at most.
_HELD = 64


class Unsynced:
    """Files that may not be on the disk yet.

    Those that were all written before the first is synced share the disk's own batches.
    """

    def __init__(self) -> None:
        self._descriptors: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

    def add(self, descriptor: int) -> None:
        if len(self._descriptors) == _HELD:
            self.sync()
        self._descriptors.append(os.dup(descriptor))

    def sync(self) -> None:
        for descriptor in self._descriptors:
            os.fsync(descriptor)
        self.__exit__()


def syncfs() -> Callable[[int], int] | None:
    """Linux's; None where the system has none."""
    try:
        found: Callable[[int], int] = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError):
        return None
    return found
