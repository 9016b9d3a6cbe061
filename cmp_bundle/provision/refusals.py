"""What stands against making a server ready, asked in the order in which people can do something about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.accounts import from_pjsip
from cmp_bundle.asterisk import reader
from cmp_bundle.checks import http_conf
from cmp_bundle.checks.conf_file import open_comment, refused
from cmp_bundle.errors import refuse, refuse_first
from cmp_bundle.findings import finding
from cmp_bundle.places import Place
from cmp_bundle.provision.dialplan import RING
from cmp_bundle.provision.pjsip import TEMPLATES
from cmp_bundle.provision.realtime import FROM_PJSIP_CONF
from cmp_bundle.provision.rows import TABLES
from cmp_bundle.provision.survey import CERTIFICATE, KINDS
from cmp_bundle.server.refusals import absent, against_editing
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp_bundle.accounts.endpoint import Endpoint
    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.changes.plan import Plan
    from cmp_bundle.findings import Finding
    from cmp_bundle.provision.survey import Found, FoundHttps
    from cmp_bundle.provision.wanted import Wanted

_NOTHING = "nothing was changed"


def before(wanted: Wanted, found: Found) -> None:
    """Raises CmpBundleError with all because of which what is there would not go with what is wanted."""
    refuse([one for one in _against(wanted, found) if one], _NOTHING)


def _against(wanted: Wanted, found: Found) -> Iterator[Finding | None]:
    yield from against_editing(found)
    for name in ("pjsip.conf", "extensions.conf"):
        yield absent(found, name)
        yield refused(found.without_ours(name))
    yield _another_folder(wanted, found)
    yield _prefix(wanted, found)
    yield _rows_elsewhere(wanted, found)
    yield _two_ways(wanted, found)
    yield _restart(wanted, found)
    if wanted.tables:
        yield from _unread_rows(wanted.tables.url, found)
    elif wanted.accounts or found.pjsip.objects:
        yield from _elsewhere(found)
    yield from _in_the_way(wanted, found)


def _unread_rows(url: str, found: Found) -> Iterator[Finding]:
    """What keeps Asterisk from reading the rows of the database at ``url``."""
    sorcery, extconfig = (
        str(found.installation.configuration(name)) for name in ("sorcery.conf", "extconfig.conf")
    )
    yield from found.realtime.unmapped(url, sorcery, extconfig)
    loaded = found.abilities.drivers
    if loaded is not None and all(found.realtime.driver(table) for table in TABLES):
        yield from found.realtime.without_driver(
            loaded, found.without_ours("modules.conf"), extconfig
        )


def before_undo(found: Found) -> None:
    """Raises CmpBundleError where something of the admin's would go with our file."""
    foreign = found.pjsip.foreign_line
    if foreign is not None:
        path = found.our_folder / "pjsip.conf"
        text = "somebody added objects to this file, which goes with all that is in it"
        hint = f"move them into {found.path('pjsip.conf')}"
        refuse_first(finding("others-objects", text, Place(str(path), foreign), hint))


def before_install(found: FoundHttps) -> None:
    """Raises CmpBundleError where Asterisk has its certificate, if any, from somewhere else than
    our file.
    """
    found.their("http.conf")
    refuse_first(
        refused(found.http),
        http_conf.from_a_database(found.from_a_database),
        _not_ours(found),
    )


def _not_ours(found: FoundHttps) -> Finding | None:
    hint = "to have it from cmp-bundle: cmp-bundle provision --cert FILE --key FILE"
    if found.server.tls_address is None:
        text = "HTTPS is not enabled here, so there is no certificate to be replaced"
        return finding("T101", text, Place(str(found.path("http.conf"))), hint)
    ours = found.inside(CERTIFICATE)
    for attribute in ("certificate", "key"):
        path = getattr(found.server, attribute)
        if path != ours:
            line = found.server.origins.get(attribute) or found.server.origins.get("certificate")
            text = f"Asterisk has its {attribute} from {path}, and not from {ours}"
            where = line.place if line else Place(str(found.path("http.conf")))
            return finding("certificate-elsewhere", text, where, hint)
    return None


@dataclass(frozen=True)
class Then:
    """What the files hold that ours are in, once a plan is carried out."""

    endpoints: Mapping[str, Endpoint]
    dialplan: Configuration


def after(plan: Plan, found: Found) -> Then:
    """Reads the files as they would be, and raises where Asterisk would not see what is planned."""
    changes = found.after(plan)
    files = found.with_changes(changes)
    reads = {
        name: reader.read(name, files)
        for name in found.theirs
        if changes.get(found.our_folder / name) is not None
    }
    for name, read in reads.items():
        refuse_first(refused(read), _unseen(read, found, name))
    endpoints: Mapping[str, Endpoint] = {}
    if "pjsip.conf" in reads:
        held = from_pjsip.found(reads["pjsip.conf"])
        refuse(list(held.findings), _NOTHING)
        endpoints = held.endpoints
    return Then(endpoints, reads["extensions.conf"])


def _unseen(read: Configuration, found: Found, name: str) -> Finding | None:
    """Whether Asterisk reads our file at all, behind all that is in theirs."""
    if found.inside(name) in read.files:
        return None
    comment = open_comment(read)
    if comment is not None:
        return comment
    text = f"Asterisk would not read {found.our_folder / name}"
    hint = "look at what is written before cmp-bundle's line"
    return finding("line-unread", text, Place(str(found.path(name))), hint)


