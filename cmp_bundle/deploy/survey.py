"""One look at a server before anything is changed: all that a plan needs to know, as a value.

What lies in Asterisk's folders is read through handles, with the rights to use there, and up to a
size: planning opens no file at all.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes, reader
from cmp_bundle.asterisk.conf_files import Overlaid, Recorded
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.asterisk.includes import Https
from cmp_bundle.changes import memory
from cmp_bundle.changes.include_line import add_line
from cmp_bundle.changes.look import look
from cmp_bundle.changes.state import FileState, FolderState, State, SymlinkState
from cmp_bundle.checks.reload import Look, look_at
from cmp_bundle.checks.reload import look as look_at_server
from cmp_bundle.checks.websocket import ask, reached
from cmp_bundle.deploy import remembered
from cmp_bundle.deploy.layout import Site, made_at
from cmp_bundle.deploy.on_disk import OnDisk, ReleaseOnDisk
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import FileOwnership
from cmp_bundle.tls import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cmp_bundle.asterisk.configuration import Configuration, Variable
    from cmp_bundle.asterisk.http_conf import HttpServer
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.bundle.manifest import Manifest
    from cmp_bundle.files import Boundary

#: The admin's files that may get our line.
THEIRS = ("http.conf", "extensions.conf")

_TEN_YEARS = 10 * 366 * 86_400

#: With a name as [site] name may be: with another one its folders would be others than ours.
_DESTINATION = re.compile(
    r"/static/([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})/index\.html\?v=(\d{1,10})-([0-9a-f]{12})$"
)


@dataclass(frozen=True)
class Survey:
    """What is on a server.

    ``theirs`` are the admin's files that exist, ``others`` what else stands in their places;
    ``ours`` are the files in our folder. ``redirect`` and ``version`` are what our own http.conf
    says now. ``on_disk`` are the releases by their ids, oldest first. ``states`` has what stands at each path
    of our layout below static-http, where anything does. ``memory`` is the file in which the
    operator's machine remembers what it deployed, and ``remembered`` what that is: by the release,
    the SHA-256 of each of its files. ``pair`` is what a reload of http.conf would load now,
    ``new_pair`` what a new listener of ours would. ``moment`` is the time in seconds since 1970.
    """

    installation: Installation
    site: Site
    etc_owner: FileOwnership
    theirs: Mapping[str, FileState]
    others: Mapping[str, State]
    ours: Mapping[str, FileState]
    folder: State
    files: Recorded
    http: Configuration
    server: HttpServer
    from_a_database: Variable | None
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
    redirect: str | None
    version: str | None
    https: Https | None
    data: State
    data_folder: Path
    static_names: tuple[str, ...]
    may_make_static: bool
    pair: Look
    new_pair: Look
    moment: int

    @property
    def releases(self) -> list[str]:
        """The ids of all releases, oldest first."""
        return list(self.on_disk)

    @property
    def our_folder(self) -> Path:
        return self.installation.etc_folder / includes.FOLDER

    def path(self, name: str) -> Path:
        """The admin's file ``name``."""
        return self.installation.configuration(name)

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

    def their(self, name: str) -> FileState:
        """Raises CmpBundleError where the admin has no such file."""
        if name in self.theirs:
            return self.theirs[name]
        if isinstance(self.others.get(name), FolderState):
            raise CmpBundleError(
                "not-a-file",
                "is a folder, but Asterisk needs a file here",
                file=self.path(name),
                hint="move it away, and create a file with the single line [general]",
            )
        raise CmpBundleError(
            "no-file",
            "does not exist, so there is no file to add a line to",
            file=self.path(name),
            hint=f"create it with the single line [general], or name the right folder: "
            f"[asterisk] etc_dir; Asterisk's is {self.installation.etc.value}",
        )

    def has_category(self, name: str, category: str) -> bool:
        """Whether ``category`` is there to be added to, our own files aside."""
        files = Overlaid(self.files, {self.inside(name): None})
        return reader.read(name, files).category(category) is not None

    def inside(self, name: str) -> str:
        """Our file ``name``, as Asterisk sees it."""
        return f"{self.files.etc}/{includes.FOLDER}/{name}"

    def with_changes(self, changes: Mapping[Path, bytes | None]) -> Overlaid:
        """The configuration as it would be with these files changed."""
        root = self.installation.root
        seen = {f"/{path.relative_to(root)}": data for path, data in changes.items()}
        return Overlaid(self.files, seen)


