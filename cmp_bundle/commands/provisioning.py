"""The use cases of a server: make it ready for browser phones, and take that back."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.changes.described import changed_paths, reloads
from cmp_bundle.checks.call import prove
from cmp_bundle.checks.call_findings import not_tried
from cmp_bundle.commands import server
from cmp_bundle.commands.account_files import read
from cmp_bundle.commands.context import with_notes
from cmp_bundle.commands.examining import look_over
from cmp_bundle.commands.https_listener import listener, with_certificate
from cmp_bundle.commands.loaded_accounts import completed, with_secrets
from cmp_bundle.commands.provisioned_rows import remembered_tables, row_changes, wanted_tables
from cmp_bundle.commands.result import ServerChanges
from cmp_bundle.errors import CmpBundleError, refuse
from cmp_bundle.findings import Level
from cmp_bundle.provision import firewalls, selinux
from cmp_bundle.provision.firewalls import FirewallChange
from cmp_bundle.provision.plan import to_provision, to_undo
from cmp_bundle.provision.proxy import block, is_proxied
from cmp_bundle.provision.survey import survey
from cmp_bundle.provision.wanted import Wanted
from cmp_bundle.tls import machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.checks.call import Proof
    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding
    from cmp_bundle.provision.firewall import Firewall, Ports
    from cmp_bundle.provision.plan import Planned
    from cmp_bundle.provision.survey import Found
    from cmp_bundle.server.server import Server


#: Accounts that are tried beside those with a new endpoint: they are made alike, and each takes time.
_OTHERS = 20


@dataclass(frozen=True)
class TriedAccount:
    """An account as it was tried on the live server: whether it ``registered``, and whether the echo
    ``answered`` it; None where it called nobody. ``phones`` were registered before.
    """

    id: str
    registered: bool
    answered: bool | None
    phones: int


@dataclass(frozen=True)
class FirewallPorts:
    """A firewall of this ``kind`` (firewalld, ufw, nftables) whose ports of ours changed: ``opened``
    are those that it lets in now, ``closed`` those that it let in before (8089/tcp and
    10000-20000/udp); None for nothing.
    """

    kind: str
    opened: str | None
    closed: str | None


@dataclass(frozen=True, kw_only=True)
class Provisioned(ServerChanges):
    """``made`` are the ids of accounts whose endpoint was written, ``present`` those with an endpoint
    that is cmp-bundle's, in its file or in rows of a database, ``removed`` those whose endpoint went.
    ``tried`` are the accounts that were tried on the live server at ``url``: all that are new, and
    some of the others; nobody where none is running. ``not_tried`` are those of them that were left
    out, since they have no password, or those before them failed or took long. ``echo`` is what they
    called, and ``media`` the addresses that it told them for sound and pictures; ``failed`` are
    those for whom it did not work. ``proxy`` are the lines for the proxy in front, ``firewalls``
    those that were opened or closed. ``script`` is the file of SQL that was written in place of all
    that.
    """

    made: tuple[str, ...]
    present: tuple[str, ...]
    removed: tuple[str, ...]
    echo: str = ""
    tried: tuple[TriedAccount, ...] = ()
    not_tried: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    proxy: str | None = None
    firewalls: tuple[FirewallPorts, ...] = ()
    url: str | None = None
    script: Path | None = None


@with_notes
def provision(
    context: Context,
    users: Sequence[str] | None = None,
    *,
    update: bool = False,
    pair: tuple[Path, Path] | None = None,
    proxy: str | None = None,
    firewall: bool = False,
    restart: bool = False,
    dry_run: bool = False,
) -> Provisioned:
    """Give Asterisk what browser phones need, wherever it is missing: endpoints, dialplan, HTTPS.

    ``users`` are the accounts that get an endpoint, all without it. ``update`` writes anew what is
    in cmp-bundle's own files. ``pair`` are a certificate and its key for HTTPS, PEM. ``proxy`` names
    a proxy on this machine that has the certificate (nginx, …), ``firewall`` opens the one of this
    machine, ``restart`` allows a restart of Asterisk, where it takes one. Raises CmpBundleError; the
    server is then as it was.
    """
    file = read(context)
    if users is not None:
        refuse(file.unknown(users), "nothing was changed")
    file = file.completed() if dry_run else completed(context, file)
    chosen = tuple(a for a in file.accounts if users is None or a.id in users)
    if proxy and not context.settings.site.url:
        raise CmpBundleError(
            "address-unknown",
            "a proxy needs the address where people open the phone",
            hint='url = "https://phone.example.com" under [site] in cmp-bundle.toml',
        )

    def plan(where: Installation) -> Planned:
        found = survey(where)
        proxied = bool(proxy or found.our_http.plain) or (
            found.server.address is not None and is_proxied(context.settings.site.url)
        )
        at_work = firewalls.at_work(firewalls.look())
        labels = selinux.advice(found.our_folder, where.static)
        if labels:
            context.reporter.note(labels)
        tables = wanted_tables(context, file.accounts, found.remembered)
        wanted = Wanted(
            everyone=file.accounts,
            settings=context.settings.provision,
            chosen=None if users is None else frozenset(users),
            update=update,
            restart=restart,
            firewall=at_work if firewall else None,
            candidates=_candidates(context),
            proxied=proxied,
            listener=listener(context, found, pair, proxied=proxied, update=update),
            tables=tables,
            accounts_file=_printable(file.path),
            loaded=frozenset() if tables else _loaded(found, chosen),
        )
        planned = to_provision(wanted, found)
        if wanted.listener and wanted.listener.to_be_made and not dry_run:
            made = with_certificate(context, wanted.listener)
            planned = to_provision(replace(wanted, listener=made), found)
        if proxied and not (proxy or found.our_http.plain):
            context.reporter.note(
                "[site] url names no port, so it is taken for a proxy's, and Asterisk gets no HTTPS of"
                " its own; if there is no proxy, add Asterisk's port to it (:8089)"
            )
        for note in _of_firewall(at_work, planned.ports, to_open=firewall):
            context.reporter.note(note)
        return planned

    return _carried_out(
        context, plan, lambda: with_secrets(context, file, chosen), proxy=proxy, dry_run=dry_run
    )


def _printable(path: Path) -> str:
    """For a comment in a file, where nothing may follow it in another line."""
    text = str(path.absolute())
    return text if text.isprintable() else ascii(text)


def _loaded(found: Found, accounts: Iterable[Account]) -> frozenset[str]:
    """Of which of ``accounts`` the running Asterisk has an endpoint that is in none of its files.

    It is asked only where it takes endpoints from somewhere else as well.
    """
    known = {*found.endpoints.endpoints, *found.pjsip.objects}
    asked = [a.id for a in accounts if a.id not in known and not a.source]
    if not found.realtime.elsewhere("endpoint") or not found.installation.running:
        return frozenset()
    control = found.installation.control
    return frozenset(name for name in asked if control.has_endpoint(name))


def _of_firewall(at_work: Firewall | None, needed: Ports | None, *, to_open: bool) -> Iterator[str]:
    """What is to be said of the firewall, if any, where it does not get open for what is ``needed``."""
    if at_work is None:
        if to_open:
            yield "no firewall is at work on this machine, so there is none to be opened"
    elif needed and not to_open and not at_work.lets_in(needed):
        opened = ""
        if at_work.opened is not None:
            opened = f", and cmp-bundle has it open for {at_work.opened}"
            opened += "" if at_work.everywhere else " in a part of it"
        yield (
            f"{at_work.kind} is at work on this machine: phones need {needed} open{opened};"
            " to open them: cmp-bundle provision --firewall"
        )


def _candidates(context: Context) -> tuple[str, str] | None:
    """The address of this machine and the public one that leads to it; None where that is its own."""
    public = context.settings.provision.public_address
    own = machine.address_towards(public) if public else None
    return (own, public) if own and own != public else None


def _lines_for(context: Context, proxy: str, planned: Planned) -> str:
    site = context.settings.site
    return block(
        proxy,
        site.url,
        prefix=planned.prefix,
        site=site.name,
        redirect=site.redirect,
        listener=planned.plain,
    )


@with_notes
def undo_provision(
    context: Context, *, restart: bool = False, dry_run: bool = False
) -> Provisioned:
    """Take away all that ``provision`` made, with a ``restart`` where it takes one to have Asterisk
    as before. Raises CmpBundleError; the server is then as it was.
    """

    def plan(where: Installation) -> Planned:
        found = survey(where)
        tables = remembered_tables(context, found.remembered)
        there = firewalls.look()
        for note in firewalls.remains(there):
            context.reporter.note(note)
        return to_undo(found, restart=restart, firewalls=there, tables=tables)

    return _carried_out(context, plan, tuple, dry_run=dry_run)


def _carried_out(
    context: Context,
    plan: Callable[[Installation], Planned],
    to_try: Callable[[], tuple[Account, ...]],
    *,
    proxy: str | None = None,
    dry_run: bool,
) -> Provisioned:
    where = server.installation(context)
    at = server.server(context, where)
    if dry_run:
        return _result(context, plan(where), proxy, dry_run=True)
    engine = server.engine(context, at)
    with engine.alone():
        # What was cut off before may have changed what is read here.
        planned = plan(where)
        done = _result(context, planned, proxy)
        done = engine.carry_out(planned, lambda: _tried(context, at, planned, to_try(), done))
    return replace(done, findings=look_over(context)) if done.url else done


def _tried(
    context: Context,
    at: Server,
    planned: Planned,
    accounts: Sequence[Account],
    done: Provisioned,
) -> Provisioned:
    """``done``, with how it went on the live server. Raises CmpBundleError where an account of ours
    cannot register or call.
    """
    url = at.phones(planned.listener, planned.prefix) if planned.open else None
    if planned.listener and planned.certificate:
        at.shows(planned.certificate, planned.listener, planned.prefix)
    if url is None or not accounts:
        return replace(done, url=url)
    ours, made = set(planned.present), set(planned.made)
    there = ours.union(planned.theirs)
    new = [account for account in accounts if account.id in made]
    others = [account for account in accounts if account.id in there - made]
    chosen = [*new, *others[:_OTHERS]]
    at.loaded(planned.made)
    with context.reporter.progress("trying each account", len(chosen)) as advance:
        proofs = prove(
            url,
            f"{planned.prefix}/ws",
            chosen,
            planned.echo,
            callers=planned.callers,
            progress=lambda _done: advance(1),
        )
    findings = [_with_update(f, planned) for proof in proofs for f in proof.findings]
    left_out = [p.account for p in proofs if not p.tried and not p.findings]
    if left_out:
        findings.append(not_tried(left_out))
    errors = [found for found in findings if found.level is Level.ERROR]
    failed = dict.fromkeys(found.subject for found in errors)
    # Who could not call before either is no reason to take from the others what is new.
    own = {account.id for account in chosen} & ours
    if planned and (failed.keys() & made or (own and failed.keys() >= own)):
        refuse([found for found in errors if found.subject in ours], "so it goes back")
    for found in findings:
        context.reporter.found(found)
    return replace(
        done,
        url=url,
        tried=tuple(
            TriedAccount(
                p.account,
                p.registered,
                p.answered if p.account in planned.callers else None,
                p.contacts,
            )
            for p in proofs
            if p.tried
        ),
        not_tried=tuple(p.account for p in proofs if not p.tried),
        failed=tuple(failed),
        media=tuple(dict.fromkeys(filter(_reaches_far, _addresses(proofs)))),
    )


def _with_update(found: Finding, planned: Planned) -> Finding:
    """With the way to have the password that the account has by now."""
    if found.code == "registration-refused" and found.subject in planned.different:
        return replace(found, hint="to write it anew: cmp-bundle provision --update")
    return found


def _addresses(proofs: Iterable[Proof]) -> Iterator[str]:
    return (candidate.address for proof in proofs for candidate in proof.candidates)


def _reaches_far(address: str) -> bool:
    """Whether it is more than the next cable's."""
    try:
        return not ipaddress.ip_address(address).is_link_local
    except ValueError:
        return False


def _ports(step: FirewallChange) -> FirewallPorts:
    before, after = (None if ports is None else str(ports) for ports in (step.before, step.after))
    return FirewallPorts(step.kind, after, None if before == after else before)


def _result(
    context: Context, planned: Planned, proxy: str | None, *, dry_run: bool = False
) -> Provisioned:
    """What is planned, and its notes said."""
    for note in planned.notes:
        context.reporter.note(note)
    for found in planned.lacking:
        context.reporter.found(found)
    firewall_changes = [step for step in planned.steps if isinstance(step, FirewallChange)]
    return Provisioned(
        changed=bool(planned),
        changes=(
            *row_changes(planned.steps),
            *changed_paths(planned.steps, planned.cleanup),
            *(step.described() for step in firewall_changes),
        ),
        reloads=reloads(planned.steps),
        dry_run=dry_run,
        made=planned.made,
        present=planned.present,
        removed=planned.removed,
        echo=planned.echo,
        proxy=_lines_for(context, proxy, planned) if proxy else None,
        firewalls=tuple(map(_ports, firewall_changes)),
    )
