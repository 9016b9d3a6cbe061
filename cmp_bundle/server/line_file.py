"""Which of the admin's files our one line goes into, or stands in already. Nothing is looked at here."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.generated import says_generated
from cmp_bundle.asterisk.includes import FOLDER
from cmp_bundle.changes.include_line import has_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp_bundle.asterisk.conf_files import Files
    from cmp_bundle.asterisk.configuration import Configuration, Include


@dataclass(frozen=True)
class LineFile:
    """``path`` is the file, as Asterisk sees it. ``note`` says why a line in it may not last, empty
    where nothing is against it. ``otherwise`` is a line of somebody else's that includes our file.
    """

    path: str
    note: str = ""
    otherwise: Include | None = None


def line_file(name: str, read: Configuration, files: Files, own: Iterable[str] = ()) -> LineFile:
    """For the file ``name`` (http.conf), which was ``read`` from ``files``.

    ``own`` are names of files that the operator keeps for lines of one's own. Without them, where
    the file says that a program writes it, or lies elsewhere, it is an included one whose name says
    that it is for that.
    """
    main = f"{files.etc}/{name}"
    ours = f"{files.etc}/{FOLDER}/{name}"
    for include in read.includes:
        if posixpath.normpath(posixpath.join(files.etc, include.argument)) == ours:
            written = has_line(_bytes(files, include.file), name)
            return LineFile(include.file, otherwise=None if written else include)
    named = [f"{files.etc}/{one}" for one in own]
    chosen = [path for path in read.files if path in named]
    if chosen:
        return LineFile(chosen[-1])
    why = _why_not(main, files)
    if not why:
        return LineFile(main)
    custom = [path for path in _custom(read, files) if not _is_generated(path, files)]
    return LineFile(custom[-1]) if custom else LineFile(main, f"{why}; {_LOSS}")


_LOSS = (
    "if cmp-bundle's line in it is lost one day, run this again, or name a file that is kept for your"
    " own lines: [asterisk] custom_files"
)


def _why_not(main: str, files: Files) -> str:
    """A clause on why a line at the end of this file may not last; empty where it does."""
    if _is_generated(main, files):
        return f"{main} says that a program writes it"
    real, etc = files.resolved(main), files.resolved(files.etc)
    if not real.startswith(f"{etc}/"):
        return f"{main} leads to {real}, which is somebody else's place"
    return ""


def _custom(read: Configuration, files: Files) -> Iterator[str]:
    """The included files that are there for an admin's own lines, by their names."""
    for path in read.files:
        folder, _, base = path.rpartition("/")
        if folder == files.etc and "custom" in base:
            yield path


def _is_generated(path: str, files: Files) -> bool:
    return bool(says_generated(_bytes(files, path)))


def _bytes(files: Files, path: str) -> bytes:
    content = files.content(path)
    return content if isinstance(content, bytes) else b""
