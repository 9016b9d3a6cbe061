"""One look at a server before it is made ready: all that the plan needs to know, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts import from_pjsip, from_wizard
from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.asterisk import includes, reader
from cmp_bundle.asterisk.answers.core import version
from cmp_bundle.asterisk.conf_files import Overlaid
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.defects import ENDS_BY_STATUS, forgets_neighbours
from cmp_bundle.changes.include_line import add_line
from cmp_bundle.changes.look import look
from cmp_bundle.checks.websocket import without_pjsip
from cmp_bundle.files import FileOwnership
from cmp_bundle.provision.dialplan import made_for
from cmp_bundle.provision.pjsip import PjsipFile
from cmp_bundle.provision.realtime import Realtime, realtime
from cmp_bundle.provision.remembered import Remembered, remembered
from cmp_bundle.server.configuration import ServerConfiguration, configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.asterisk.control import Control
    from cmp_bundle.asterisk.includes import OurHttp
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.changes.state import State
    from cmp_bundle.places import Place

#: The admin's files that may get our line here, and those of ours in our folder.
THEIRS = (
    "http.conf",
    "pjsip.conf",
    "extensions.conf",
    "confbridge.conf",
    "rtp.conf",
    "modules.conf",
    "sip.conf",
)

#: Our certificate and its key, in one file: a renewal is one rename.
CERTIFICATE = "https.pem"

#: The objects of PJSIP that an account needs.
KINDS = ("endpoint", "aor", "auth")


@dataclass(frozen=True)
class Abilities:
    """What the running Asterisk said of itself; the defaults where none is running.

    ``transcodes_opus`` is whether it can turn opus into what a desk phone speaks. ``taken_by_chan_sip`` is
    whether that module has the WebSocket's sub-protocol sip, and so PJSIP has not;
    ``chan_sip_users`` are how many phones and providers it has, ``calls`` how many channels are up,
    ``forgets_neighbours`` whether it drops the contacts of all phones from one address when a
    WebSocket from there ends, ``ends_by_status`` whether a request for /httpstatus may end it where HTTPS
    is alone. ``drivers`` are those for databases that are loaded; None where nobody could be asked.
    """

    remove_unavailable: bool = False
    transcodes_opus: bool = False
    taken_by_chan_sip: bool = False
    chan_sip_users: int = 0
    calls: int = 0
    forgets_neighbours: bool = False
    ends_by_status: bool = True
    drivers: tuple[str, ...] | None = None


@dataclass(frozen=True)
class FoundHttps(ServerConfiguration):
    """What concerns HTTPS: ``certificate`` is our own file of it, ``http_time`` the time of our own
    http.conf in whole seconds since 1970, 0 where there is none.
    """

    certificate: State
    http_time: int

    @property
    def next_time(self) -> int:
        """One that our http.conf has not had yet, so that Asterisk reads it again."""
        return max(self.moment, self.http_time + 1)

    @property
    def secret_owner(self) -> FileOwnership:
        """Whose our files with secrets are: Asterisk's user's, and nobody else's."""
        rights = self.installation.rights
        if rights is None:
            return self.etc_owner.with_mode(0o600)
        return FileOwnership(rights.uid, rights.gid, 0o640)


@dataclass(frozen=True)
class Found(FoundHttps):
    """What is on a server: its configuration, and what of it concerns phones.

    ``pjsip`` is our own file, ``accounts`` the file of accounts that ours were last made for, empty
    where they were not; ``endpoints`` are those that are not in it, ``objects`` where each
    object of a kind and an id stands that is not in it, ``templates`` the names of all templates.
    ``realtime`` is what of them Asterisk takes from a database, ``remembered`` the rows there that are
    ours.
    """

    pjsip: PjsipFile
    accounts: str
    endpoints: Endpoints
    objects: Mapping[tuple[str, str], Place]
    templates: Mapping[str, Place]
    realtime: Realtime
    remembered: Remembered
    abilities: Abilities


def survey_https(installation: Installation, moment: int | None = None) -> FoundHttps:
    """Look at ``installation``'s HTTPS alone. Raises CmpBundleError as ``survey`` does."""
    configured = configuration(installation, ("http.conf",), moment)
    return FoundHttps(
        **vars(configured),
        certificate=_certificate(configured),
        http_time=_time_of_http(configured),
    )


