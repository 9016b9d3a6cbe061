"""What making a server ready, or taking that back, would change. Nothing is looked at or changed here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes
from cmp_bundle.asterisk.dialplan import answered_by
from cmp_bundle.changes.plan import Plan, Steps
from cmp_bundle.changes.step import Removal
from cmp_bundle.checks.accounts import against
from cmp_bundle.checks.websocket import base_url
from cmp_bundle.errors import refuse
from cmp_bundle.provision import network, pjsip, realtime, refusals, row_plan
from cmp_bundle.provision.dialplan import dialplan
from cmp_bundle.provision.firewalls import FirewallChange
from cmp_bundle.provision.network import FOR_A_PROXY
from cmp_bundle.provision.phone_ports import not_to_be_opened, phone_ports
from cmp_bundle.provision.pjsip import Phones, PjsipFile
from cmp_bundle.provision.row_plan import RowPlan
from cmp_bundle.provision.rows import ENDPOINTS
from cmp_bundle.provision.survey import CERTIFICATE, THEIRS
from cmp_bundle.server import lines
from cmp_bundle.server.refusals import before_reload
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.includes import OurHttp
    from cmp_bundle.findings import Finding
    from cmp_bundle.provision.dialplan import Dialplan
    from cmp_bundle.provision.firewall import Firewall, Ports
    from cmp_bundle.provision.refusals import Then
    from cmp_bundle.provision.rows import Tables
    from cmp_bundle.provision.survey import Abilities, Found
    from cmp_bundle.provision.wanted import Wanted


@dataclass(frozen=True)
class Planned(Plan):
    """``made`` are the ids of the accounts whose endpoint is new or another now, ``present`` those
    whose endpoint is then ours, in our file or in rows, ``theirs`` those who have one of somebody
    else's, ``removed`` those whose endpoint goes. ``open`` is whether phones can connect then, ``listener`` the
    ``address:port`` of HTTPS, if that is on, ``certificate`` what it shows (DER), where that is new,
    ``ports`` what a firewall has to let in, ``plain`` where a proxy asks, ``echo`` the extension of
    the echo, if that is ours, ``callers`` the ids of those who would reach it. ``different`` are those
    of ``present`` whose endpoint is not as it would be made now. ``lacking`` is what endpoints of
    somebody else's lack for a browser phone.
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
    callers: frozenset[str] = frozenset()
    different: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lacking: tuple[Finding, ...] = ()


def to_provision(wanted: Wanted, found: Found) -> Planned:
    """Raises CmpBundleError with what stands against it."""
    refusals.before(wanted, found)
    steps = Steps()
    rows = _rows(steps, wanted, found)
    objects = _objects(wanted, found, frozenset(rows.present))
    present = (*rows.present, *objects.file.objects)
    theirs = tuple(a.id for a in wanted.everyone if a.id in _endpoints(wanted, found))
    theirs = tuple(dict.fromkeys((*theirs, *rows.theirs)))
    plan = _dialplan(wanted, found, {*present, *theirs})
    if objects.file:
        lines.include(steps, found, "pjsip.conf", bytes(objects.file), found.secret_owner)
    else:
        lines.exclude(steps, found, "pjsip.conf")
    lines.include(steps, found, "extensions.conf", bytes(plan))
    if plan.conference:
        lines.include(steps, found, "confbridge.conf", includes.render("confbridge.conf"))
    else:
        lines.exclude(steps, found, "confbridge.conf")
    network.rtp(steps, wanted, found)
    listener, http = network.https(steps, wanted, found)
    network.websocket(steps, found)
    needed = phone_ports(found, listener, proxied=wanted.proxied)
    _opened(steps, wanted, found, listener, needed)
    planned = Planned(
        "provision",
        tuple(steps.steps),
        made=(*rows.made, *objects.made),
        present=present,
        theirs=theirs,
        removed=(*rows.removed, *objects.removed),
        open=listener is not None or wanted.proxied,
        listener=listener,
        certificate=wanted.listener.shown if wanted.listener else None,
        ports=needed,
        plain=base_url(str(found.server.address or FOR_A_PROXY), "http").removeprefix("http://"),
        prefix=found.server.prefix,
        echo=plan.echo,
        different=objects.different,
        lacking=(*_lacking(wanted, found), *rows.findings),
        notes=(
            *rows.notes,
            *objects.notes,
            *plan.taken,
            *lines.notes(steps, found),
            *_warnings(wanted, found, needed, http),
        ),
    )
    then = refusals.after(planned, found)
    return replace(planned, callers=_callers(planned, wanted, found, then))


