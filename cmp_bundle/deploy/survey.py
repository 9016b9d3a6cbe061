"""One look at a server before a deploy changes anything: all that a plan needs to know, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.changes import memory
from cmp_bundle.changes.look import look
from cmp_bundle.changes.state import FolderState, State, SymlinkState
from cmp_bundle.deploy import remembered
from cmp_bundle.deploy.layout import Site, made_at
from cmp_bundle.deploy.on_disk import OnDisk, ReleaseOnDisk
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.server.configuration import ServerConfiguration, configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.bundle.manifest import Manifest
    from cmp_bundle.files import FileOwnership

#: The admin's files that a deploy gives our line.
THEIRS = ("http.conf",)

_TEN_YEARS = 10 * 366 * 86_400

#: With a name as [site] name may be: with another one its folders would be others than ours.
_DESTINATION = re.compile(
    r"/static/([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})/index\.html\?v=(\d{1,10})-([0-9a-f]{12})$"
)


@dataclass(frozen=True)
class Survey(ServerConfiguration):
    """What is on a server: its configuration, and releases.

    ``version`` is what our own http.conf says now. ``on_disk`` are the releases by their ids,
    oldest first. ``states`` has what stands at each path of our layout below static-http, where
    anything does. ``memory`` is the file in which the operator's machine remembers what it
    deployed, and ``remembered`` what that is: by the release, the SHA-256 of each of its files.
    """

    site: Site
    current: str | None
    on_disk: Mapping[str, ReleaseOnDisk]
    profiles: str | None
    profile_names: frozenset[str]
    profile_sets: tuple[str, ...]
    states: Mapping[Path, State]
    memory: Path
    memory_state: State
    memory_owner: FileOwnership
    remembered: Mapping[str, Mapping[str, str]]
    version: str | None
    data: State
    data_folder: Path
    static_names: tuple[str, ...]
    may_make_static: bool

    @property
    def releases(self) -> list[str]:
        """The ids of all releases, oldest first."""
        return list(self.on_disk)

    @property
    def redirect(self) -> str | None:
        """Which path our own http.conf leads to the page now."""
        return self.our_http.redirect if self.version else None

    @property
    def static_owner(self) -> FileOwnership:
        """Whose the files of a release become: whoever has static-http, or the data folder.

        Raises CmpBundleError where there is neither.
        """
        static = self.states.get(self.site.static)
        owning = static if isinstance(static, FolderState) else self.data
        if not isinstance(owning, FolderState):
            data = self.installation.data
            raise CmpBundleError(
                "asterisk-folder",
                "Asterisk's data folder does not exist, so there is no place for static files",
                file=self.data_folder,
                hint=f"Asterisk's is {data.value} by {data.origin}; name the right one:"
                " [asterisk] data_dir, or root for a container's",
            )
        return owning.owner

    @property
    def damaged(self) -> Mapping[str, CmpBundleError]:
        """The releases whose files are not known, by what stands against knowing them."""
        return {r: found.damaged for r, found in self.on_disk.items() if found.damaged}

    def manifest(self, release: str) -> Manifest:
        """Raises CmpBundleError where it is damaged."""
        found = self.on_disk[release]
        if found.about is None:
            raise found.damaged or CmpBundleError(
                "release-damaged", "is gone", file=self.site.manifest_of(release)
            )
        return found.about

    @property
    def next_serial(self) -> int:
        """The moment of the next switch, in seconds since 1970: later than that of any before.

        Asterisk's ETag is a file's time in whole seconds; two contents with one time would look
        the same to a browser.
        """
        used = [int(self.version.split("-")[0])] if self.version else []
        for release, found in self.on_disk.items():
            used.append(made_at(release))
            if found.page is not None:
                used.append(found.page)
        # What lies ten years ahead is no clock that was wrong; somebody wants to use numbers up.
        believed = [serial + 1 for serial in used if serial < self.moment + _TEN_YEARS]
        return max([self.moment, *believed])


def survey(
    installation: Installation,
    site_name: str,
    moment: int | None = None,
    *,
    wanted: Iterable[str] = (),
) -> Survey:
    """Look at ``installation``, where the phone is called ``site_name`` unless it says otherwise.

    ``wanted`` are paths of a bundle's files: what stands in the places of its assets is looked at
    as well. Raises CmpBundleError where something of somebody else's is in the way, or may not be
    seen.
    """
    configured = configuration(installation, THEIRS, moment)
    boundary = installation.boundary
    version = None
    destination = _DESTINATION.search(configured.our_http.page or "")
    if destination:
        site_name, version = destination[1], f"{destination[2]}-{destination[3]}"
    site = Site(installation.static, site_name)
    record = remembered.file_of(boundary.resolved(installation.etc_folder))
    memory_state, deployed = remembered.read(record)
    # Where static-http is a symlink, its folder is where that leads.
    data_folder = boundary.resolved(site.static).parent
    on_disk = OnDisk(site, boundary, deployed, wanted)
    return Survey(
        **vars(configured),
        site=site,
        current=on_disk.current(),
        on_disk=on_disk.releases,
        profiles=on_disk.profiles,
        profile_names=on_disk.profile_names(),
        profile_sets=on_disk.profile_sets(),
        states=on_disk.states,
        memory=record,
        memory_state=memory_state,
        memory_owner=memory.owner(),
        remembered=deployed,
        version=version,
        data=look(data_folder, boundary),
        data_folder=data_folder,
        static_names=on_disk.static_names(),
        may_make_static=_may_make_static(installation),
    )


def deployed_profiles(installation: Installation, site_name: str) -> bool:
    """Whether any profiles are in use there."""
    site = Site(installation.static, site_name)
    return isinstance(look(site.profiles, installation.boundary), SymlinkState)


def _may_make_static(installation: Installation) -> bool:
    """Whether ``static-http`` may be made where it is not there.

    Where the data folder lies is Asterisk's own word, or its files'. Root makes nothing for that
    in a folder of root's, unless packages have it there or the operator named it.
    """
    if installation.data_is_sure:
        return True
    try:
        with installation.boundary.opened(installation.static.parent) as folder:
            rights = installation.rights
            return rights is not None and folder.rights.uid == rights.uid
    except (OSError, CmpBundleError):
        return False
