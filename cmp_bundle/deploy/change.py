"""Changes as data: a path, what is there before, what is there after."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp_bundle.errors import AS_ANOTHER_USER, CmpBundleError
from cmp_bundle.files import Owner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.files import Disk

#: What everybody may read.
_PUBLIC = 0o644


@dataclass(frozen=True)
class File:
    """A regular file. ``mtime`` (whole seconds) is None where it does not matter."""

    data: bytes
    owner: Owner
    mtime: int | None = None


@dataclass(frozen=True)
class Link:
    """A symlink."""

    target: str


@dataclass(frozen=True)
class Folder:
    """A folder, whatever it holds."""

    owner: Owner


@dataclass(frozen=True)
class Tree:
    """A new folder full of files, which nobody looks into before it is linked to."""

    files: Mapping[str, bytes]
    owner: Owner


#: What a path can be; None is nothing.
State = File | Link | Folder | Tree | None


@dataclass(frozen=True)
class Change:
    """``path`` is ``before`` and shall be ``after``.

    ``included`` names the file (http.conf) when the path is the admin's own and the change is
    our one line in it: then undoing it takes out the line and leaves what others changed.
    """

    path: Path
    before: State
    after: State
    included: str | None = None


def look(path: Path) -> State:
    """The state of ``path`` on the disk; the time of a file is left out.

    Raises CmpBundleError where this user may not see it.
    """
    try:
        if path.is_symlink():
            return Link(str(path.readlink()))
        if path.is_dir():
            return Folder(Owner.of(path))
        if path.exists() and not path.is_file():
            # To read a pipe would wait for ever, and to replace /dev/null would be worse.
            raise CmpBundleError(
                "is a device or a pipe, not a file", file=path, hint="move it away"
            )
        return File(path.read_bytes(), Owner.of(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CmpBundleError(
            f"cannot be read: {(error.strerror or str(error)).lower()}",
            file=path,
            hint=AS_ANOTHER_USER if isinstance(error, PermissionError) else None,
        ) from error


def make(path: Path, before: State, after: State, disk: Disk) -> None:
    """Turn ``before`` into ``after``. Raises CmpBundleError."""
    match after:
        case File():
            disk.write(path, after.data, after.owner, after.mtime)
        case Link():
            disk.link(path, after.target)
        case Folder():
            disk.make_folder(path, after.owner)
        case Tree():
            disk.make_folder(path, after.owner)
            files = {path / name: data for name, data in after.files.items()}
            disk.write_all(files, after.owner.with_mode(_PUBLIC))
        case None if isinstance(before, Tree):
            disk.remove_tree(path)
        case None if isinstance(before, Folder):
            disk.remove_folder(path)
        case None:
            disk.remove(path)


def to_json(change: Change) -> dict[str, Any]:
    return {
        "path": str(change.path),
        "before": _state_to_json(change.before),
        "after": _state_to_json(change.after),
        "included": change.included,
    }


def from_json(value: dict[str, Any]) -> Change:
    return Change(
        Path(value["path"]),
        _state_from_json(value["before"]),
        _state_from_json(value["after"]),
        value["included"],
    )


def _state_to_json(state: State) -> dict[str, Any] | None:
    match state:
        case File(data, owner, mtime):
            encoded = base64.b64encode(data).decode()
            return {"file": encoded, "owner": _owner_to_json(owner), "mtime": mtime}
        case Link(target):
            return {"link": target}
        case Folder(owner):
            return {"folder": _owner_to_json(owner)}
        case Tree(_, owner):
            return {"tree": _owner_to_json(owner)}
    return None


def _state_from_json(value: dict[str, Any] | None) -> State:
    if value is None:
        return None
    if "file" in value:
        data = base64.b64decode(value["file"])
        return File(data, Owner(*value["owner"]), value["mtime"])
    if "link" in value:
        return Link(value["link"])
    if "tree" in value:
        # Its files are not needed: undoing it takes it away, and nobody does it again from here.
        return Tree({}, Owner(*value["tree"]))
    return Folder(Owner(*value["folder"]))


def _owner_to_json(owner: Owner) -> list[int]:
    return [owner.uid, owner.gid, owner.mode]
