"""Steps carried out by a real engine, where there is no server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cmp_bundle.changes.engine import Engine, NoService
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


def undo(steps: Sequence[Step]) -> None:
    for step in reversed(steps):
        step.undo(Disk(), NoService())
