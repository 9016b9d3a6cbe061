"""What making a server ready, or taking that back, would change. Nothing is looked at or changed here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes
from cmp_bundle.asterisk.includes import Https
from cmp_bundle.changes.plan import Plan, Steps
from cmp_bundle.changes.step import Removal
from cmp_bundle.checks.accounts import against
from cmp_bundle.errors import refuse
from cmp_bundle.provision import certificate, pjsip, realtime, refusals, row_plan
from cmp_bundle.provision.dialplan import dialplan
from cmp_bundle.provision.firewalls import FirewallChange
from cmp_bundle.provision.phone_ports import RTP_PORTS, not_to_be_opened, phone_ports
from cmp_bundle.provision.pjsip import Phones, PjsipFile
from cmp_bundle.provision.row_plan import RowPlan
from cmp_bundle.provision.survey import CERTIFICATE, THEIRS
from cmp_bundle.server import lines
from cmp_bundle.server.refusals import before_reload

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.findings import Finding
    from cmp_bundle.provision.dialplan import Dialplan
    from cmp_bundle.provision.firewall import Firewall, Ports
    from cmp_bundle.provision.rows import Tables
    from cmp_bundle.provision.survey import Abilities, Found
    from cmp_bundle.provision.wanted import Wanted

#: Where rtp.conf says at which other address one of its own is reached.
_CANDIDATES = "ice_host_candidates"

#: Where a proxy on the same machine asks Asterisk.
FOR_A_PROXY = "127.0.0.1:8088"

#: Connections beside those of the phones: pages that are opened, and phones that come back before
#: the server has noticed that they were gone.
_MORE_SESSIONS = 50


@dataclass(frozen=True)
class Planned(Plan):
    """``made`` are the ids of the accounts whose endpoint is new or another now, ``present`` those
    whose endpoint is in our file then, ``theirs`` those who have one of somebody else's, ``removed``
    those whose endpoint goes. ``open`` is whether phones can connect then, ``listener`` the
    ``address:port`` of HTTPS, if that is on, ``certificate`` what it shows (DER), where that is new,
    ``ports`` what a firewall has to let in, ``plain`` where a proxy asks, ``echo`` the extension of
    the echo, if that is ours. ``lacking`` is what endpoints of somebody else's lack for a browser
    phone.
    """

    made: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    open: bool = False
    listener: str | None = None
    certificate: bytes | None = None
    ports: Ports | None = None
    plain: str = FOR_A_PROXY
    prefix: str = ""
    echo: str = ""
    notes: tuple[str, ...] = ()
    lacking: tuple[Finding, ...] = ()


def to_provision(wanted: Wanted, found: Found) -> Planned:
    """Raises CmpBundleError with what stands against it."""
    refusals.before(wanted, found)
    steps = Steps()
    rows = _rows(steps, wanted, found)
    file, made, removed, notes = _objects(wanted, found, frozenset(rows.present))
    present = (*rows.present, *(file.objects or ()))
    theirs = tuple(a.id for a in wanted.everyone if a.id in _endpoints(wanted, found))
    theirs = tuple(dict.fromkeys((*theirs, *rows.theirs)))
    plan = _dialplan(wanted, found, {*present, *theirs})
    if file.objects:
        lines.include(steps, found, "pjsip.conf", bytes(file), found.secret_owner)
    else:
        lines.exclude(steps, found, "pjsip.conf")
    lines.include(steps, found, "extensions.conf", bytes(plan))
    if plan.conference:
        lines.include(steps, found, "confbridge.conf", includes.render("confbridge.conf"))
    else:
        lines.exclude(steps, found, "confbridge.conf")
    _rtp(steps, wanted, found)
    listener = _https(steps, wanted, found)
    _websocket(steps, found)
    needed = phone_ports(found, listener, proxied=wanted.proxied)
    _opened(steps, wanted, found, listener, needed)
    planned = Planned(
        "provision",
        tuple(steps.steps),
        made=(*rows.made, *made),
        present=present,
        theirs=theirs,
        removed=(*rows.removed, *removed),
        open=listener is not None or wanted.proxied,
        listener=listener,
        certificate=wanted.listener.shown if wanted.listener else None,
        ports=needed,
        plain=str(found.server.address or FOR_A_PROXY),
        prefix=found.server.prefix,
        echo=plan.echo,
        lacking=(*_lacking(wanted, found), *rows.findings),
        notes=(
            *rows.notes,
            *notes,
            *plan.taken,
            *lines.notes(steps, found),
            *_warnings(wanted, found, needed),
        ),
    )
    refusals.after(planned, found)
    return planned


def _lacking(wanted: Wanted, found: Found) -> Iterator[Finding]:
    """What is to be said of endpoints that are there already, and stay as they are."""
    there = _endpoints(wanted, found)
    for account in wanted.everyone:
        if account.id in there and not account.source:
            yield from against(account, found.endpoints)


def _warnings(wanted: Wanted, found: Found, needed: Ports) -> Iterator[str]:
    """What works now, and yet may surprise."""
    if wanted.settings.conference and "confbridge.conf" not in found.theirs:
        yield f"{found.path('confbridge.conf')} does not exist, so there is no conference"
    if wanted.proxied and found.abilities.forgets_neighbours:
        yield (
            "this Asterisk forgets all phones from one address when one of them disconnects"
            " (ASTERISK-30369, fixed in 18.17 and 20.2), and behind a proxy all have the proxy's"
        )
    firewall = wanted.firewall
    if firewall and firewall.kind == "nftables" and not firewall.lets_in(needed):
        yield "nftables forgets the rules at the next boot: add them to /etc/nftables.conf as well"


def _opened(
    steps: Steps, wanted: Wanted, found: Found, listener: str | None, needed: Ports
) -> None:
    """The firewall, for the ports that are ``needed`` and no others."""
    firewall = wanted.firewall
    if firewall is None:
        return
    refuse(list(not_to_be_opened(found, listener, proxied=wanted.proxied)), "nothing was changed")
    if not firewall.lets_in(needed):
        steps.steps.append(FirewallChange(firewall.kind, firewall.opened, needed))


def to_undo(
    found: Found,
    *,
    restart: bool = False,
    firewalls: Sequence[Firewall] = (),
    tables: Sequence[Tables] = (),
) -> Planned:
    """Take all that away; the admin's files become what they would be without it. ``firewalls`` are
    those of this machine, ``tables`` those of every database that rows of ours are in.
    """
    steps = Steps()
    rows = row_plan.to_take_away(tables, found.remembered.rows)
    _row_steps(steps, rows, found)
    steps.steps += [
        FirewallChange(one.kind, one.opened, None, off=not one.active)
        for one in firewalls
        if one.opened is not None
    ]
    for name in THEIRS:
        if name != "http.conf":
            lines.exclude(steps, found, name)
    ours = replace(found.our_http, https=None, session_limit=None, plain=None)
    lines.write_http(steps, found, ours)
    steps.add(found.our_folder / CERTIFICATE, found.certificate, None)
    cleanup = (Removal(found.our_folder),) if found.folder is not None and not ours else ()
    if lines.HTTP in steps.reloads and found.our_http.https is None:
        before_reload(found)
    notes = tuple(rows.notes)
    if found.our_http.redirect and (found.our_http.https or found.our_http.plain):
        notes += (
            f"{found.our_http.redirect} stays deployed, and nobody can open it any more:"
            " cmp-bundle undeploy",
        )
    if {"modules.conf", "sip.conf"}.intersection(found.ours) and found.installation.running:
        if restart:
            lines.restart(steps)
        else:
            notes += ("chan_sip has the WebSocket again once Asterisk is restarted",)
    return Planned(
        "undo of provision",
        tuple(steps.steps),
        cleanup,
        removed=(*rows.removed, *(found.pjsip.objects or ())),
        notes=notes,
    )


def _rows(steps: Steps, wanted: Wanted, found: Found) -> RowPlan:
    """The accounts' rows, where they are to have such."""
    if wanted.tables is None:
        return RowPlan()
    plan = row_plan.to_write(
        wanted,
        _without_endpoint(wanted, found),
        phones(wanted.settings.context, found.abilities),
        wanted.tables,
        found.remembered.rows,
        coded=realtime.coded(wanted.tables.url, found.realtime.driver("ps_auths")),
    )
    _row_steps(steps, plan, found)
    return plan