def survey(installation: Installation, moment: int | None = None) -> Found:
    """Look at ``installation``. Raises CmpBundleError where something may not be seen."""
    configured = configuration(
        installation, THEIRS, moment, also=("pjsip_wizard.conf", "sorcery.conf")
    )
    configured = replace(configured, our_http=_our_http(configured))
    pjsip = configured.without_ours("pjsip.conf")
    base = from_pjsip.found(pjsip)
    wizards = from_wizard.found(reader.read("pjsip_wizard.conf", configured.files), base)
    ours, plan = (configured.ours.get(name) for name in ("pjsip.conf", "extensions.conf"))
    return Found(
        **vars(configured),
        pjsip=PjsipFile.parsed(ours.data if ours else b""),
        accounts=made_for(plan.data) if plan else "",
        endpoints=Endpoints(
            {**base.endpoints, **wizards.endpoints}, wizards.auths, base.transports, base.realm
        ),
        objects=_objects(pjsip),
        templates={c.name: c.place for c in pjsip.categories if c.template},
        realtime=realtime(configured.files),
        remembered=remembered(installation.boundary.resolved(installation.etc_folder)),
        certificate=_certificate(configured),
        http_time=_time_of_http(configured),
        abilities=abilities(installation.control) if installation.running else Abilities(),
    )


def _our_http(found: ServerConfiguration) -> OurHttp:
    """What our http.conf says, also where somebody took our line out: a phone may be deployed by it."""
    theirs, line = found.theirs.get("http.conf"), found.line_files["http.conf"]
    if (
        theirs is None
        or line.otherwise is not None
        or found.inside("http.conf") in found.http.files
    ):
        return found.our_http
    ours = found.ours.get("http.conf")
    seen = {line.path: add_line(theirs.data, "http.conf")}
    seen |= {found.inside("http.conf"): ours.data} if ours else {}
    return includes.our_http(
        reader.read("http.conf", Overlaid(found.files, seen)), found.inside("http.conf")
    )


def _certificate(found: ServerConfiguration) -> State:
    return look(found.our_folder / CERTIFICATE, found.installation.boundary)


def _time_of_http(found: ServerConfiguration) -> int:
    path = found.our_folder / "http.conf"
    try:
        with found.installation.boundary.entry(path) as (folder, name):
            return int(folder.stat(name).st_mtime)
    except OSError:
        return 0


def _objects(pjsip: Configuration) -> dict[tuple[str, str], Place]:
    found: dict[tuple[str, str], Place] = {}
    for category in pjsip.categories:
        kind = next((v.value for v in category.variables if folded(v.name) == "type"), "")
        if not category.template and kind in KINDS:
            found.setdefault((kind, category.name), category.place)
    return found


def abilities(control: Control) -> Abilities:
    """Raises CmpBundleError where it does not answer."""
    known = control.ask("config show help res_pjsip aor remove_unavailable") or ""
    paths = control.ask("core show translation paths opus") or ""
    to_ulaw = re.search(r"To ulaw:8000\s*:\s*(.*)", paths)
    number = version(control.ask("core show version") or "")
    closed = without_pjsip(control)
    taken = closed is not None and closed.code == "W103"
    return Abilities(
        remove_unavailable="remove_unavailable" in known and "No option" not in known,
        transcodes_opus=bool(to_ulaw and "No Translation Path" not in to_ulaw[1]),
        taken_by_chan_sip=taken,
        chan_sip_users=_chan_sip_users(control) if taken else 0,
        forgets_neighbours=number is not None and forgets_neighbours(number),
        ends_by_status=number is not None and ENDS_BY_STATUS.is_in(number),
        calls=_count(control, "core show channels count", "active channels?"),
        drivers=_drivers(control.ask("core show config mappings")),
    )


def _drivers(mappings: str | None) -> tuple[str, ...] | None:
    return (
        None
        if mappings is None
        else tuple(re.findall(r"^Config Engine: (\w+)", mappings, re.MULTILINE))
    )


def _chan_sip_users(control: Control) -> int:
    """How many phones and providers it has, so that it cannot simply go."""
    peers = _count(control, "sip show peers", "sip peers")
    return peers + _count(control, "sip show registry", "SIP registrations")


def _count(control: Control, line: str, what: str) -> int:
    """How many of ``what`` an answer tells of."""
    found = re.search(rf"^(\d+) {what}", control.ask(line) or "", re.MULTILINE)
    return int(found[1]) if found else 0
