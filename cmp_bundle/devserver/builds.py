"""Builds, one after the other: the last good one stays up, the problem of the last is told."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.bundle.manifest import ENTRY, PROFILES
from cmp_bundle.devserver.shown import NUMBER
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.asterisk.static import Warning as StaticWarning
    from cmp_bundle.bundle.build import Built


@dataclass(frozen=True)
class Outcome:
    """The state after a build: what is shown, and what stands against showing the newest.

    ``number`` counts builds from 1, ``shown`` is the number of the one that is shown.
    ``stylesheets`` are the paths of style sheets, where nothing else changed.
    """

    number: int
    shown: int
    built: Built
    problem: CmpBundleError | None
    seconds: float
    changed: bool
    stylesheets: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[StaticWarning, ...]:
        return self.built.warnings


class Builds:
    """``make`` builds once, given the number of the build; it raises CmpBundleError."""

    def __init__(self, make: Callable[[int], Built]) -> None:
        self._make = make
        self._last: Outcome | None = None

    def build(self) -> Outcome:
        """Build again. The first time a failure is raised: there is nothing to show yet."""
        began = time.perf_counter()
        last = self._last
        number = last.number + 1 if last else 1
        try:
            built = self._make(number)
        except CmpBundleError as error:
            if last is None:
                raise
            took = time.perf_counter() - began
            self._last = Outcome(number, last.shown, last.built, error, took, changed=False)
            return self._last
        took = time.perf_counter() - began
        different = _different(last.built, built) if last else frozenset({"everything"})
        mended = last is not None and last.problem is not None
        sheets = tuple(sorted(different))
        only_sheets = bool(sheets) and all(p.endswith(".css") for p in sheets) and not mended
        self._last = Outcome(
            number,
            number if different else (last.shown if last else number),
            built if different or last is None else last.built,
            None,
            took,
            changed=bool(different),
            stylesheets=sheets if only_sheets else (),
        )
        return self._last


def published(built: Built) -> dict[str, bytes]:
    """Everything that lies under the site, by path: the bundle and the sealed profiles."""
    bundle = built.bundle
    profiles = {f"{PROFILES}/{name}": data for name, data in bundle.profiles.items()}
    return {**bundle.files, **profiles}


def _different(old: Built, new: Built) -> frozenset[str]:
    """The files that differ, apart from the number of the build, which always does."""
    before, after = _unnumbered(old), _unnumbered(new)
    return frozenset(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )


def _unnumbered(built: Built) -> dict[str, bytes]:
    files = published(built)
    page = NUMBER.sub(b"live", files[ENTRY])
    return {NUMBER.sub(b"live", p.encode()).decode(): data for p, data in files.items()} | {
        ENTRY: page
    }
