"""Steps in words: for configuration the differences, for the rest what is there before and after."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.changes.state import (
    FileState,
    FolderState,
    KnownFileState,
    State,
    SymlinkState,
    TreeState,
)
from cmp_bundle.changes.step import Change, Reload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp_bundle.changes.step import Removal, Step

#: A line of an auth, up to its secret.
_SECRET = re.compile(
    r"^([ \t]*(?:\w+/)?(?:password|md5_cred|password_digest|secret)[ \t]*=>?[ \t]*).+$",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True)
class PathChange:
    """A path that changes. ``before`` and ``after`` say what is there, None where nothing is;
    ``diff`` is a unified diff of configuration, in which no password is shown.
    """

    path: str
    before: str | None
    after: str | None
    diff: str | None = None


def changed_paths(
    steps: Iterable[Step], cleanup: Iterable[Removal] = (), *, secret: bool = False
) -> tuple[PathChange, ...]:
    """What ``steps`` and ``cleanup`` change on the disk, in that order.

    No content is shown of files that are ``secret``: those in which passwords are changed.
    """
    changes = [_changed(step, secret=secret) for step in steps if isinstance(step, Change)]
    return (*changes, *(PathChange(str(one.path), "no longer needed", None) for one in cleanup))


def reloads(steps: Iterable[Step]) -> tuple[str, ...]:
    """The lines for the console of the service, each once."""
    return tuple(dict.fromkeys(step.line for step in steps if isinstance(step, Reload)))


def _changed(change: Change, *, secret: bool) -> PathChange:
    before, after = change.before, change.after
    diff = None
    if not secret and change.path.suffix == ".conf" and isinstance(after, FileState):
        diff = _difference(change, before)
    return PathChange(str(change.path), _words(before), _words(after), diff)


def _words(state: State) -> str | None:
    match state:
        case FileState(data):
            return f"file of {len(data)} bytes" if data else "file"
        case KnownFileState():
            return "file"
        case SymlinkState(target):
            return f"link to {target}"
        case TreeState(files):
            return f"folder with {len(files)} files"
        case FolderState():
            return "folder"
    return None


def _difference(change: Change, before: State) -> str:
    old = before.data if isinstance(before, FileState) else b""
    new = change.after.data if isinstance(change.after, FileState) else b""
    came_from = str(change.path) if before is not None else "/dev/null"
    lines = difflib.unified_diff(
        _lines(old), _lines(new), came_from, str(change.path), lineterm="", n=1
    )
    return "\n".join(lines)


def _lines(data: bytes) -> list[str]:
    """Without passwords, which a diff would show."""
    text = _SECRET.sub(r"\1…", data.decode(errors="replace"))
    return text.splitlines()
