"""Where a site and its releases lie, and how both are named. Names alone: nothing is looked at.

    static-http/SITE -> .SITE/releases/<id>     what Asterisk serves as /static/SITE/
    static-http/.SITE/releases/<id>/            index.html, assets -> ../../assets
    static-http/.SITE/releases/<id>.json        its manifest, which is nobody's business outside
    static-http/.SITE/assets/                   every kept release's files, named by their content
    static-http/.SITE/p -> profiles/<digest>    the accounts' sealed profiles, for all releases

Asterisk refuses a path whose first character is a dot, but follows the symlink: releases cannot
be fetched by name, and a switch is one rename. The assets are shared, so that a page opened
before a switch still finds its own. The profiles are shared, so that one that is taken away is
gone at once, whichever release is current.
"""

from __future__ import annotations

import calendar
import re
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cmp_bundle.bundle import manifest

ASSETS = "assets"
#: The files in a set of profiles.
PROFILE_NAMES = "*.bin"

_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{12}")
_SET = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Site:
    """A site called ``name`` in the folder ``static``."""

    static: Path
    name: str

    @property
    def link(self) -> Path:
        return self.static / self.name

    @property
    def hidden(self) -> Path:
        return self.static / f".{self.name}"

    @property
    def releases(self) -> Path:
        return self.hidden / "releases"

    @property
    def assets(self) -> Path:
        return self.hidden / ASSETS

    @property
    def profiles(self) -> Path:
        """The symlink to the profiles in use."""
        return self.hidden / manifest.PROFILES

    @property
    def profile_sets(self) -> Path:
        return self.hidden / "profiles"

    def profile_set(self, digest: str) -> Path:
        return self.profile_sets / digest

    def release(self, release: str) -> Path:
        return self.releases / release

    def manifest_of(self, release: str) -> Path:
        return self.releases / f"{release}.json"

    def file(self, release: str, path: str) -> Path:
        """Where a file of a bundle lies: in the release, or among the assets of all."""
        home = self.hidden if path.startswith(f"{ASSETS}/") else self.release(release)
        return home / path

    def target(self, release: str) -> str:
        """What ``link`` points to when ``release`` is the current one."""
        return f".{self.name}/releases/{release}"

    def shown_by(self, target: str) -> str | None:
        """The release that a link to ``target`` shows; None where it is not ours."""
        path = PurePosixPath(target)
        ours = path.parent == PurePosixPath(f".{self.name}/releases") and is_release(path.name)
        return path.name if ours else None


def is_release(name: str) -> bool:
    if not _ID.fullmatch(name):
        return False
    try:
        made_at(name)
    except ValueError:
        return False  # digits that are no date
    return True


def set_shown_by(target: str) -> str | None:
    """The set of profiles that a link to ``target`` shows; None where it is not ours."""
    folder, _, digest = target.rpartition("/")
    return digest if folder == "profiles" and _SET.fullmatch(digest) else None


def is_profile_set(name: str) -> bool:
    return _SET.fullmatch(name) is not None


def release_id(moment: int, bundle: str) -> str:
    """The name of a release made at ``moment`` (seconds since 1970) from ``bundle``."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(moment))}-{bundle}"


def made_at(release: str) -> int:
    """When a release was made, in seconds since 1970."""
    return calendar.timegm(time.strptime(release.partition("-")[0], "%Y%m%dT%H%M%S"))
