"""New passwords where the old ones stand: all of them, or none."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Owner

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.files import Disk


class Edit(Protocol):
    """A change at one place, which can be taken back."""

    def carry_out(self, disk: Disk) -> None:
        """Raises CmpBundleError, and then has changed nothing."""

    def undo(self, disk: Disk) -> None:
        """Put back what was there, if it is still as this left it. Raises CmpBundleError."""


@dataclass(frozen=True)
class FileEdit:
    """A file that holds ``before`` and shall hold ``after``; its owner stays.

    Its mode stays as well, unless it is to be ``private``: then nobody else may use it.
    """

    path: Path
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)
    private: bool = False

    def carry_out(self, disk: Disk) -> None:
        if self._content() != self.before:
            raise CmpBundleError(
                "was changed by somebody else at the same time",
                file=self.path,
                hint="nothing was changed by this; run it again",
            )
        owner = Owner.of(self.path)
        mode = owner.mode & ~(stat.S_IRWXG | stat.S_IRWXO) if self.private else owner.mode
        disk.write(self.path, self.after, owner.with_mode(mode))

    def undo(self, disk: Disk) -> None:
        if self._content() == self.after:
            disk.write(self.path, self.before, Owner.of(self.path))

    def _content(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CmpBundleError(f"cannot be read: {reason}", file=self.path) from error


@dataclass(frozen=True)
class Renewal:
    """``accounts`` as they are once ``edits`` are carried out."""

    accounts: tuple[Account, ...]
    edits: tuple[Edit, ...]

    def carry_out(self, disk: Disk) -> None:
        """All edits, or none: where one fails, those before it are taken back."""
        done: list[Edit] = []
        try:
            for edit in self.edits:
                edit.carry_out(disk)
                done.append(edit)
        except BaseException:
            for edit in reversed(done):
                edit.undo(disk)
            raise

    def undo(self, disk: Disk) -> None:
        for edit in reversed(self.edits):
            edit.undo(disk)
