"""One at a time: a lock that other runs wait for, and that leaves no file behind."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError, reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(folder: Path, patience: float) -> Iterator[None]:
    """Hold the existing ``folder`` itself, waiting ``patience`` seconds for it.

    Raises CmpBundleError when another run still holds it by then. A killed run holds nothing.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CmpBundleError(
            "unreadable",
            f"cannot be opened: {reason(error)}",
            file=folder,
            hint="run it as a user who may change this folder, often root: sudo cmp-bundle …",
        ) from error
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise CmpBundleError(
                        "busy",
                        "another cmp-bundle is running here",
                        file=folder,
                        hint="wait until it ends, then run this again",
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)
