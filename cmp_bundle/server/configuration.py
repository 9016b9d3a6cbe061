"""One look at a server's configuration before anything is changed, as a value.

What lies in Asterisk's folders is read through handles, with the rights to use there, and up to a
size: planning opens no file at all.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes, reader
from cmp_bundle.asterisk.closed_files import refuse_closed
from cmp_bundle.asterisk.conf_files import Overlaid, Recorded
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.changes.include_line import add_line
from cmp_bundle.changes.look import look
from cmp_bundle.changes.state import FileState, FolderState, State
from cmp_bundle.checks.reload import Look
from cmp_bundle.checks.reload import look as look_at_server
from cmp_bundle.checks.websocket import ask, reached
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import FileOwnership
from cmp_bundle.server.line_file import line_file
from cmp_bundle.tls import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cmp_bundle.asterisk.configuration import Configuration, Variable
    from cmp_bundle.asterisk.http_conf import HttpServer
    from cmp_bundle.asterisk.includes import OurHttp
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.changes.plan import Plan
    from cmp_bundle.files import Boundary
    from cmp_bundle.server.line_file import LineFile


@dataclass(frozen=True)
class ServerConfiguration:
    """What is configured on a server.

    ``line_files`` tell for each of Asterisk's files (http.conf) which of the admin's gets our line.
    ``theirs`` are those that exist, ``others`` what else stands in their places; ``ours`` are those in our folder, and ``our_names`` all that is in it. ``our_http`` is what our own http.conf says now. ``pair``
    is what a reload of http.conf would load now. ``moment`` is the time in seconds since 1970.
    """

    installation: Installation
    etc_owner: FileOwnership
    line_files: Mapping[str, LineFile]
    theirs: Mapping[str, FileState]
    others: Mapping[str, State]
    ours: Mapping[str, FileState]
    our_names: frozenset[str]
    folder: State
    files: Recorded
    http: Configuration
    server: HttpServer
    from_a_database: Variable | None
    our_http: OurHttp
    pair: Look
    moment: int

    @property
    def our_folder(self) -> Path:
        return self.installation.etc_folder / includes.FOLDER

    def path(self, name: str) -> Path:
        """The admin's file that gets our line for ``name``."""
        return self.installation.path(self.line_files[name].path)

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

    def without_ours(self, name: str) -> Configuration:
        """The configuration of ``name`` as it is with nothing in our own file."""
        return reader.read(name, Overlaid(self.files, {self.inside(name): b""}))

    def has_category(self, name: str, category: str) -> bool:
        """Whether ``category`` is there to be added to, our own files aside."""
        return self.without_ours(name).category(category) is not None

    def inside(self, name: str) -> str:
        """Our file ``name``, as Asterisk sees it."""
        return inside(self.files, name)

    def after(self, plan: Plan) -> dict[Path, bytes | None]:
        """What ``plan`` leaves in the configuration files that are looked at, ours and those that it
        changes; None for those that are gone.
        """
        # A file of ours that is right already is no change, and without our line nobody has read it.
        ours = {self.our_folder / name: state.data for name, state in self.ours.items()}
        changes = {
            change.path: change.after.data if isinstance(change.after, FileState) else None
            for change in plan.changes
            if change.path.suffix == ".conf"
        }
        return {**ours, **changes}

    def with_changes(self, changes: Mapping[Path, bytes | None]) -> Overlaid:
        """The configuration as it would be with these files changed."""
        root = self.installation.root
        seen = {f"/{path.relative_to(root)}": data for path, data in changes.items()}
        return Overlaid(self.files, seen)


def configuration(
    installation: Installation,
    names: Iterable[str],
    moment: int | None = None,
    *,
    also: Iterable[str] = (),
    planned: bool = True,
) -> ServerConfiguration:
    """What is configured there by the admin's files ``names``, of which http.conf is one.

    ``also`` are files that are only read. Without ``planned`` nothing can be planned with
    it. Raises CmpBundleError where something may not be seen.
    """
    boundary = installation.boundary
    moment = int(time.time()) if moment is None else moment
    names = tuple(names)
    files = Recorded(installation.files)
    for name in names:
        refuse_closed(reader.read(name, files), installation.files)
    own = installation.custom_files
    line_files = {n: line_file(n, reader.read(n, files), files, own) for n in names}
    found = {
        name: look(installation.path(where.path), boundary, follow=True)
        for name, where in line_files.items()
    }
    theirs = {n: s for n, s in found.items() if isinstance(s, FileState)}
    folder = installation.etc_folder / includes.FOLDER
    ours = {n: s for n in names if isinstance(s := look(folder / n, boundary), FileState)}
    http = reader.read("http.conf", files)
    mapping = reader.read("extconfig.conf", files)
    for name in also:
        reader.read(name, files)
    for name, state in theirs.items() if planned else ():
        _record(files, name, line_files[name].path, state)
    server = http_server(http)
    return ServerConfiguration(
        installation=installation,
        etc_owner=_owner(installation.etc_folder, boundary),
        line_files=line_files,
        theirs=theirs,
        others={n: s for n, s in found.items() if n not in theirs},
        ours=ours,
        our_names=_names(folder, boundary),
        folder=look(folder, boundary),
        files=files.sealed(),
        http=http,
        server=server,
        from_a_database=mapping.last("settings", "http.conf"),
        our_http=includes.our_http(http, inside(files, "http.conf")),
        pair=pair(installation, server, moment),
        moment=moment,
    )


def inside(files: Recorded, name: str) -> str:
    """Our file ``name``, as Asterisk sees it."""
    return f"{files.etc}/{includes.FOLDER}/{name}"


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


def _record(files: Recorded, name: str, host: str, state: FileState) -> None:
    """Read ``name`` in each way in which a plan may have to read it."""
    our_file = inside(files, name)
    reader.read(name, Overlaid(files, {our_file: b""}))
    line = add_line(state.data, name)
    reader.read(name, Overlaid(files, {host: line, our_file: b""}))


def _names(folder: Path, boundary: Boundary) -> frozenset[str]:
    try:
        with boundary.opened(folder) as opened:
            return frozenset(opened.names())
    except OSError:
        return frozenset()


def _owner(folder: Path, boundary: Boundary) -> FileOwnership:
    with boundary.opened(folder) as opened:
        return FileOwnership.from_stat(opened.stat("."))
