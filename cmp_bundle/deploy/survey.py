"""What is on a server before anything is changed: everything that a plan needs to know."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes, reader
from cmp_bundle.asterisk.conf_files import Overlaid
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.asterisk.includes import Https
from cmp_bundle.asterisk.installation import looking
from cmp_bundle.bundle import manifest
from cmp_bundle.deploy.change import File, look
from cmp_bundle.deploy.layout import Site, made_at
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Owner

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.asterisk.http_conf import HttpServer
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.bundle.manifest import Manifest

#: The admin's files that may get our line.
THEIRS = ("http.conf", "extensions.conf")

_DESTINATION = re.compile(r"/static/([^/?]+)/index\.html\?v=(\d{1,10})-([0-9a-f]{12})$")


@dataclass(frozen=True)
class Found:
    """One look at a server.

    ``paths`` are the real places of the admin's files, ``theirs`` those that exist; ``ours``
    are the files in our folder. ``redirect`` and ``version`` are what our own http.conf says
    now, ``moment`` is the time in seconds since 1970.
    """

    installation: Installation
    site: Site
    paths: Mapping[str, Path]
    theirs: Mapping[str, File]
    ours: Mapping[str, File]
    http: Configuration
    server: HttpServer
    current: str | None
    releases: list[str]
    redirect: str | None
    version: str | None
    https: Https | None
    static_names: tuple[str, ...]
    moment: int

    @property
    def folder(self) -> Path:
        return self.installation.etc_folder / includes.FOLDER

    @cached_property
    def static_owner(self) -> Owner:
        """Whose the files of a release become: whoever has static-http, or the data folder.

        Raises CmpBundleError where there is neither.
        """
        static = self.site.static
        if not static.parent.is_dir():
            raise CmpBundleError(
                "Asterisk's data folder is not there, so there is no place for static files",
                file=static.parent,
                hint=f"Asterisk's is {self.installation.data.value} by"
                f" {self.installation.data.origin}; name the right one: [asterisk] data_dir, or"
                " root for a container's",
            )
        return Owner.of(static if static.is_dir() else static.parent)

    def manifest(self, release: str) -> Manifest:
        return self.site.manifest(release)

    @cached_property
    def damaged(self) -> Mapping[str, CmpBundleError]:
        """The releases whose files are not known, by what stands against knowing them."""
        found = {}
        for release in self.releases:
            try:
                self.manifest(release)
            except CmpBundleError as error:
                found[release] = error
        return found

    @cached_property
    def intact(self) -> bool:
        """Whether the current release is on the disk as its manifest says."""
        if self.current is None or self.current in self.damaged:
            return False
        folder = self.site.release(self.current)
        try:
            return all(
                hashlib.sha256((folder / f.path).read_bytes()).hexdigest() == f.sha256
                for f in self.manifest(self.current).files
            )
        except OSError:
            return False

    @cached_property
    def assets(self) -> frozenset[str]:
        """The files in the shared assets, by their path there."""
        if not self.site.assets.is_dir():
            return frozenset()
        return frozenset(
            p.relative_to(self.site.assets).as_posix()
            for p in self.site.assets.rglob("*")
            if p.is_file()
        )

    def has_asset(self, name: str, data: bytes) -> bool:
        return name in self.assets and (self.site.assets / name).read_bytes() == data

    @property
    def next_serial(self) -> int:
        """The moment of the next switch, in seconds since 1970: later than that of any before.

        Asterisk's ETag is a file's time in whole seconds; two contents with one time would look
        the same to a browser.
        """
        used = [int(self.version.split("-")[0])] if self.version else []
        for release in self.releases:
            used.append(made_at(release))
            page = self.site.release(release) / manifest.ENTRY
            if page.exists():
                used.append(int(page.stat().st_mtime))
        return max([self.moment, *(serial + 1 for serial in used)])

    def their(self, name: str) -> File:
        """Raises CmpBundleError where the admin has no such file."""
        if name not in self.theirs and self.paths[name].is_dir():
            raise CmpBundleError(
                "is a folder, and Asterisk needs a file here",
                file=self.paths[name],
                hint="move it away, and make a file with the one line [general]",
            )
        if name not in self.theirs:
            raise CmpBundleError(
                "is not there, so there is nothing to add our line to",
                file=self.paths[name],
                hint=f"make it with the one line [general], or name the right folder: "
                f"[asterisk] etc_dir; Asterisk's is {self.installation.etc.value}",
            )
        return self.theirs[name]

    def exists(self, name: str, category: str) -> bool:
        """Whether ``category`` is there to be added to, our own files aside."""
        files = Overlaid(self.installation.files, {self.inside(name): None})
        return reader.read(name, files).category(category) is not None

    def inside(self, name: str) -> str:
        """Our file ``name``, as Asterisk sees it."""
        return _inside(self.installation, name)

    def with_changes(self, changes: Mapping[Path, bytes | None]) -> Overlaid:
        """The configuration as it would be with these files changed."""
        root = self.installation.root
        seen = {f"/{path.relative_to(root)}": data for path, data in changes.items()}
        return Overlaid(self.installation.files, seen)


@looking()
def survey(installation: Installation, site_name: str, moment: int | None = None) -> Found:
    """Look at ``installation``, where the phone is called ``site_name`` unless it says otherwise.

    Raises CmpBundleError where something of somebody else's is in the way, or may not be seen.
    """
    paths = {name: installation.configuration(name) for name in THEIRS}
    theirs = {n: s for n, p in paths.items() if isinstance(s := look(p), File)}
    folder = installation.etc_folder / includes.FOLDER
    ours = {n: s for n in THEIRS if isinstance(s := look(folder / n), File)}
    http = reader.read("http.conf", installation.files)
    inside = _inside(installation, "http.conf")
    redirect = version = None
    variables = [v for v in http.browse("general") if v.file == inside]
    for variable in variables:
        found = _DESTINATION.search(variable.value)
        if variable.name == "redirect" and found:
            redirect = variable.value.split()[0]
            site_name, version = found[1], f"{found[2]}-{found[3]}"
    site = Site(installation.static, site_name)
    values = {v.name: v.value for v in variables}
    return Found(
        installation=installation,
        site=site,
        paths=paths,
        theirs=theirs,
        ours=ours,
        http=http,
        server=http_server(http),
        current=site.current(),
        releases=site.present(),
        redirect=redirect,
        version=version,
        https=_https(values),
        static_names=_names(site),
        moment=int(time.time()) if moment is None else moment,
    )


def _inside(installation: Installation, name: str) -> str:
    return f"{installation.files.etc}/{includes.FOLDER}/{name}"


def _https(values: Mapping[str, str]) -> Https | None:
    """The TLS listener that an earlier deploy of ours turned on."""
    if "tlscertfile" not in values:
        return None
    certificate = values["tlscertfile"]
    # Somebody may have taken lines out of the file. Asterisk then takes the certificate's for the key.
    key = values.get("tlsprivatekey", certificate)
    return Https(certificate, key, values.get("tlsbindaddr", Https.address))


def _names(site: Site) -> tuple[str, ...]:
    """What else lies in static-http."""
    if not site.static.is_dir():
        return ()
    own = {site.name, site.hidden.name}
    return tuple(sorted(p.name for p in site.static.iterdir() if p.name not in own))
