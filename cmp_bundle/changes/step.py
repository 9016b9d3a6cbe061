"""The steps of a plan: each can be done, undone, and written into a journal."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cmp_bundle.changes import state as states
from cmp_bundle.changes.include_line import add_line, has_line, remove_line
from cmp_bundle.changes.lines import taken_back
from cmp_bundle.changes.look import look
from cmp_bundle.changes.state import (
    FileState,
    FolderState,
    KnownFileState,
    State,
    SymlinkState,
    TreeState,
    is_like,
)
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from cmp_bundle.files import Disk

#: What everybody may read.
_PUBLIC = 0o644


class NotBegunError(CmpBundleError):
    """What a step raises that has changed nothing, and so has nothing to be undone."""


class LeftError(CmpBundleError):
    """What undoing raises where somebody else's work stands by now: it is left as it is.

    All else of the step is undone, and no later run could do better.
    """


class Service(Protocol):
    """The program whose files are changed."""

    def reload(self, line: str) -> None:
        """Have it read its files again: ``line`` for its console.

        Raises CmpBundleError where that is not asked, because it would do harm, and where it
        does not answer.
        """

    def worse(self) -> str | None:
        """A clause on what does not work any more that worked when it was first looked at."""


class Step(Protocol):
    """Something to be done to a server. Kinds of steps beside those here are handed to the engine."""

    def paths(self) -> tuple[Path, ...]:
        """What it changes on the disk."""

    def to_json(self) -> dict[str, Any]:
        """With its ``kind``, for a journal; all that undoing it takes."""

    def carry_out(self, disk: Disk, service: Service) -> None:
        """Raises CmpBundleError, NotBegunError where nothing was changed."""

    def undo(self, disk: Disk, service: Service) -> None:
        """Fine if it was never done, or done in part. Raises CmpBundleError."""

    def reach(self) -> None:
        """Raises CmpBundleError where it is known already that it cannot be undone now."""


#: By the kind of a step, how it is read from a journal.
Kinds = Mapping[str, Callable[[dict[str, Any]], Step]]


@dataclass(frozen=True)
class Change:
    """``path`` is ``before`` and shall be ``after``.

    A file of ``theirs`` is the admin's own: what a symlink leads to is changed, and what others
    changed since stays. ``included`` (http.conf) tells that the change is our one line in it.
    """

    path: Path
    before: State
    after: State
    theirs: bool = False
    included: str | None = None

    def paths(self) -> tuple[Path, ...]:
        return (self.path,)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "path",
            "path": str(self.path),
            "before": states.to_json(self.before, whole=True),
            # Whole, where somebody may have changed the rest of the file by then.
            "after": states.to_json(self.after, whole=self.theirs and self.included is None),
            "theirs": self.theirs,
            "included": self.included,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Change:
        return cls(
            Path(value["path"]),
            states.from_json(value["before"]),
            states.from_json(value["after"]),
            states.typed(value["theirs"], bool),
            states.typed(value["included"], str, type(None)),
        )

    def carry_out(self, disk: Disk, service: Service) -> None:
        del service
        # A file's time may be all that changes; what else it was is looked at once more, since
        # somebody may have been quicker.
        if not is_like(self._look(disk), self.before):
            raise NotBegunError(
                "file-changed",
                "was changed by somebody else at the same time",
                file=self.path,
                hint="nothing of that was lost; run this again",
            )
        self._make(self.before, self.after, disk)

    def undo(self, disk: Disk, service: Service) -> None:
        del service
        disk.remove_partial(self.path, follow=self.theirs)
        current = self._look(disk)
        before, whole = self._before(current) if self.theirs else (self.before, True)
        if self._touches or not is_like(current, before):
            self._make(current, before, disk)
        if not whole:
            raise LeftError(
                "left-as-is",
                "was changed by somebody else since, so what they changed is left as it is now",
                file=self.path,
                hint="look whether its passwords are the right ones: cmp-bundle accounts check",
            )

    def reach(self) -> None:
        pass

    @property
    def _touches(self) -> bool:
        """Whether its time is all that changes: whoever goes by it must see that it is undone."""
        timed = isinstance(self.after, FileState | KnownFileState) and self.after.mtime is not None
        return timed and is_like(self.before, self.after)

    def _look(self, disk: Disk) -> State:
        return look(self.path, disk.boundary, follow=self.theirs)

    def _before(self, current: State) -> tuple[State, bool]:
        """Their file as it has to be: their present words, with ours as they were before.

        And whether all of ours could be told from theirs.
        """
        if not isinstance(current, FileState) or not isinstance(self.before, FileState):
            return self.before, True
        if is_like(current, self.before):
            return current, True
        if is_like(KnownFileState(states.digest(current)), self.after):
            return self.before, True
        if self.included is None:
            after = self.after.data if isinstance(self.after, FileState) else b""
            data, whole = taken_back(current.data, self.before.data, after)
            return FileState(data, current.owner), whole
        had = has_line(self.before.data, self.included)
        data = (add_line if had else remove_line)(current.data, self.included)
        return FileState(data, current.owner), True

    def _make(self, current: State, wanted: State, disk: Disk) -> None:
        path = self.path
        match wanted:
            case FileState():
                disk.write(path, wanted.data, wanted.owner, wanted.mtime, follow=self.theirs)
            case SymlinkState():
                disk.link(path, wanted.target)
            case FolderState():
                disk.make_folder(path, wanted.owner)
            case TreeState():
                disk.make_folder(path, wanted.owner)
                files = {path / name: data for name, data in wanted.files.items()}
                disk.write_all(files, wanted.owner.with_mode(_PUBLIC))
            case None if isinstance(current, FolderState):
                names = self.after.names if isinstance(self.after, TreeState) else None
                Removal(path, names).carry_out(disk)
            case None:
                disk.remove(path)
            case KnownFileState():
                raise AssertionError("a journal keeps what was before whole")


@dataclass(frozen=True)
class Reload:
    """A line for the service's console, at this place between the changes.

    Undoing it is another reload, once all is put back: the engine sees to that.
    """

    line: str

    def paths(self) -> tuple[Path, ...]:
        return ()

    def to_json(self) -> dict[str, Any]:
        return {"kind": "reload", "line": self.line}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Reload:
        return cls(states.typed(value["line"], str))

    def carry_out(self, disk: Disk, service: Service) -> None:
        disk.announce("reload", Path(self.line))
        service.reload(self.line)

    def undo(self, disk: Disk, service: Service) -> None:
        del disk, service

    def reach(self) -> None:
        pass


@dataclass(frozen=True)
class Removal:
    """Something that is no longer needed: a file, a symlink, or a folder that is empty.

    ``names`` is a pattern (fnmatch) of the files in the folder that go with it. What somebody
    else put there stays, and the folder with it.
    """

    path: Path
    names: str | None = None

    def paths(self) -> tuple[Path, ...]:
        return (self.path,)

    def to_json(self) -> dict[str, Any]:
        return {"path": str(self.path), "names": self.names}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Removal:
        return cls(Path(value["path"]), states.typed(value["names"], str, type(None)))

    def carry_out(self, disk: Disk) -> bool:
        """Whether it is gone then. Fine if it was before. Raises CmpBundleError."""
        found = look(self.path, disk.boundary)
        if not isinstance(found, FolderState):
            disk.remove(self.path)
            return True
        if self.names is not None:
            with disk.boundary.opened(self.path) as folder:
                names = fnmatch.filter(folder.names(), self.names)
            disk.remove_all(self.path, names)
        return disk.remove_folder(self.path)
