"""The files that a configuration is read from: a folder as Asterisk sees it, or a plan over it."""

from __future__ import annotations

import enum
import errno
import os
import posixpath
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Files beyond this are not read: 64 MiB is eight hundred times Asterisk's own pjsip.conf.
LARGEST = 1 << 26

#: As many symlinks as Linux follows in one path (path_resolution(7)).
_MOST_LINKS = 40


class Absence(enum.Enum):
    """Why there is no content."""

    MISSING = "does not exist"
    NO_FILE = "is not a regular file"
    UNREADABLE = "cannot be read by this user"
    TOO_LARGE = "is too large to be a configuration file"


class Files(Protocol):
    """Files as Asterisk sees them. Paths are absolute and may hold symlinks and ``..``.

    Bytes of a path that are no UTF-8 are kept as surrogate escapes.
    """

    @property
    def etc(self) -> str:
        """The folder that names without a leading slash start from, like ``/etc/asterisk``."""

    def content(self, path: str) -> bytes | Absence: ...

    def names(self, folder: str) -> tuple[str, ...]:
        """What a folder holds, in any order; nothing where it cannot be listed."""

    def resolved(self, path: str) -> str:
        """The same path without symlinks and ``..``; parts that do not exist are kept as said."""


class Folder:
    """A real configuration folder.

    ``root`` is the folder that Asterisk takes for ``/``, where it runs in a tree of its own;
    symlinks in there that begin with a slash begin at the root too.
    """

    def __init__(self, folder: Path, root: Path | None = None) -> None:
        """Of ``folder``, which lies in ``root``. Raises ValueError where it does not."""
        self._root = (root or Path("/")).absolute()
        self._etc = str(PurePosixPath("/", folder.absolute().relative_to(self._root)))

    @property
    def etc(self) -> str:
        return self._etc

    def real(self, path: str) -> Path:
        """Where on this machine the file is that Asterisk calls ``path``. Raises OSError."""
        return self._root / self._follow(path).removeprefix("/")

    def content(self, path: str) -> bytes | Absence:
        try:
            real = self.real(path)
            if not stat.S_ISREG(real.stat().st_mode):
                return Absence.NO_FILE
            with real.open("rb") as file:
                data = file.read(LARGEST + 1)
        except (FileNotFoundError, NotADirectoryError):
            return Absence.MISSING
        except (OSError, ValueError) as error:
            return _why(error)
        return data if len(data) <= LARGEST else Absence.TOO_LARGE

    def names(self, folder: str) -> tuple[str, ...]:
        try:
            return tuple(entry.name for entry in self.real(folder).iterdir())
        except (OSError, ValueError):
            return ()

    def resolved(self, path: str) -> str:
        try:
            return self._follow(path)
        except (OSError, ValueError):
            return posixpath.normpath(path)

    def _follow(self, path: str) -> str:
        """Resolve component by component, never above the root, as chroot does."""
        rest = _parts(path)
        done: list[str] = []
        links = 0
        while rest:
            part = rest.pop()
            here = self._root.joinpath(*done, part)
            if part == "..":
                # The system insists that there is a folder to go up from.
                here.stat()
                del done[-1:]
            elif here.is_symlink():
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                target = str(here.readlink())
                if target.startswith("/"):
                    done.clear()
                rest.extend(_parts(target))
            else:
                done.append(part)
        return "/" + "/".join(done)


class Overlaid:
    """Other files with some changed: how a plan looks before it is written.

    ``changes`` maps paths as Asterisk sees them to new content, or to None for a file that will
    be gone. Folders that a change needs are there.
    """

    def __init__(self, files: Files, changes: Mapping[str, bytes | None]) -> None:
        self._files = files
        self._changes = {files.resolved(path): data for path, data in changes.items()}

    @property
    def etc(self) -> str:
        return self._files.etc

    def content(self, path: str) -> bytes | Absence:
        where = self._files.resolved(path)
        if where in self._changes:
            data = self._changes[where]
            return Absence.MISSING if data is None else data
        if any(p.startswith(f"{where}/") for p, data in self._changes.items() if data is not None):
            return Absence.NO_FILE
        return self._files.content(path)

    def names(self, folder: str) -> tuple[str, ...]:
        inside = self._files.resolved(folder).rstrip("/") + "/"
        names = dict.fromkeys(self._files.names(folder), True)
        for path, data in self._changes.items():
            if path.startswith(inside):
                first, _, deeper = path.removeprefix(inside).partition("/")
                if data is not None:
                    names[first] = True
                elif not deeper:
                    names[first] = False
        return tuple(name for name, there in names.items() if there)

    def resolved(self, path: str) -> str:
        return self._files.resolved(path)


def _why(error: OSError | ValueError) -> Absence:
    # Names that no file can have, too long or with a NUL, and rings of symlinks.
    never = isinstance(error, ValueError) or error.errno in (errno.ENAMETOOLONG, errno.ELOOP)
    return Absence.MISSING if never else Absence.UNREADABLE


def _parts(path: str) -> list[str]:
    """The components of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