def survey(
    installation: Installation,
    site_name: str,
    moment: int | None = None,
    *,
    wanted: Iterable[str] = (),
    dialplan: bool = False,
    new: Https | None = None,
) -> Survey:
    """Look at ``installation``, where the phone is called ``site_name`` unless it says otherwise.

    ``wanted`` are paths of a bundle's files: what stands in the places of its assets is looked at
    as well. ``new`` is a listener that is to be turned on, ``dialplan`` whether extensions.conf
    matters even where it has no line of ours. Raises CmpBundleError where something of somebody else's is in the way, or may not be seen.
    """
    boundary = installation.boundary
    found = {n: look(installation.configuration(n), boundary, follow=True) for n in THEIRS}
    theirs = {n: s for n, s in found.items() if isinstance(s, FileState)}
    folder = installation.etc_folder / includes.FOLDER
    ours = {n: s for n in THEIRS if isinstance(s := look(folder / n, boundary), FileState)}
    files, http, from_a_database = _configuration(installation, theirs, dialplan=dialplan)
    variables = [v for v in http.browse("general") if v.file == _inside(files, "http.conf")]
    redirect = version = None
    for variable in variables:
        destination = _DESTINATION.search(variable.value)
        if variable.name == "redirect" and destination:
            redirect = variable.value.split()[0]
            site_name, version = destination[1], f"{destination[2]}-{destination[3]}"
    server = http_server(http)
    site = Site(installation.static, site_name)
    moment = int(time.time()) if moment is None else moment
    record = remembered.file_of(boundary.resolved(installation.etc_folder))
    memory_state, deployed = remembered.read(record)
    # Where static-http is a symlink, its folder is where that leads.
    data_folder = boundary.resolved(site.static).parent
    on_disk = OnDisk(site, boundary, deployed, wanted)
    return Survey(
        installation=installation,
        site=site,
        etc_owner=_owner(installation.etc_folder, boundary),
        theirs=theirs,
        others={n: s for n, s in found.items() if n not in theirs},
        ours=ours,
        folder=look(folder, boundary),
        files=files,
        http=http,
        server=server,
        from_a_database=from_a_database,
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
        redirect=redirect,
        version=version,
        https=_https({v.name: v.value for v in variables}),
        data=look(data_folder, boundary),
        data_folder=data_folder,
        static_names=on_disk.static_names(),
        may_make_static=_may_make_static(installation),
        pair=pair(installation, server, moment),
        new_pair=_new_pair(installation, new, moment),
        moment=moment,
    )


def pair(installation: Installation, server: HttpServer, moment: int) -> Look:
    """What a reload of http.conf would load at ``moment``, as Asterisk's user finds it."""
    if server.tls_address is None:
        return Look()
    # What Asterisk shows at the moment is strong enough for its OpenSSL, whatever that is.
    base = reached(installation.control) if installation.running else None
    served = ask(base, f"{server.prefix}/ws").certificate if base else None
    now = dt.datetime.fromtimestamp(moment, dt.UTC)
    asked = installation.control.directories() if installation.running else None
    folder = (asked or {}).get("Running directory")
    return look_at_server(server, readable.of(installation), now, folder=folder, served=served)


def _new_pair(installation: Installation, https: Https | None, moment: int) -> Look:
    if https is None:
        return Look()
    now = dt.datetime.fromtimestamp(moment, dt.UTC)
    return look_at(https.certificate, https.key, readable.of(installation), now)


def deployed_profiles(installation: Installation, site_name: str) -> bool:
    """Whether any profiles are in use there."""
    site = Site(installation.static, site_name)
    return isinstance(look(site.profiles, installation.boundary), SymlinkState)


def _configuration(
    installation: Installation, theirs: Mapping[str, FileState], *, dialplan: bool
) -> tuple[Recorded, Configuration, Variable | None]:
    """The files, read once in each way in which a plan may have to read them; http.conf; and the
    line that takes http.conf from a database instead.
    """
    files = Recorded(installation.files)
    http = reader.read("http.conf", files)
    mapping = reader.read("extconfig.conf", files)
    for name, state in theirs.items():
        if name != "http.conf" and not dialplan and add_line(state.data, name) != state.data:
            continue
        our_file = _inside(files, name)
        reader.read(name, Overlaid(files, {our_file: None}))
        line = add_line(state.data, name)
        reader.read(name, Overlaid(files, {f"{files.etc}/{name}": line, our_file: b""}))
    return files.sealed(), http, mapping.last("settings", "http.conf")


def _inside(files: Recorded, name: str) -> str:
    return f"{files.etc}/{includes.FOLDER}/{name}"


def _owner(folder: Path, boundary: Boundary) -> FileOwnership:
    with boundary.opened(folder) as opened:
        return FileOwnership.from_stat(opened.stat("."))


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


def _https(values: Mapping[str, str]) -> Https | None:
    """The TLS listener that an earlier deploy of ours turned on."""
    if "tlscertfile" not in values:
        return None
    certificate = values["tlscertfile"]
    # Somebody may have taken lines out of the file. Asterisk then takes the certificate's for the key.
    key = values.get("tlsprivatekey", certificate)
    return Https(certificate, key, values.get("tlsbindaddr", Https.address))
