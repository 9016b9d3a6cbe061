"""Builds, one after the other: the last good one stays up, the problem of the last is told."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.bundle.manifest import ENTRY, PROFILES
from cmp_bundle.devserver.built_files import NUMBER, unnumbered
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.bundle.build import Built


@dataclass(frozen=True)
class Outcome:
    """The state after a build: what is shown, and what stands against showing the newest.

    ``number`` counts builds, ``visible`` is the number of the one that is shown.
    ``stylesheets`` are the paths of style sheets, where nothing else changed. Pages of the builds
    from ``since`` on differ from the one that is shown in the style sheets ``restyled`` alone.
    """

    number: int
    visible: int
    built: Built
    problem: CmpBundleError | None
    seconds: float
    changed: bool
    since: int
    stylesheets: tuple[str, ...] = ()
    restyled: tuple[str, ...] = ()


class Builds:
    """``make`` builds once, given the number of the build; it raises CmpBundleError.

    ``first`` is the number of the first build.
    """

    def __init__(self, make: Callable[[int], Built], first: int) -> None:
        self._make = make
        self._first = first
        self._last: Outcome | None = None

    def build(self) -> Outcome:
        """Build again. The first time a failure is raised: there is nothing to show yet."""
        began = time.perf_counter()
        last = self._last
        number = last.number + 1 if last else self._first
        problem = None
        try:
            built = self._make(number)
        except CmpBundleError as error:
            if last is None:
                raise
            built, problem = last.built, error
        took = time.perf_counter() - began
        outcome = Outcome(number, number, built, None, took, changed=True, since=number)
        if last is not None:
            different = _different(last.built, built)
            if not different:
                outcome = replace(
                    last,
                    number=number,
                    problem=problem,
                    seconds=took,
                    changed=False,
                    stylesheets=(),
                )
            elif all(path.endswith(".css") for path in different) and last.problem is None:
                outcome = replace(
                    outcome,
                    since=last.since,
                    stylesheets=tuple(sorted(different)),
                    restyled=tuple(sorted({*last.restyled, *different})),
                )
        self._last = outcome
        return outcome


def published(built: Built) -> dict[str, bytes]:
    """Everything that lies under the site, by path: the bundle and the sealed profiles."""
    bundle = built.bundle
    profiles = {f"{PROFILES}/{name}": data for name, data in bundle.profiles.items()}
    return {**bundle.files, **profiles}


def _different(old: Built, new: Built) -> frozenset[str]:
    """The files that differ, apart from the number of the build, which always does."""
    before, after = _comparable(old), _comparable(new)
    return frozenset(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )


def _comparable(built: Built) -> dict[str, bytes]:
    files = published(built)
    page = NUMBER.sub(b"live", files[ENTRY])
    return {unnumbered(path): data for path, data in files.items()} | {ENTRY: page}
