"""Noticing edits: all of them, however they are saved, and soon."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog import events
from watchdog.observers import Observer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchdog.observers.api import BaseObserver, ObservedWatch

#: Seconds without another event after which a burst counts as over, and the longest that a
#: burst is waited for. Editors write a file in several steps, a few milliseconds apart.
QUIET = 0.015
LONGEST = 0.15

#: Seconds between two looks at the files themselves. The kernel drops events when too many come
#: at once, and some file systems send none.
LOOK_EVERY = 1.0
LOOK_OFTEN = 0.2

#: What editors and tools leave beside the files that they write, and nobody's phone is made of.
_IGNORED = {".git", "node_modules", "__pycache__", ".hg", ".svn"}

# It calls it an error when a watch is given up while its thread waits, and that is no news.
logging.getLogger("watchdog").setLevel(logging.CRITICAL)

#: What is an edit. Reading a file is none, and a build reads them all. A chmod is one: it may be
#: what somebody was told to do.
_EDITS: list[type[events.FileSystemEvent]] = [
    events.FileAttribEvent,
    events.FileCreatedEvent,
    events.FileModifiedEvent,
    events.FileClosedEvent,
    events.FileDeletedEvent,
    events.FileMovedEvent,
    events.DirAttribEvent,
    events.DirCreatedEvent,
    events.DirDeletedEvent,
    events.DirMovedEvent,
]


@dataclass(frozen=True)
class Snapshot:
    """Files by path: times of change of content and of mode in nanoseconds, size, inode.

    Folders by path: inode.
    """

    files: dict[str, tuple[int, int, int, int]]
    folders: dict[str, int]


def snapshot(paths: Iterable[Path]) -> Snapshot:
    """Everything at and below ``paths`` as it is now; what is not there is left out."""
    files: dict[str, tuple[int, int, int, int]] = {}
    folders: dict[str, int] = {}
    for name in _below(paths):
        # It may have gone since it was listed.
        with contextlib.suppress(OSError):
            found = name.stat()
            if stat.S_ISDIR(found.st_mode):
                folders[str(name)] = found.st_ino
            else:
                times = found.st_mtime_ns, found.st_ctime_ns
                files[str(name)] = (*times, found.st_size, found.st_ino)
    return Snapshot(files, folders)


def _below(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = [f for f in folders if f not in _IGNORED]
            yield Path(folder)
            yield from (Path(folder, name) for name in names)


class Watching:
    """Watches ``paths`` (files and folders, which need not be there yet).

    ``polling`` looks at the files often and asks the system for no events: for network file
    systems and containers, where none come.
    """

    def __init__(self, paths: Iterable[Path], *, polling: bool = False) -> None:
        self._paths = tuple(paths)
        self._changed = asyncio.Event()
        self._last = 0.0
        self._loop = asyncio.get_running_loop()
        #: Why the system reports no edits, where it should.
        self.trouble: str | None = None
        self._observed: _Observed | None = None
        if not polling:
            try:
                self._observed = _Observed(_Handler(self))
            except OSError as error:  # other programs may have used up what a user may have
                self.trouble = error.strerror or str(error)
        #: Seconds between two looks at the files themselves.
        self.pause = LOOK_OFTEN if self._observed is None else LOOK_EVERY
        self._known = self._seen()
        self._looking = self._loop.create_task(self._look())

    def concerns(self, name: str) -> bool:
        """Whether a path that something happened to is one of ours, or leads to one."""
        path = Path(name)
        return any(
            path == p
            or path in p.parents
            or (p in path.parents and not _IGNORED & set(path.relative_to(p).parts))
            for p in self._paths
        )

    def notice(self) -> None:
        """Something changed. May be called from any thread."""
        # The loop may be gone before the thread that calls.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._mark)

    def _mark(self) -> None:
        self._last = self._loop.time()
        self._changed.set()

    def _seen(self) -> Snapshot:
        """What is there, once every folder of it is watched."""
        while True:
            seen = snapshot(self._paths)
            if self._observed is None:
                return seen
            # A file is watched through its folder, since an atomic save puts another file there;
            # and a folder through the one above it, for the same reason.
            above = {}
            for parent in {p.parent for p in self._paths}:
                with contextlib.suppress(OSError):
                    above[str(parent)] = parent.stat().st_ino
            if not self._observed.observe(above | seen.folders):
                return seen
            # Something may have come into a new folder before it was watched.

    async def _look(self) -> None:
        """The second pair of eyes: compares the files with what was known of them."""
        while True:
            await asyncio.sleep(self.pause)
            before = self._known
            now = await asyncio.to_thread(snapshot, self._paths)
            if now == before or self._known is not before:
                continue  # nothing, or ``edited`` has seen it meanwhile
            self._known = now
            if not self._changed.is_set():
                # No event told of it: from now on nobody waits for one.
                self.pause = LOOK_OFTEN
            self._mark()

    async def edited(self) -> None:
        """Return when something was edited since the last return, and the burst is over.

        An edit that comes while the caller is busy with the one before is not lost: the next
        call returns at once.
        """
        await self._changed.wait()
        began = self._loop.time()
        while (rest := self._last + QUIET - self._loop.time()) > 0:
            if self._loop.time() - began > LONGEST:
                break
            await asyncio.sleep(rest)
        self._changed.clear()
        self._known = await asyncio.to_thread(self._seen)

    async def aclose(self) -> None:
        self._looking.cancel()
        if self._observed is not None:
            await asyncio.to_thread(self._observed.close)


class _Observed:
    """The folders that watchdog watches, each by itself.

    Its own recursion is left alone: its account of which watch belongs to which path goes wrong
    when a folder is renamed and another takes its name, as a checkout does it; then the thread
    that all watches of the process share dies of a KeyError (7.1.0, InotifyWatchGroup).
    """

    def __init__(self, handler: events.FileSystemEventHandler) -> None:
        self._handler = handler
        self._observer: BaseObserver = Observer()
        self._observer.start()
        self._watches: dict[str, tuple[int, ObservedWatch]] = {}

    def observe(self, folders: dict[str, int]) -> bool:
        """Watch these folders (path and inode) and no others; whether any is new."""
        for path, (inode, watch) in list(self._watches.items()):
            if folders.get(path) != inode:
                self._observer.unschedule(watch)
                del self._watches[path]
        new = False
        for path, inode in folders.items():
            if path in self._watches:
                continue
            # It may be gone by now, or there may be more folders than the system watches; then
            # looking at the files has to do.
            with contextlib.suppress(OSError):
                watch = self._observer.schedule(
                    self._handler, path, event_filter=_EDITS, follow_symlink=True
                )
                self._watches[path] = (inode, watch)
                new = True
        return new

    def close(self) -> None:
        self._observer.stop()
        self._observer.join()


class _Handler(events.FileSystemEventHandler):
    """Runs in watchdog's thread."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def on_any_event(self, event: events.FileSystemEvent) -> None:
        names = (os.fsdecode(event.src_path), os.fsdecode(event.dest_path))
        if any(name and self._watching.concerns(name) for name in names):
            self._watching.notice()
