"""What a path is, before and after: a file, a symlink, a folder, a new folder full of files."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cmp_bundle.files import FileOwnership

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class FileState:
    """A regular file. ``mtime`` (whole seconds) is None where it does not matter."""

    data: bytes = field(repr=False)
    owner: FileOwnership
    mtime: int | None = None


@dataclass(frozen=True)
class KnownFileState:
    """A file of which a journal keeps only what it takes to know it again: its SHA-256 in hex, and
    its ``mtime`` where that mattered.
    """

    sha256: str
    mtime: int | None = None


@dataclass(frozen=True)
class SymlinkState:
    """A symlink."""

    target: str


@dataclass(frozen=True)
class FolderState:
    """A folder, whatever it holds."""

    owner: FileOwnership


@dataclass(frozen=True)
class TreeState:
    """A new folder full of files, which nobody looks into before it is linked to.

    ``names`` is a pattern (fnmatch) that all of them match, and by which they go again.
    """

    files: Mapping[str, bytes] = field(repr=False)
    owner: FileOwnership
    names: str


#: What a path can be; None is nothing.
State = FileState | KnownFileState | SymlinkState | FolderState | TreeState | None


def is_like(one: State, other: State) -> bool:
    """Whether both are the same thing with the same content; the time of a file does not count."""
    match one, other:
        case FileState(), FileState():
            return one.data == other.data and one.owner == other.owner
        case ((FileState() | KnownFileState()), (FileState() | KnownFileState())):
            return digest(one) == digest(other)
        case ((FolderState() | TreeState()), (FolderState() | TreeState())):
            return True
    return one == other


def digest(state: FileState | KnownFileState) -> str:
    """The SHA-256 of its content, in hex."""
    return (
        state.sha256
        if isinstance(state, KnownFileState)
        else hashlib.sha256(state.data).hexdigest()
    )


def to_json(state: State, *, whole: bool) -> dict[str, Any] | None:
    """For a journal. Of a file that shall only be known again, and not ``whole``, its digest."""
    match state:
        case FileState(data, owner, mtime) if whole:
            encoded = base64.b64encode(data).decode()
            return {"file": encoded, "owner": _owner_to_json(owner), "mtime": mtime}
        case FileState() | KnownFileState():
            return {"sha256": digest(state), "mtime": state.mtime}
        case SymlinkState(target):
            return {"link": target}
        case FolderState(owner):
            return {"folder": _owner_to_json(owner)}
        case TreeState(_, owner, names):
            return {"tree": names, "owner": _owner_to_json(owner)}
    return None


def from_json(value: dict[str, Any] | None) -> State:
    """Raises ValueError, KeyError, TypeError for anything that ``to_json`` did not give."""
    if value is None:
        return None
    if "file" in value:
        data = base64.b64decode(value["file"], validate=True)
        return FileState(data, _owner(value["owner"]), typed(value["mtime"], int, type(None)))
    if "sha256" in value:
        mtime = typed(value.get("mtime"), int, type(None))
        return KnownFileState(typed(value["sha256"], str), mtime)
    if "link" in value:
        return SymlinkState(typed(value["link"], str))
    if "tree" in value:
        # Its files are not needed: undoing it takes it away, and nobody does it again from here.
        return TreeState({}, _owner(value["owner"]), typed(value["tree"], str))
    return FolderState(_owner(value["folder"]))


def typed(value: Any, *kinds: type) -> Any:
    """``value``, which is of exactly one of ``kinds``. Raises TypeError."""
    if type(value) not in kinds:
        raise TypeError(f"{type(value).__name__} in place of {kinds[0].__name__}")
    return value


def _owner(value: Any) -> FileOwnership:
    uid, gid, mode = (typed(number, int) for number in typed(value, list))
    if not (-1 <= uid < 1 << 32 and -1 <= gid < 1 << 32 and 0 <= mode <= 0o7777):  # noqa: PLR2004
        raise ValueError(f"no owner: {value}")
    return FileOwnership(uid, gid, mode)


def _owner_to_json(owner: FileOwnership) -> list[int]:
    return [owner.uid, owner.gid, owner.mode]
