"""Steps carried out by a real engine, where there is no server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.changes.engine import Engine, NoService, Transaction
from cmp_bundle.changes.journal import Journal
from cmp_bundle.changes.memory import memory
from cmp_bundle.changes.step import Kinds, Step
from cmp_bundle.files import Disk
from cmp_bundle.report import Silent


def engine(
    disk: Disk | None = None, kinds: Kinds | None = None, places: tuple[Path, ...] = (Path("/"),)
) -> Engine:
    disk = disk or Disk()
    return Engine(Journal(memory("tests", disk), places, kinds or {}), disk, Silent(), NoService())


def carry_out(steps: Sequence[Step], disk: Disk | None = None) -> None:
    """All, or none."""
    made = engine(disk)
    with made.alone(), made.transaction("accounts rotate") as changes:
        changes.do(steps)


@contextmanager
def killed_before_it_settles() -> Iterator[None]:
    """As a kill leaves it that comes when all was done but not yet settled."""

    class Killed(BaseException):
        pass

    def killed(*_: Any) -> Any:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "settle", killed)
        patch.setattr(Engine, "_undo", killed)
        with pytest.raises(Killed):
            yield


def undo(steps: Sequence[Step]) -> None:
    for step in reversed(steps):
        step.undo(Disk(), NoService())
