"""Which certificate Asterisk's HTTPS gets where it has none: a given one, or one of our authority's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cmp_bundle.checks import certificate_change
from cmp_bundle.commands import given_certificate, installed_certificate
from cmp_bundle.commands.authority import DEVICES, folder_of, now, tell_if_fresh
from cmp_bundle.doctor import sockets
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.provision.survey import CERTIFICATE
from cmp_bundle.provision.wanted import Listener
from cmp_bundle.tls import leaf, machine
from cmp_bundle.tls.authority import authority_in, ensure
from cmp_bundle.tls.hosts import host as parsed

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding
    from cmp_bundle.provision.survey import Found
    from cmp_bundle.tls.hosts import Host
    from cmp_bundle.tls.leaf import Leaf


def listener(
    context: Context,
    found: Found,
    pair: tuple[Path, Path] | None,
    *,
    proxied: bool,
    update: bool,
) -> Listener | None:
    """What HTTPS shall be, None for as it is. ``pair`` is a certificate and its key to be used.

    Where HTTPS is off and there is no ``pair``, the authority makes a certificate, unless Asterisk
    is ``proxied``: then the proxy has one. One of ours that is no good any more, or for other names,
    is made anew to ``update`` it. Raises CmpBundleError where a given one is not good for browsers.
    """
    ours = found.our_http.https
    is_new = ours is None and found.server.tls_address is None
    if ours is None and pair is None and (proxied or not is_new):
        return None
    wanted = context.settings.provision.https_address
    if ours is not None:
        address = wanted if update and wanted else ours.address
        if address != ours.address:
            _refuse_taken(ours.address, address)
    elif found.server.tls_address is not None:
        address = str(found.server.tls_address)
    else:
        address = wanted or _address(context)
    if wanted not in ("", address):
        at = "" if ours is None else "; to have it there: cmp-bundle provision --update"
        context.reporter.note(f"HTTPS is at {address} already, and not at {wanted}{at}")
    if pair is not None:
        given = _given(context, pair)
        return Listener(address, given.pem, given.der)
    if found.certificate is None:
        return Listener(address, b"")
    wrong = _against(context, found)
    if wrong is None:
        return Listener(address)
    if update and _is_renewed_here(context, found):
        return Listener(address, b"")
    context.reporter.found(wrong)
    return Listener(address)


def _refuse_taken(before: str, after: str) -> None:
    """Raises CmpBundleError where another program has the port of ``after``, and Asterisk that of ``before``.

    It would be told by trying; but where a reload could not have its port, the next one, which puts things
    back, may end any thread of Asterisk's (``desc->master`` of main/tcptls.c).
    """
    old, new = (int(address.rpartition(":")[2]) for address in (before, after))
    programs = sockets.listeners(sockets.seen(), {old, new})
    # Another's ports are not this machine's: a container's.
    is_here = old in programs and programs[old].name.startswith("asterisk")
    if is_here and new != old and new in programs:
        raise CmpBundleError(
            "T108",
            f"HTTPS stays at {before}: {programs[new]} has the port of {after}",
            hint="end it, or take another port: [provision] https_address",
        )


def with_certificate(context: Context, wanted: Listener) -> Listener:
    """``wanted`` with a new certificate of the authority. Raises CmpBundleError."""
    issued = _issued(context)
    return Listener(wanted.address, issued.pem, issued.der)


def _against(context: Context, found: Found) -> Finding | None:
    """What browsers have against the certificate that is there, or people by the name they use."""
    if found.pair.first is not None:
        return found.pair.first
    there = installed_certificate.leaf_there(found)
    host = given_certificate.site_host(context)
    path = found.our_folder / CERTIFICATE
    missing = certificate_change.fewer_names(there, path, (host,)) if there and host else None
    if missing is None or not _is_renewed_here(context, found):
        return missing
    return replace(missing, hint="to have one for it: cmp-bundle provision --update")


def _is_renewed_here(context: Context, found: Found) -> bool:
    """Whether the authority here signed it, or nobody can tell who did."""
    there = installed_certificate.leaf_there(found)
    authority = authority_in(folder_of(context, None), now())
    return there is None or (authority is not None and authority.anchor.signed(there.certificate))


def _given(context: Context, pair: tuple[Path, Path]) -> Leaf:
    given = given_certificate.read(pair)
    host = given_certificate.site_host(context)
    fewer = certificate_change.fewer_names(given, pair[0], (host,)) if host else None
    for one in (*given_certificate.worth_a_word(given, pair[0]), *((fewer,) if fewer else ())):
        context.reporter.found(one)
    return given


def _issued(context: Context) -> Leaf:
    folder = folder_of(context, None)
    hosts = tuple(dict.fromkeys(_hosts(context)))
    disk = Disk()
    before = authority_in(folder, now())
    authority = before or ensure(folder, hosts, now(), disk)
    tell_if_fresh(context, authority)
    if authority.fresh:
        context.reporter.note(
            "browsers on other devices warn until they trust it: cmp-bundle certs ca --export FILE;"
            f" the steps on each device: {DEVICES}"
        )
    bounds = authority.anchor.bounds
    allowed = tuple(host for host in hosts if bounds.allow(host))
    left_out = [str(host) for host in hosts if host not in allowed]
    if left_out:
        context.reporter.note(
            f"the certificate is not for {', '.join(left_out)}: the authority here cannot sign for"
            f" that; {leaf.wider(*(h for h in hosts if h not in allowed))}"
        )
    return leaf.issue(authority, allowed, now())


def _hosts(context: Context) -> list[Host]:
    """What people may call this server: the name in the settings, the machine's, its addresses."""
    named = given_certificate.site_host(context)
    here = [parsed(text) for text in machine.to_serve(everywhere=True)]
    return [named, *here] if named else here


def _address(context: Context) -> str:
    """Everywhere; with IPv6 where the server's name has such an address."""
    named = given_certificate.site_host(context)
    has_ipv6 = machine.has_ipv6(str(named) if named else None)
    return "[::]:8089" if has_ipv6 else "0.0.0.0:8089"