def _callers(planned: Planned, wanted: Wanted, found: Found, then: Then) -> frozenset[str]:
    """Whose call to our echo rings nobody else."""
    if not planned.echo:
        return frozenset()
    endpoints = {**found.endpoints.endpoints, **then.endpoints}
    contexts = {name: one.context for name, one in endpoints.items()}
    if wanted.tables:
        rows = wanted.tables.tables[ENDPOINTS].rows
        contexts |= {name: row.get("context", "default") for name, row in rows.items()}
        contexts |= dict.fromkeys(planned.made, wanted.settings.context)
    ours = found.inside("extensions.conf")
    lines = {c: answered_by(then.dialplan, c, planned.echo) for c in set(contexts.values())}
    return frozenset(
        name
        for name, context in contexts.items()
        if (line := lines[context]) is not None and line.file == ours
    )


def _lacking(wanted: Wanted, found: Found) -> Iterator[Finding]:
    """What is to be said of endpoints that are there already, and stay as they are."""
    there = _endpoints(wanted, found)
    for account in wanted.everyone:
        if account.id in there and not account.source:
            yield from against(account, found.endpoints)


def _warnings(wanted: Wanted, found: Found, needed: Ports, http: OurHttp) -> Iterator[str]:
    """What works now, and yet may surprise."""
    if wanted.settings.conference and "confbridge.conf" not in found.theirs:
        yield f"{found.path('confbridge.conf')} does not exist, so there is no conference"
    elsewhere = found.realtime.elsewhere("endpoint")
    if elsewhere and not wanted.tables and not found.installation.running:
        yield (
            f"endpoints come from {elsewhere.value} as well ({elsewhere.place}), and Asterisk is not"
            " running, so nobody can be asked whether it has one of these there"
        )
    address = found.server.address
    if wanted.proxied and address and not str(address).startswith(("127.", "[::1]", "localhost:")):
        yield (
            f"plain HTTP is open at {address} to more than the proxy; for the proxy alone:"
            f" bindaddr=127.0.0.1 in {found.path('http.conf')}"
        )
    if wanted.proxied and found.abilities.forgets_neighbours:
        yield (
            "this Asterisk forgets all phones from one address when one of them disconnects"
            " (ASTERISK-30369, fixed in 18.17 and 20.2), and behind a proxy all have the proxy's"
        )
    status = found.without_ours("http.conf").last("general", "enable_status")
    if http.no_status and status is not None:
        yield (
            f"{status.place}: {status.name} = {status.value} has no effect beside cmp-bundle's own line:"
            " with HTTPS alone, one request for /httpstatus ends Asterisk 16.24 to 16.30, 18.10 to 18.16 and"
            " 19.2 to 20.1 (ASTERISK-30379)"
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
    refusals.before_undo(found)
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
    ours = replace(found.our_http, https=None, session_limit=None, plain=None, no_status=False)
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
        removed=(*rows.removed, *found.pjsip.objects),
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
    if plan.adopted:
        plan.notes.append(
            f"the rows of {some(plan.adopted)} in {wanted.tables.url} hold just what cmp-bundle would"
            " write, so they are cmp-bundle's from now on, and --undo takes them away"
        )
    _row_steps(steps, plan, found)
    return plan


def _row_steps(steps: Steps, plan: RowPlan, found: Found) -> None:
    """Change the rows, remember which are ours, and have Asterisk learn of both.

    It reads rows by itself, but not beforehand: for the first phone of an aor that it has not heard of,
    it reads all endpoints (res_pjsip/pjsip_options.c). With five thousand, that is 0.4 s for each
    phone, and it answers 503 to the rest. A reload tells it of all at once.
    """
    memory = found.remembered
    steps.steps += plan.steps(memory)
    if not plan.changes:
        steps.add(memory.path, memory.state, memory.written(plan.remembered))
        return
    for name in found.realtime.caches():
        steps.reload(f"sorcery memory cache expire {name}")
    lines.reload(steps, "pjsip.conf")


@dataclass(frozen=True)
class _Objects:
    """Our pjsip.conf as it shall be, and the ids of those who are new in it, who go, and whose objects
    are not as they would be made now.
    """

    file: PjsipFile
    made: tuple[str, ...]
    removed: tuple[str, ...]
    different: tuple[str, ...]
    notes: tuple[str, ...]


def _objects(wanted: Wanted, found: Found, in_rows: frozenset[str]) -> _Objects:
    """Those that are ``in_rows`` are no longer in our file."""
    now = {n: text for n, text in found.pjsip.objects.items() if n not in in_rows}
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
    common = phones(wanted.settings.context, found.abilities)
    head = pjsip.head(common)
    named = different
    as_made = {pjsip.head(one) for one in pjsip.forms(common)}
    if found.pjsip.objects and not wanted.update and found.pjsip.head not in as_made:
        named = ["the templates", *different]
        head = found.pjsip.head
    notes = []
    if named:
        notes.append(
            f"{some(named)} in"
            f" {found.our_folder / 'pjsip.conf'} differ from what would be written now, and stay as"
            " they are; to write them anew: cmp-bundle provision --update"
        )
    file = found.pjsip.with_objects(head, now)
    return _Objects(file, tuple(made), removed, tuple(different), tuple(notes))


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
    theirs = found.without_ours("extensions.conf")
    return dialplan(theirs, settings, accounts, wanted.accounts_file)
