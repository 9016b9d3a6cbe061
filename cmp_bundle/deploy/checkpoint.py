"""How to undo what is about to be done, written down before it is done.

``<etc>/cmp-bundle/checkpoint.json`` is there from before the first change until after the last.
A run that finds one finds a run that was cut off: in phase ``changing`` everything goes back, in
phase ``finishing`` (the change was made and seen to work) what is left to throw away goes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.deploy import change as changes
from cmp_bundle.deploy.change import Change, File, Tree
from cmp_bundle.deploy.line import add_line, has_line, remove_line
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Owner

if TYPE_CHECKING:
    from cmp_bundle.files import Disk

NAME = "checkpoint.json"
FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """``reload`` are lines for Asterisk's console, ``then`` are what to throw away at the end."""

    action: str
    changes: tuple[Change, ...]
    reload: tuple[str, ...]
    then: tuple[Path, ...]
    phase: str = "changing"

    def to_json(self) -> bytes:
        document = {
            "format": FORMAT,
            "action": self.action,
            "phase": self.phase,
            "changes": [changes.to_json(c) for c in self.changes],
            "reload": self.reload,
            "then": [str(p) for p in self.then],
        }
        return (json.dumps(document, indent=1) + "\n").encode()


def read(folder: Path) -> Checkpoint | None:
    """The checkpoint in our folder under Asterisk's configuration; None where there is none."""
    path = folder / NAME
    found = changes.look(path)
    if found is None:
        return None
    try:
        document = json.loads(found.data if isinstance(found, File) else b"")
        if document["format"] != FORMAT:
            raise CmpBundleError(
                "was written by another version of cmp-bundle",
                file=path,
                hint="finish with the version that wrote it",
            )
        return Checkpoint(
            document["action"],
            tuple(changes.from_json(c) for c in document["changes"]),
            tuple(document["reload"]),
            tuple(Path(p) for p in document["then"]),
            document["phase"],
        )
    except (ValueError, KeyError, TypeError) as error:
        # It is written in one rename, so this is no half-written file.
        raise CmpBundleError(
            f"is not a checkpoint of cmp-bundle: {error}",
            file=path,
            hint="somebody changed it; put it back, or remove it and look at what is deployed",
        ) from error


def write(checkpoint: Checkpoint, folder: Path, disk: Disk) -> None:
    """Put the checkpoint down; from here on a run that is cut off can be undone."""
    own = Owner.of(folder).with_mode(0o600)
    disk.write(folder / NAME, checkpoint.to_json(), own)


def finishing(checkpoint: Checkpoint) -> Checkpoint:
    """What is left once the changes are made and seen to work: things to throw away."""
    return replace(checkpoint, changes=(), reload=(), phase="finishing")


def undo(checkpoint: Checkpoint, disk: Disk) -> None:
    """Put everything back, last change first. Fine if some of it was never done."""
    for change in reversed(checkpoint.changes):
        if isinstance(change.after, Tree):
            disk.remove_tree(change.path)
            continue
        current = changes.look(change.path)
        partial = disk.partial(change.path)
        if partial.is_symlink() or partial.exists():
            disk.remove(partial)
        before = change.before
        if change.included is not None:
            before = _their_file(change, current)
        if not _same(current, before):
            changes.make(change.path, current, before, disk)


def finish(checkpoint: Checkpoint, folder: Path, disk: Disk) -> None:
    """Throw away what is no longer needed, the checkpoint last, and ``folder`` if it is empty."""
    for path in checkpoint.then:
        if path.is_dir() or disk.partial(path).is_dir():
            disk.remove_tree(path)
        else:
            disk.remove(path)
    disk.remove(folder / NAME)
    disk.remove_folder(folder)


def _their_file(change: Change, current: changes.State) -> changes.State:
    """Their file as it has to be: their present words, with our line as it was before."""
    if not isinstance(current, File) or not isinstance(change.before, File):
        return change.before
    name = change.included or ""
    if current.data in (change.before.data, _data(change.after)):
        return change.before
    had = has_line(change.before.data, name)
    data = (add_line if had else remove_line)(current.data, name)
    return File(data, current.owner)


def _data(state: changes.State) -> bytes | None:
    return state.data if isinstance(state, File) else None


def _same(one: changes.State, other: changes.State) -> bool:
    if isinstance(one, File) and isinstance(other, File):
        return one.data == other.data and one.owner == other.owner
    if isinstance(one, changes.Folder) and isinstance(other, changes.Folder):
        return True
    return one == other
