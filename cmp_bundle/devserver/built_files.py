"""What the dev server shows behind /static/: the files of the last good build, in memory."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.web import StaticFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The folder of the phone's own files while it is edited: one address for all builds, and a
#: number that changes with each, so that no browser takes an old file for a new one.
FOLDER = "assets/live-{number}"

#: Where a build's number stands in its paths and in its page.
NUMBER = re.compile(rb"\blive-\d+")


class BuiltFiles:
    """A tree of files, as ``asterisk.web`` asks for it. Each file's time grows when it changes."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._site = ""
        self._files: dict[str, StaticFile] = {}

    def show(self, site: str, files: Mapping[str, bytes]) -> None:
        """From now on ``files`` lie under ``site``, and nothing else is there."""
        now = int(self._clock())
        before, self._files = self._files, {}
        for path, data in files.items():
            name = unnumbered(path)
            old = before.get(name)
            if old is not None and old.data == data:
                self._files[name] = old
            else:
                # Asterisk's ETag is this time in whole seconds: it must not come twice.
                self._files[name] = StaticFile(data, max(now, old.mtime + 1 if old else 0))
        self._site = site

    def file(self, path: str) -> StaticFile | None:
        parts = path.split("/")
        if parts[-1] in ("", "."):
            return None
        site, _, name = "/".join(p for p in parts if p not in ("", ".")).partition("/")
        return self._files.get(unnumbered(name)) if site == self._site else None


def unnumbered(path: str) -> str:
    """Whichever build's number is asked for, the last one is meant."""
    return NUMBER.sub(b"live", path.encode("utf-8", "surrogateescape")).decode(
        "utf-8", "surrogateescape"
    )
