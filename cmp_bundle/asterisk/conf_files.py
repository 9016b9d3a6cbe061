"""The files that a configuration is read from: a folder as Asterisk sees it, or a plan over it."""

from __future__ import annotations

import enum
import errno
import posixpath
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Boundary
from cmp_bundle.files.open_folder import NoFileError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.files import Rights

#: Files beyond this are not read: 64 MiB is eight hundred times Asterisk's own pjsip.conf.
LARGEST = 1 << 26


class Absence(enum.Enum):
    """Why there is no content."""

    MISSING = "does not exist"
    NO_FILE = "is not a regular file"
    UNREADABLE = "may not be read"
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
        """The same path without symlinks and ``..``; parts that do not exist stay as they are."""


class ConfFolder:
    """A real configuration folder.

    ``root`` is the folder that Asterisk takes for ``/``, where it runs in a tree of its own;
    symlinks in there that begin with a slash begin at the root too. All is read with no more
    rights than ``user``, Asterisk's, has: what Asterisk cannot read, nobody can make us read.
    """

    def __init__(self, folder: Path, root: Path | None = None, user: Rights | None = None) -> None:
        """Of ``folder``, which lies in ``root``. Raises ValueError where it does not."""
        self._root = (root or Path("/")).absolute()
        self.etc = str(PurePosixPath("/", folder.absolute().relative_to(self._root)))
        self.user = user
        self.boundary = Boundary(self._root, user)

    def real(self, path: str) -> Path:
        """Where on this machine the file is that Asterisk calls ``path``. Raises OSError.

        For people to find it; what is read is read through a handle.
        """
        return self.boundary.resolved(self._on_this_machine(path), self.user)

    def content(self, path: str) -> bytes | Absence:
        try:
            here = self._on_this_machine(path)
            with self.boundary.entry(here, follow=True, rights=self.user) as (folder, name):
                return folder.read(name, LARGEST).data
        except NoFileError:
            return Absence.NO_FILE
        except TooLargeError:
            return Absence.TOO_LARGE
        except (OSError, ValueError, CmpBundleError) as error:
            return _why(error)

    def names(self, folder: str) -> tuple[str, ...]:
        try:
            with self.boundary.opened(self._on_this_machine(folder), self.user) as opened:
                return tuple(opened.names())
        except (OSError, ValueError, CmpBundleError):
            return ()

    def resolved(self, path: str) -> str:
        try:
            found = self.real(path)
        except (OSError, ValueError):
            return posixpath.normpath(path)
        return f"/{found.relative_to(self._root)}"

    def _on_this_machine(self, path: str) -> Path:
        return self._root / path.lstrip("/")


class Recorded:
    """Other files, each answer remembered; once ``sealed``, nothing but the answers.

    What was never asked for is not there then. ``parsed`` is for whoever reads them: what each name came
    to, which with the same answers is the same.
    """

    def __init__(self, files: Files) -> None:
        self._files: Files | None = files
        self.etc = files.etc
        self._contents: dict[str, bytes | Absence] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._resolved: dict[str, str] = {}
        self.parsed: dict[str, Configuration] = {}

    def sealed(self) -> Recorded:
        self._files = None
        return self

    def content(self, path: str) -> bytes | Absence:
        if path not in self._contents:
            self._contents[path] = self._files.content(path) if self._files else Absence.MISSING
        return self._contents[path]

    def names(self, folder: str) -> tuple[str, ...]:
        if folder not in self._names:
            self._names[folder] = self._files.names(folder) if self._files else ()
        return self._names[folder]

    def resolved(self, path: str) -> str:
        if path not in self._resolved:
            found = self._files.resolved(path) if self._files else posixpath.normpath(path)
            self._resolved[path] = found
        return self._resolved[path]


class Overlaid:
    """Other files with some changed: how a plan looks before it is written.

    ``changes`` maps paths as Asterisk sees them to new content, or to None for a file that will
    be gone. Folders that a change needs are there.
    """

    def __init__(self, files: Files, changes: Mapping[str, bytes | None]) -> None:
        self._files = files
        self.etc = files.etc
        self._changes = {files.resolved(path): data for path, data in changes.items()}

    def content(self, path: str) -> bytes | Absence:
        return self._content(path) if self._leads(path) else Absence.MISSING

    def _content(self, path: str) -> bytes | Absence:
        where = self._files.resolved(path)
        if where in self._changes:
            data = self._changes[where]
            return Absence.MISSING if data is None else data
        if any(p.startswith(f"{where}/") for p, data in self._changes.items() if data is not None):
            return Absence.NO_FILE
        return self._files.content(path)

    def names(self, folder: str) -> tuple[str, ...]:
        if not self._leads(folder):
            return ()
        inside = self._files.resolved(folder).rstrip("/") + "/"
        names = dict.fromkeys(self._files.names(folder), True)
        for path, data in self._changes.items():
            if path.startswith(inside):
                first, _, deeper = path.removeprefix(inside).partition("/")
                if data is not None:
                    names[first] = True
                elif not deeper:
                    names[first] = False
        return tuple(name for name, exists in names.items() if exists)

    def resolved(self, path: str) -> str:
        return self._files.resolved(path)

    def _leads(self, path: str) -> bool:
        """Whether each ``..`` in ``path`` comes behind a folder: there is no way back from others.

        One step a part, for whoever writes an ``#include`` may write many of them.
        """
        here = ""
        for part in path.split("/"):
            if part == "..":
                if here and self._content(here) is not Absence.NO_FILE:
                    return False
                here = posixpath.dirname(self._files.resolved(here)).rstrip("/")
            elif part not in {"", "."}:
                here = f"{here}/{part}"
        return True


def _why(error: Exception) -> Absence:
    # Names that no file can have, too long or with a NUL, and rings of symlinks.
    never = isinstance(
        error, ValueError | FileNotFoundError | NotADirectoryError | IsADirectoryError
    )
    if never or getattr(error, "errno", None) in (errno.ENAMETOOLONG, errno.ELOOP):
        return Absence.MISSING
    return Absence.UNREADABLE
