"""What a user without rights meets. Only root can become one, so elsewhere it is skipped."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

NOBODY = 65534

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become a user who may not look"
)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody may go to, unlike those that pytest makes."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def becoming(uid: int, gid: int | None = None) -> Iterator[None]:
    """The process is an ordinary user meanwhile, of the group with the same number or of another."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(uid if gid is None else gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def as_nobody() -> AbstractContextManager[None]:
    return becoming(NOBODY)