def _row_steps(steps: Steps, plan: RowPlan, found: Found) -> None:
    """Change the rows, remember which are ours, and have Asterisk forget what it knows of others."""
    memory = found.remembered
    steps.steps += plan.steps
    steps.add(memory.path, memory.state, memory.written(plan.remembered))
    for name in found.realtime.caches() if plan.steps else ():
        steps.reload(f"sorcery memory cache expire {name}")


def _objects(
    wanted: Wanted, found: Found, in_rows: frozenset[str]
) -> tuple[PjsipFile, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Our pjsip.conf; who is new in it, who goes, and what is to be said. Those that are ``in_rows``
    are no longer in it.
    """
    now = {n: text for n, text in (found.pjsip.objects or {}).items() if n not in in_rows}
    known = {account.id for account in wanted.everyone}
    removed = tuple(name for name in now if name not in known)
    for name in removed:
        del now[name]
    made: list[str] = []
    different: list[str] = []
    for account in () if wanted.tables else _without_endpoint(wanted, found):
        text = pjsip.objects(account)
        if account.id not in now or (wanted.update and now[account.id] != text):
            made.append(account.id)
            now[account.id] = text
        elif now[account.id] != text:
            different.append(account.id)
    head = pjsip.head(phones(wanted.settings.context, found.abilities))
    if found.pjsip.head and not wanted.update and found.pjsip.objects:
        if found.pjsip.head != head:
            different.insert(0, "the templates")
        head = found.pjsip.head
    notes = []
    if different:
        notes.append(
            f"{', '.join(different[:5])}{' …' if len(different) > 5 else ''} in"  # noqa: PLR2004
            f" {found.our_folder / 'pjsip.conf'} differ from what would be written now, and stay as"
            " they are; to write them anew: cmp-bundle provision --update"
        )
    return PjsipFile(head, now), tuple(made), removed, tuple(notes)


def phones(context: str, abilities: Abilities) -> Phones:
    """What all endpoints have in common on an Asterisk of these abilities."""
    sound = ("opus", "ulaw") if abilities.transcodes_opus else ("ulaw", "opus")
    return Phones(context, (*sound, "vp8"), abilities.remove_unavailable)


def _without_endpoint(wanted: Wanted, found: Found) -> tuple[Account, ...]:
    """Those of whom Asterisk has no endpoint but ours."""
    return tuple(a for a in wanted.accounts if a.id not in _endpoints(wanted, found))


def _endpoints(wanted: Wanted, found: Found) -> Collection[str]:
    """Somebody else's in the files. What Asterisk does not read from there is nobody's."""
    dead = wanted.tables is not None and not found.realtime.reads_files("endpoint")
    return () if dead else found.endpoints.endpoints


def _dialplan(wanted: Wanted, found: Found, there: Collection[str]) -> Dialplan:
    accounts = [account for account in wanted.everyone if account.id in there]
    settings = wanted.settings
    if "confbridge.conf" not in found.theirs:
        settings = replace(settings, conference="")
    return dialplan(found.without_ours("extensions.conf"), settings, accounts)


def _rtp(steps: Steps, wanted: Wanted, found: Found) -> None:
    """A range of ports where none is set, and the public address where one leads here."""
    theirs = found.without_ours("rtp.conf")
    ranged = any(theirs.last("general", name) for name in ("rtpstart", "rtpend"))
    own = wanted.candidates
    mapped = own is None or theirs.last(_CANDIDATES, own[0]) is not None
    if theirs.missing or (ranged and mapped):
        lines.exclude(steps, found, "rtp.conf")
        return
    data = includes.render(
        "rtp.conf",
        ports=None if ranged else RTP_PORTS,
        general_exists=theirs.category("general") is not None,
        candidates=None if mapped else own,
        candidates_exist=theirs.category(_CANDIDATES) is not None,
    )
    lines.include(steps, found, "rtp.conf", data)


def _websocket(steps: Steps, found: Found) -> None:
    """Where chan_sip has the WebSocket's sub-protocol sip, PJSIP gets it. Asterisk is restarted for
    that, and then reads everything anew.

    PJSIP's module was refused when Asterisk started. Loaded later it lets phones in, and yet none
    can be rung: the name of its transport is then taken, by what it left behind (seen on 16).
    """
    name, section = "modules.conf", "modules"
    if found.abilities.chan_sip_users:
        name, section = "sip.conf", "general"
    if found.abilities.taken_by_chan_sip or name in found.ours:
        data = includes.render(name, section_exists=found.has_category(name, section))
        lines.include(steps, found, name, data)
    if found.abilities.taken_by_chan_sip:
        lines.restart(steps)


def _https(steps: Steps, wanted: Wanted, found: Found) -> str | None:
    """The certificate, the listener, and as many connections as there are phones."""
    ours = found.our_http
    listener, renewed = wanted.listener, False
    if listener is not None:
        path = found.inside(CERTIFICATE)
        ours = replace(ours, https=Https(path, path, listener.address))
        if listener.pem is not None:
            renewed = certificate.put(steps, found, listener.pem)
    if wanted.proxied and found.server.address is None:
        ours = replace(ours, plain=FOR_A_PROXY)
    needed = 2 * len(wanted.everyone) + _MORE_SESSIONS
    if found.server.session_limit < needed:
        ours = replace(ours, session_limit=needed)
    lines.write_http(steps, found, ours)
    if renewed:
        certificate.read_again(steps, found)
    if lines.HTTP in steps.reloads and listener is None:
        before_reload(found)
    if listener is not None:
        return listener.address
    return str(found.server.tls_address) if found.server.tls_address else None
