"""Who has a file, and what others may do with it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: What others than the owner may do: nothing, with files that hold secrets.
OTHERS = stat.S_IRWXG | stat.S_IRWXO

#: setuid, setgid and the sticky bit are nothing that a file of configuration has; whoever could
#: set one on a file of his own is not to get it on one that root writes.
_PERMISSIONS = 0o777


@dataclass(frozen=True)
class FileOwnership:
    """Who owns a file, as numbers, and its permission bits."""

    uid: int
    gid: int
    mode: int

    @classmethod
    def of(cls, path: Path) -> FileOwnership:
        """Of an existing file or folder. Raises OSError."""
        return cls.from_stat(path.stat())

    @classmethod
    def from_stat(cls, found: os.stat_result) -> FileOwnership:
        return cls(found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode) & _PERMISSIONS)

    def private(self) -> FileOwnership:
        """The same, and nobody else may use it."""
        return self.with_mode(self.mode & ~OTHERS)

    def with_mode(self, mode: int) -> FileOwnership:
        return FileOwnership(self.uid, self.gid, mode)

    def put_on(self, descriptor: int) -> None:
        """Give an open file or folder to this owner, with these permissions. Raises OSError."""
        found = os.fstat(descriptor)
        uid = found.st_uid if self.uid == -1 else self.uid
        gid = found.st_gid if self.gid == -1 else self.gid
        if (found.st_uid, found.st_gid) != (uid, gid):
            os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, self.mode & _PERMISSIONS)
