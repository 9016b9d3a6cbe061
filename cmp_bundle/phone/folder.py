"""A phone out of a folder, as its files lie there at this moment."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from cmp_bundle.files.rights import unreadable
from cmp_bundle.phone.intake import OWNER_EXECUTES, Intake

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from pathlib import Path

    from cmp_bundle.phone.file import PhoneFile

#: How the manifest of a bundle begins (bundle/manifest.py); other programs have one of this name.
_MANIFEST = "manifest.json"
_MADE_BY = b'"made_by": "cmp-bundle '
_HEAD = 4096


def read_folder(
    folder: Path,
    origin: str,
    private: Container[Path] = frozenset(),
    left_out: Callable[[str], None] = lambda _path: None,
) -> dict[str, PhoneFile]:
    """Every file in and below ``folder``, except what belongs to git, and bundles.

    What is ``private``, by its real path, is not even read: cmp-bundle's own files, which may lie
    in a phone's folder. ``left_out`` is told of it.

    A symlink to something inside the folder is read as what it leads to; what ends up on a web
    server has no links. Raises CmpBundleError, naming the entry, for a link that leads out of
    the folder or in a circle, for devices, fifos and sockets, and for what no phone may hold.
    """
    intake = Intake(origin)
    try:
        top = folder.resolve(strict=True)
        _Walk(top, intake, private, left_out).enter(top, "", frozenset([top]))
    except OSError as error:
        raise unreadable(error.filename or folder, error) from error
    return intake.files()


class _Walk:
    def __init__(
        self,
        top: Path,
        intake: Intake,
        private: Container[Path],
        left_out: Callable[[str], None],
    ) -> None:
        self._top = top
        self._intake = intake
        self._private = private
        self._left_out = left_out

    def enter(self, folder: Path, prefix: str, above: frozenset[Path]) -> None:
        """Read ``folder``, called ``prefix`` in the phone; ``above`` are the folders it is in."""
        with os.scandir(folder) as found:
            names = sorted(entry.name for entry in found)
        for name in names:
            # A folder, or in a linked work tree a file; either may hold a password.
            if name.casefold() == ".git":
                continue
            path = folder / name
            inside = f"{prefix}{name}"
            # How Emacs says that somebody edits a file: a link that leads nowhere.
            if name.startswith(".#") and path.is_symlink():
                continue
            if path.is_symlink():
                path = self._follow(path, inside)
            # The top is resolved, and so is every link below it.
            if path in self._private or _is_bundle(path):
                self._left_out(inside)
                continue
            kind = path.stat().st_mode
            if stat.S_ISDIR(kind):
                if path in above:
                    self._intake.refuse(inside, "is a link to a folder that contains it")
                self._intake.folder(inside)
                self.enter(path, f"{inside}/", above | {path})
            elif stat.S_ISREG(kind):
                self._read(path, inside)
            else:
                self._intake.refuse(inside, "is neither a file nor a folder")

    def _follow(self, link: Path, inside: str) -> Path:
        try:
            target = link.resolve(strict=True)
        except (OSError, RuntimeError):  # pathlib says RuntimeError for a circle of links
            self._intake.refuse(inside, "is a link to nothing")
        if not target.is_relative_to(self._top):
            self._intake.refuse(inside, "is a link out of the folder")
        if any(part.casefold() == ".git" for part in target.relative_to(self._top).parts):
            self._intake.refuse(inside, "is a link into a git repository")
        return target

    def _read(self, path: Path, inside: str) -> None:
        # Between the look above and this one somebody may have put a fifo there.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                self._intake.refuse(inside, "is neither a file nor a folder")
            self._intake.admit(inside, found.st_size)
            data = file.read(found.st_size + 1)
            executable = bool(found.st_mode & OWNER_EXECUTES)
            self._intake.fill(inside, data, executable=executable)


def _is_bundle(path: Path) -> bool:
    """Whether a build of cmp-bundle wrote this folder, the one that the settings name or another."""
    with suppress(OSError):
        descriptor = os.open(path / _MANIFEST, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            return stat.S_ISREG(os.fstat(descriptor).st_mode) and _MADE_BY in file.read(_HEAD)
    return False
