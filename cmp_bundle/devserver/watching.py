"""Noticing edits: all of them, however they are saved, and soon."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.events import (
    EVENT_TYPE_CLOSED_NO_WRITE,
    EVENT_TYPE_OPENED,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchdog.observers.api import BaseObserver

#: Seconds without another event after which a burst counts as over, and the longest that a
#: burst is waited for. Editors write a file in several steps, a few milliseconds apart.
QUIET = 0.015
LONGEST = 0.15

#: Seconds between two looks at the files themselves. The kernel drops events when too many come
#: at once, and a folder that has just appeared is watched only a moment later.
LOOK_EVERY = 1.0
LOOK_OFTEN = 0.2

#: What editors and tools leave beside the files that they write, and nobody's phone is made of.
_IGNORED = {".git", "node_modules", "__pycache__", ".hg", ".svn"}


def snapshot(paths: Iterable[Path]) -> dict[str, tuple[int, int, int]]:
    """Every file below ``paths``: its time of change in nanoseconds, size and inode."""
    seen = {}
    for path in paths:
        for name in _files(path):
            try:
                found = name.stat()
            except OSError:
                continue
            seen[str(name)] = (found.st_mtime_ns, found.st_size, found.st_ino)
    return seen


def _files(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = [f for f in folders if f not in _IGNORED]
        yield from (Path(folder, name) for name in names)


class Watching:
    """Watches ``paths`` (files and folders, which need not be there yet).

    ``polling`` looks at the files often and asks the system for no events: for network file
    systems and containers, where none come.
    """

    def __init__(self, paths: Iterable[Path], *, polling: bool = False) -> None:
        self._paths = tuple(paths)
        self._polling = polling
        self._changed = asyncio.Event()
        self._last = 0.0
        self._known = snapshot(self._paths)
        self._loop = asyncio.get_running_loop()
        self._observer = None if polling else self._observe()
        self._looking = self._loop.create_task(self._look())

    def _observe(self) -> BaseObserver:
        handler = _Handler(self)
        observer = Observer()
        folders = {p if p.is_dir() else p.parent for p in self._paths}
        for folder in folders:
            if folder.is_dir():
                # A file is watched through its folder: an atomic save puts another file there.
                observer.schedule(handler, str(folder), recursive=folder in self._paths)
        observer.start()
        return observer

    def concerns(self, name: str) -> bool:
        """Whether a path that something happened to is one of ours."""
        path = Path(name)
        return any(
            path == p or (p in path.parents and not _IGNORED & set(path.relative_to(p).parts))
            for p in self._paths
        )

    def notice(self) -> None:
        """Something changed. May be called from any thread."""
        self._loop.call_soon_threadsafe(self._mark)

    def _mark(self) -> None:
        self._last = self._loop.time()
        self._changed.set()

    async def _look(self) -> None:
        """The second pair of eyes: compares the files with what was known of them."""
        while True:
            await asyncio.sleep(LOOK_OFTEN if self._polling else LOOK_EVERY)
            now = await asyncio.to_thread(snapshot, self._paths)
            if now != self._known:
                self._known = now
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
        self._known = await asyncio.to_thread(snapshot, self._paths)

    async def aclose(self) -> None:
        self._looking.cancel()
        if self._observer is not None:
            self._observer.stop()
            await asyncio.to_thread(self._observer.join)


class _Handler(FileSystemEventHandler):
    """Runs in watchdog's thread."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def on_any_event(self, event: FileSystemEvent) -> None:
        # Reading a file is no edit, and a build reads them all.
        if event.event_type in (EVENT_TYPE_OPENED, EVENT_TYPE_CLOSED_NO_WRITE):
            return
        names = (os.fsdecode(event.src_path), os.fsdecode(event.dest_path))
        if any(name and self._watching.concerns(name) for name in names):
            self._watching.notice()
