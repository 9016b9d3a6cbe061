"""What lies below static-http, as far as it is the site's: looked at through handles, up to a size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.bundle import manifest
from cmp_bundle.changes.look import look
from cmp_bundle.changes.state import FileState, State, SymlinkState
from cmp_bundle.deploy.layout import ASSETS, Site, is_profile_set, is_release, set_shown_by
from cmp_bundle.errors import CmpBundleError, reason
from cmp_bundle.files.open_folder import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp_bundle.bundle.manifest import Manifest
    from cmp_bundle.files import Boundary

#: Bytes of one manifest, and of one release as its manifest tells them; more is no phone's.
_LARGEST_MANIFEST = 1 << 22
_LARGEST_RELEASE = 1 << 28
#: More releases are nobody's who lets any of them be thrown away, and with theirs it is too much
#: to read. Bytes are those of all that releases hold, what they share once.
_MOST_RELEASES = 500
_MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class ReleaseOnDisk:
    """A release on the disk. ``about`` is None where it is ``damaged``: its files are not known.

    ``files`` are those that are as the manifest says, by their path in the bundle; ``page`` is the
    time of its page, in seconds since 1970, None where there is none.
    """

    about: Manifest | None
    damaged: CmpBundleError | None
    files: Mapping[str, FileState]
    page: int | None

    @property
    def whole(self) -> bool:
        return self.about is not None and all(f.path in self.files for f in self.about.files)


class OnDisk:
    """What lies below static-http, as far as it is the site's."""

    def __init__(
        self,
        site: Site,
        boundary: Boundary,
        deployed: Mapping[str, Mapping[str, str]],
        wanted: Iterable[str],
    ) -> None:
        self._site = site
        self._boundary = boundary
        self._deployed = deployed
        self.states: dict[Path, State] = {}
        self._see(site.static, follow=True)
        for path in (site.hidden, site.releases, site.assets, site.profile_sets):
            if isinstance(self._see(path), SymlinkState):
                raise CmpBundleError(
                    "symlink",
                    "is a symlink where cmp-bundle makes a folder, and is not followed",
                    file=path,
                    hint="find out who put it there, and remove it",
                )
        names = [name for name in self._names(site.releases) if is_release(name)]
        if len(names) > _MOST_RELEASES:
            raise CmpBundleError(
                "releases-too-many",
                f"has {len(names)} releases, but cmp-bundle keeps only a few",
                file=site.releases,
                hint="find out who put them there, and remove those that are not yours",
            )
        self._left, self._counted = _MOST_BYTES, set[Path]()
        self.releases = {name: self._release(name) for name in names}
        for name in (*wanted, *(name for files in deployed.values() for name in files)):
            if name.startswith(f"{ASSETS}/") and site.hidden / name not in self.states:
                self._see(site.hidden / name)
        for path in {p.parent for p in self.states if p.is_relative_to(site.assets)}:
            if path.is_relative_to(site.assets):
                self._see(path)
        link = self._see(site.profiles)
        self.profiles = set_shown_by(link.target) if isinstance(link, SymlinkState) else None

    def current(self) -> str | None:
        """The release that is served now; None where the site is not there.

        Raises CmpBundleError where something stands in its place that was not put there by us.
        """
        state = self._see(self._site.link)
        if state is None:
            return None
        release = self._site.shown_by(state.target) if isinstance(state, SymlinkState) else None
        if release is not None:
            return release
        problem = (
            f"points to {state.target}" if isinstance(state, SymlinkState) else "is there already"
        )
        raise CmpBundleError(
            "in-the-way",
            f"{problem}, and cmp-bundle did not make it",
            file=self._site.link,
            hint="move it away yourself, or give the phone another folder: [site] name",
        )

    def profile_names(self) -> frozenset[str]:
        """The files of the profiles in use."""
        if self.profiles is None:
            return frozenset()
        return frozenset(self._names(self._site.profile_set(self.profiles)))

    def profile_sets(self) -> tuple[str, ...]:
        return tuple(n for n in self._names(self._site.profile_sets) if is_profile_set(n))

    def static_names(self) -> tuple[str, ...]:
        """What else lies in static-http."""
        site_folders = {self._site.name, self._site.hidden.name}
        return tuple(name for name in self._names(self._site.static) if name not in site_folders)

    def _see(self, path: Path, *, follow: bool = False, most: int = LARGEST) -> State:
        state = look(path, self._boundary, follow=follow, most=most)
        if state is not None:
            self.states[path] = state
        return state

    def _names(self, folder: Path) -> list[str]:
        try:
            with self._boundary.opened(folder) as opened:
                return opened.names()
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise CmpBundleError(
                "unreadable",
                f"cannot be looked at: {reason(error)}",
                file=folder,
            ) from error

    def _release(self, name: str) -> ReleaseOnDisk:
        site, files, read = self._site, {}, self._counted
        page = self._time(site.release(name) / manifest.ENTRY)
        about = damaged = None
        try:
            about = self._manifest(site.manifest_of(name))
        except CmpBundleError as error:
            damaged = error
        digests = {file.path: file.sha256 for file in about.files} if about else {}
        if about is not None and digests != self._deployed.get(name, digests):
            about, damaged = (
                None,
                CmpBundleError(
                    "release-damaged",
                    "is not the manifest that was deployed",
                    file=site.manifest_of(name),
                    hint="deploy the bundle again, or roll back to another release",
                ),
            )
        for file in about.files if about else ():
            path = site.file(name, file.path)
            try:
                state = self.states.get(path) or self._see(path, most=min(file.size, self._left))
            except CmpBundleError:
                continue  # it cannot be read, so it is not as it was deployed
            if isinstance(state, FileState) and path not in read:
                read.add(path)
                self._left = max(0, self._left - len(state.data))
            if (
                isinstance(state, FileState)
                and hashlib.sha256(state.data).hexdigest() == file.sha256
            ):
                files[file.path] = state
        return ReleaseOnDisk(about, damaged, files, page)

    def _manifest(self, path: Path) -> Manifest:
        try:
            with self._boundary.entry(path) as (folder, name):
                found = manifest.from_json(folder.read(name, _LARGEST_MANIFEST).data, path)
            if sum(file.size for file in found.files) <= _LARGEST_RELEASE:
                return found
            problem = f"lists more than {_LARGEST_RELEASE} bytes, and no phone is that large"
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
        except CmpBundleError as error:
            problem = error.message
        raise CmpBundleError(
            "release-damaged",
            problem,
            file=path,
            hint="deploy the bundle again, or roll back to another release",
        )

    def _time(self, page: Path) -> int | None:
        try:
            with self._boundary.entry(page) as (folder, name):
                return int(folder.stat(name).st_mtime)
        except (OSError, CmpBundleError):
            return None
