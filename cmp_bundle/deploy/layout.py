"""Where a site and its releases lie, and how both are named.

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
from pathlib import Path

from cmp_bundle.bundle import manifest
from cmp_bundle.errors import CmpBundleError

ASSETS = "assets"
_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{12}")


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

    def profile_set(self, digest: str) -> Path:
        return self.hidden / "profiles" / digest

    def current_profiles(self) -> str | None:
        """The digest of the profiles in use; None where there are none."""
        return self.profiles.readlink().name if self.profiles.is_symlink() else None

    def release(self, release: str) -> Path:
        return self.releases / release

    def target(self, release: str) -> str:
        """What ``link`` points to when ``release`` is the current one."""
        return f".{self.name}/releases/{release}"

    def current(self) -> str | None:
        """The release that is served now; None where the site is not there.

        Raises CmpBundleError where something stands in its place that was not put there by us.
        """
        if self.link.is_symlink():
            target = self.link.readlink()
            if target.parent == Path(f".{self.name}/releases") and _is_release(target.name):
                return target.name
            problem = f"points to {target}"
        elif self.link.exists():
            problem = "is there already"
        else:
            return None
        raise CmpBundleError(
            f"{problem}, and cmp-bundle did not make it",
            file=self.link,
            hint="move it away yourself, or give the phone another folder: [site] name",
        )

    def present(self) -> list[str]:
        """The ids of all releases, oldest first."""
        if not self.releases.is_dir():
            return []
        return sorted(p.name for p in self.releases.iterdir() if _is_release(p.name))

    def manifest_of(self, release: str) -> Path:
        return self.releases / f"{release}.json"

    def manifest(self, release: str) -> manifest.Manifest:
        """Raises CmpBundleError."""
        path = self.manifest_of(release)
        try:
            return manifest.from_json(path.read_bytes(), path)
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
        except CmpBundleError as error:
            problem = error.message
        raise CmpBundleError(
            problem, file=path, hint="deploy the bundle again, or roll back to another release"
        )


def _is_release(name: str) -> bool:
    if not _ID.fullmatch(name):
        return False
    try:
        made_at(name)
    except ValueError:
        return False  # digits that are no date
    return True


def release_id(moment: int, bundle: str) -> str:
    """The name of a release made at ``moment`` (seconds since 1970) from ``bundle``."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(moment))}-{bundle}"


def made_at(release: str) -> int:
    """When a release was made, in seconds since 1970."""
    return calendar.timegm(time.strptime(release.partition("-")[0], "%Y%m%dT%H%M%S"))
