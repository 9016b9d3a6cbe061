"""How to undo what is about to be done, written down before it is done.

``journal.json`` is there from before the first step until after the last. A run that finds one
finds a run that was cut off: in phase ``changing`` everything goes back, in phase ``finishing``
(all was done and seen to work) what is left to throw away goes.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.changes import memory
from cmp_bundle.changes.state import typed
from cmp_bundle.changes.step import Change, Reload, Removal
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import OTHERS, Boundary
from cmp_bundle.files.rights import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cmp_bundle.changes.step import Kinds, Step
    from cmp_bundle.files import Content, Disk

NAME = "journal.json"
FORMAT = 1

#: How the steps of this room are read; the others' are handed in.
OWN_KINDS: Kinds = {"path": Change.from_json, "reload": Reload.from_json}


@dataclass(frozen=True)
class Entry:
    """What one run is doing. ``finishing`` is whether its steps were done and seen to work."""

    action: str
    steps: tuple[Step, ...] = ()
    cleanup: tuple[Removal, ...] = ()
    finishing: bool = False

    def with_steps(self, steps: Iterable[Step]) -> Entry:
        return replace(self, steps=(*self.steps, *steps))

    def finished(self, cleanup: tuple[Removal, ...]) -> Entry:
        return replace(self, steps=(), cleanup=cleanup, finishing=True)

    def paths(self) -> Iterator[Path]:
        everything: tuple[Step | Removal, ...] = (*self.steps, *self.cleanup)
        return (path for each in everything for path in each.paths())

    def to_json(self) -> bytes:
        document = {
            "format": FORMAT,
            "action": self.action,
            "finishing": self.finishing,
            "steps": [step.to_json() for step in self.steps],
            "cleanup": [removal.to_json() for removal in self.cleanup],
        }
        return (json.dumps(document, indent=1) + "\n").encode()


@dataclass(frozen=True)
class Journal:
    """The journal in ``folder``, which is ours alone.

    ``places`` are the files and folders that a plan for this server could change: a journal that
    names anything else is not believed. ``more`` gives those that take time to find, and is only
    asked for what is in none of the others.
    """

    folder: Path
    places: tuple[Path, ...]
    kinds: Kinds
    more: Callable[[], tuple[Path, ...]] = tuple

    @property
    def path(self) -> Path:
        return self.folder / NAME

    def write(self, entry: Entry, disk: Disk) -> None:
        """From here on a run that is cut off is brought to its end."""
        for path in entry.paths():
            self._refuse_elsewhere(path)  # or no later run would undo it
        disk.within(Boundary()).write(self.path, entry.to_json(), memory.owner())

    def remove(self, disk: Disk) -> None:
        disk.within(Boundary()).remove(self.path)

    def read(self) -> Entry | None:
        """What was cut off; None where nothing was. Raises CmpBundleError."""
        try:
            with Boundary().opened(self.folder) as folder:
                content = folder.read(NAME)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable(self.path, error) from error
        self._refuse_others(content)
        try:
            entry = self._parsed(content.data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            # It is written in one rename, so this is no half-written file.
            raise CmpBundleError(
                "journal-refused",
                f"is not a journal of cmp-bundle: {error!r}",
                file=self.path,
                hint="somebody changed it; put it back, or remove it and look at what is deployed",
            ) from error
        for path in entry.paths():
            self._refuse_elsewhere(path)
        return entry

    def _parsed(self, data: bytes) -> Entry:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise CmpBundleError(
                "other-version",
                "was written by another version of cmp-bundle",
                file=self.path,
                hint="finish with the version that wrote it",
            )
        kinds: Kinds = {**OWN_KINDS, **self.kinds}
        return Entry(
            typed(document["action"], str),
            tuple(kinds[step["kind"]](step) for step in document["steps"]),
            tuple(Removal.from_json(removal) for removal in document["cleanup"]),
            typed(document["finishing"], bool),
        )

    def _refuse_others(self, content: Content) -> None:
        if content.owner.uid == os.geteuid() and not content.owner.mode & OTHERS:
            return
        raise CmpBundleError(
            "journal-refused",
            "says how to undo a command that was cut off, but is not yours alone, so it is not trusted",
            file=self.path,
            hint="find out who put it there, and remove it",
        )

    def _refuse_elsewhere(self, path: Path) -> None:
        # No part may lead up again: the way is followed part by part.
        sound = path.is_absolute() and ".." not in path.parts and _can_be(path)
        if sound and (_is_in(path, self.places) or self._is_elsewhere_in(path)):
            return
        raise CmpBundleError(
            "journal-refused",
            f"would undo a change of {str(path)!r}, which is not part of the server in this run's"
            " settings, so it is not trusted",
            file=self.path,
            hint="use the settings of the run that was cut off (its folder, its --config); if none"
            " of yours names that file, look at who changed the journal, and remove it",
        )

    def _is_elsewhere_in(self, path: Path) -> bool:
        """The same server may be known by two names, one of them a symlink."""
        places = (*self.places, *self.more())
        really = Path(os.path.realpath(path.parent), path.name)
        return _is_in(path, places) or _is_in(really, map(Path, map(os.path.realpath, places)))


def _is_in(path: Path, places: Iterable[Path]) -> bool:
    return any(path == place or path.is_relative_to(place) for place in places)


def _can_be(path: Path) -> bool:
    """Whether a system can have a file called so at all."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False