def _elsewhere(found: Found) -> Iterator[Finding]:
    """Whether sorcery.conf takes phones from somewhere else than pjsip.conf."""
    for kind in KINDS:
        lines = found.realtime.lines(kind)
        if not found.realtime.reads_files(kind):
            text = f"Asterisk takes each {kind} from {lines[0].value}, and none from pjsip.conf"
            hint = (
                f"to have both, add {kind} = {FROM_PJSIP_CONF},criteria=type={kind}; then restart"
                " Asterisk"
            )
            if lines[0].value.startswith("realtime"):
                hint = (
                    "to have the endpoints in that database: cmp-bundle provision --database"
                    f" mysql://USER@HOST/NAME; {hint}"
                )
            yield finding("objects-elsewhere", text, lines[0].place, hint)


def _rows_elsewhere(wanted: Wanted, found: Found) -> Finding | None:
    """Rows of ours in another database, or in one where they are to be in a file now."""
    here = wanted.tables.url if wanted.tables else ""
    others = [url for url in found.remembered.databases if url != here]
    if not others:
        return None
    text = f"endpoints that cmp-bundle made are in {others[0]}"
    hint = (
        f"go on there: --database {word(others[0])}, or [provision] database; or take them away first:"
        " cmp-bundle provision --undo"
    )
    return finding("rows-elsewhere", text, Place(str(found.remembered.path)), hint)


def _another_folder(wanted: Wanted, found: Found) -> Finding | None:
    """Whether accounts of another folder would lose their endpoints, which nobody here knows of."""
    known = {account.id for account in wanted.everyone}
    ours = (*found.pjsip.objects, *(key.id for key in found.remembered.rows))
    leaving = [name for name in dict.fromkeys(ours) if name not in known]
    if not leaving or found.accounts in ("", wanted.accounts_file):
        return None
    text = (
        f"the endpoints here are those of {found.accounts}, and {', '.join(leaving[:5])} of them"
        f" {'is' if len(leaving) == 1 else 'are'} not in {wanted.accounts_file}"
    )
    hint = (
        "run this where that file is; or, to have the accounts of this one alone, begin with"
        " cmp-bundle provision --undo"
    )
    return finding("other-accounts", text, Place(str(found.our_folder / "extensions.conf")), hint)


#: What a path may be made of that is pasted into the configuration of a web server.
_PLAIN = re.compile(r"[\w./~-]*", re.ASCII)


def _prefix(wanted: Wanted, found: Found) -> Finding | None:
    """A prefix in http.conf that would be more than a path in the lines for a proxy."""
    if not wanted.proxied or _PLAIN.fullmatch(found.server.prefix):
        return None
    line = found.server.origins.get("prefix")
    text = "prefix has characters that a proxy's configuration takes for something else"
    where = line.place if line else Place(str(found.path("http.conf")))
    return finding("prefix-odd", text, where, "use letters, digits and -._~/ alone")


def _two_ways(wanted: Wanted, found: Found) -> Finding | None:
    """A STUN server beside a public address that is known: phones are then told both, or a stale one."""
    line = found.without_ours("rtp.conf").last("general", "stunaddr")
    if wanted.candidates is None or line is None or not line.value:
        return None
    text = "stunaddr asks a server for the public address, which [provision] public_address names"
    return finding("two-public-addresses", text, line.place, "take one of them out")


def _restart(wanted: Wanted, found: Found) -> Finding | None:
    """Whether it takes a restart that nobody allowed, or that would end calls."""
    if not found.abilities.taken_by_chan_sip:
        return None
    why = "chan_sip has the WebSocket for itself, which takes a restart of Asterisk to change"
    where = Place(str(found.path("modules.conf")))
    users, calls = found.abilities.chan_sip_users, found.abilities.calls
    if not wanted.restart:
        text = f"{why}: nothing was changed"
        stays = f"; chan_sip stays, with its {users} phones and providers" if users else ""
        hint = f"when nobody is talking: cmp-bundle provision --restart{stays}"
        return finding("restart-needed", text, where, hint)
    if calls:
        text = f"{why}, and {calls} channels are up"
        return finding("calls-going-on", text, where, "run this again when nobody is talking")
    return None


def _in_the_way(wanted: Wanted, found: Found) -> Iterator[Finding]:
    """What has the names that ours would have: of two objects of one name Asterisk loads neither."""
    if found.without_ours("extensions.conf").category(RING) is not None:
        text = f"a context [{RING}] is there already"
        yield finding("in-the-way", text, Place(str(found.path("extensions.conf"))), "rename it")
    if wanted.tables is not None:
        return
    for name in TEMPLATES:
        if name in found.templates:
            text = f"a template [{name}] is there already"
            yield finding("in-the-way", text, found.templates[name], "rename it")
    elsewhere = found.realtime.elsewhere("endpoint")
    for account in wanted.accounts:
        if elsewhere and account.id in wanted.loaded:
            text = f"Asterisk has an endpoint {account.id} already, from {elsewhere.value}"
            hint = "give the account another id; or import it: cmp-bundle accounts import --database URL"
            yield finding("in-the-way", text, elsewhere.place, hint, account.id)
        for kind in KINDS:
            place = found.objects.get((kind, account.id))
            if kind != "endpoint" and place and ("endpoint", account.id) not in found.objects:
                text = f"the {kind} {account.id} is there already, and no endpoint of that name"
                hint = "remove it, or write the endpoint to it yourself"
                yield finding("in-the-way", text, place, hint, account.id)
