"""The name, its addresses, and what stands before the port: firewalls, routers, bans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.reloads import HTTP
from cmp_bundle.doctor.addresses import Space, is_loopback, is_private, serves, space
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Machine, Missing, Written
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import finding
from cmp_bundle.provision.firewall import Range
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.http_conf import HttpServer
    from cmp_bundle.asterisk.values import Address
    from cmp_bundle.findings import Finding
    from cmp_bundle.provision.firewall import Firewall

_HTTPS: Final = 8089


def name(outside: Reached) -> Iterator[Finding | Unknown]:
    if outside.stopped is not Part.NAME or outside.addresses:
        return
    words = outside.trouble.removeprefix("name: ")
    if outside.no_such_name:
        yield finding(
            "N101",
            f"the name {outside.host} has no address, as seen from here",
            hint="correct it ([site] url), or add it to the DNS: an A record, and AAAA for IPv6 alone",
            seen=words,
        )
    else:
        yield Unknown("N101", f"{outside.host} cannot be looked up from here: {words}", Part.NAME)
        yield finding(
            "name-unknown",
            f"{outside.host} cannot be looked up from here",
            hint="see whether this machine has a DNS server that answers: getent hosts"
            f" {outside.host}; /etc/resolv.conf",
            seen=words,
        )


def families(outside: Reached) -> Iterator[Finding]:
    """Addresses of a name, some of which lead nowhere: whoever comes by one of those alone is lost."""
    if not outside.connected or not outside.failed:
        return
    if all(space(address) is Space.LOOPBACK for address in outside.addresses):
        return
    # Where this machine has no way of a family, that says nothing of others.
    lost = [one for one in outside.failed if one.refused]
    if not lost:
        return
    yield finding(
        "N102",
        f"{outside.host} leads to {some([one.address for one in lost])} as well, where nobody listens: from networks that come"
        " that way, the phone does not open",
        hint="let Asterisk listen there too (tlsbindaddr = [::]:8089 is IPv4 and IPv6), or take the"
        " address out of the DNS",
        seen="; ".join(map(str, lost)),
    )


def port(
    outside: Reached,
    inside: Reached | Missing,
    written: Written | Missing,
    machine: Machine | Missing,
) -> Iterator[Finding | Unknown]:
    """A name that leads to a port where nobody answers, although Asterisk itself does."""
    if outside.stopped is not Part.NAME or not outside.addresses:
        return
    if isinstance(inside, Missing) and inside.broken is not None:
        yield from (Unknown(code, inside.reason, inside.broken) for code in ("N103", "N108"))
        return
    if isinstance(inside, Reached) and inside.stopped in (Part.NAME, Part.TLS):
        yield from (Unknown(c, inside.trouble, Part.TLS) for c in ("N103", "N108"))
        return
    server = written.configured.server if isinstance(written, Written) else None
    listener = server.tls_address if server else None
    if server and listener and listener.port == outside.port:
        reached = [one for one in outside.addresses if serves(listener, one)]
        own = machine.own if isinstance(machine, Machine) else frozenset()
        if not reached and (is_loopback(listener) or own.issuperset(outside.addresses)):
            yield _elsewhere(outside, server, listener)
            return
    yield _nobody(outside)


def _elsewhere(outside: Reached, server: HttpServer, listener: Address) -> Finding:
    line = server.origins.get("tls_address") or server.origins.get("address")
    wide = "[::]" if any(":" in one for one in outside.addresses) else "0.0.0.0"  # noqa: S104
    return finding(
        "N108",
        f"Asterisk listens on {listener} alone, and {outside.host} leads to {some(outside.addresses)}",
        line.place if line else None,
        f"write tlsbindaddr = {wide}:{listener.port} into [general] of http.conf; then {HTTP}",
        seen=outside.trouble.removeprefix("port: "),
    )


def _nobody(outside: Reached) -> Finding:
    seen = outside.trouble.removeprefix("port: ")
    if any(one.refused for one in outside.failed):
        return finding(
            "port-refused",
            f"nobody listens at port {outside.port} of {outside.host} ({some(outside.addresses)})",
            hint="see whether the address is the server's, whether a router forwards the port to it, and"
            " whether a proxy that should have it runs",
            seen=seen,
        )
    return finding(
        "port-silent",
        f"nothing answers at port {outside.port} of {outside.host} ({some(outside.addresses)})",
        hint=f"see whether the address is the server's, and let firewalls and routers on the way pass"
        f" {outside.port}/tcp on",
        seen=seen,
    )


def bound(written: Written, outside: Reached | Missing) -> Iterator[Unknown]:
    """An Asterisk that only this machine can come to, with nobody known who stands in front."""
    listener = written.configured.server.tls_address
    if listener is not None and is_loopback(listener) and isinstance(outside, Missing):
        yield Unknown(
            "N108",
            f"Asterisk listens on {listener} alone; whether a proxy passes on to it shows at the public"
            " address: --url https://HOST",
        )


def firewall(
    machine: Machine, written: Written | Missing, outside: Reached | Missing
) -> Iterator[Finding | Unknown]:
    """What this machine's own lets in. From here to here nothing passes it, so its rules have to tell."""
    found = machine.firewall
    if found is None or not isinstance(written, Written):
        return
    listener = written.configured.server.tls_address
    public = outside.port if isinstance(outside, Reached) else None
    if listener is None or (is_loopback(listener) and public is None):
        return
    number = public or listener.port
    one = Range("tcp", number, number)
    passes = found.passes(one)
    here = machine.listeners.get(listener.port)
    directly = here is not None and here.name.startswith("asterisk") and number == listener.port
    if passes is False and directly:
        yield _shut(found, one)
    elif not passes:
        reason = (
            f"{found} is at work here, and from its rules alone it cannot be told whether {one} gets in;"
            f" from another machine: cmp-bundle doctor --url https://HOST:{number}"
        )
        yield Unknown("N103", reason)


def _shut(found: Firewall, one: Range) -> Finding:
    by_hand = {
        "firewalld": f"firewall-cmd --permanent --add-port={one}; firewall-cmd --reload",
        "ufw": f"ufw allow {one}",
        "nftables": f"a rule with tcp dport {one.numbers} accept before the one that drops",
    }
    return finding(
        "N103",
        f"{found.kind}, the firewall of this machine, lets nobody in by {one}",
        hint=f"cmp-bundle provision --firewall, or {by_hand[found.kind]}",
        seen=f"no rule of {found.kind} accepts {one}",
    )


def from_elsewhere(
    machine: Machine | Missing, outside: Reached | Missing
) -> Iterator[Finding | Unknown]:
    """Whether routers and a provider's firewall let people through, which shows from elsewhere alone."""
    if isinstance(outside, Missing):
        yield Unknown("N104", outside.reason, outside.broken)
        return
    away = isinstance(machine, Missing)
    if away and outside.connected:
        return
    url = outside.base
    yield Unknown(
        "N104",
        f"whether people elsewhere get through shows there: cmp-bundle doctor --url {url} on another machine"
        if not away
        else f"nothing answers at {url}, and from here it cannot be seen where on the way it is lost",
        Part.NAME if away else None,
    )


def spaces(outside: Reached) -> Iterator[Finding]:
    """Since Chrome 142, and for WebSockets 147, a page of the internet is asked about before it goes to
    a local network. Page and socket have one name, so only one with addresses of both kinds does that.
    """
    found = {space(address) for address in outside.addresses}
    if len(found) > 1:
        kinds = ", ".join(f"{one} ({space(one).value})" for one in outside.addresses)
        yield finding(
            "N105",
            f"{outside.host} has addresses of different networks: {kinds}; Chrome and Edge may ask whether"
            " the page may find devices on the local network",
            hint="give the name addresses of one kind alone, or let people allow it",
        )


def bans(machine: Machine) -> Iterator[Finding | Unknown]:
    """Scanners of the internet are banned all the time; a local address is somebody's of the house."""
    if not machine.banned:
        return
    seen = f"Banned IP list: {' '.join(machine.banned[:5])}"
    local = [one for one in machine.banned if is_private(one) or one in machine.own]
    if local:
        yield finding(
            "N106",
            f"fail2ban keeps {some(local)} away from Asterisk, and all phones that come from there",
            hint=f"fail2ban-client set asterisk unbanip {local[0]}; for good: ignoreip in jail.local",
            seen=seen,
        )
    else:
        yield Unknown(
            "N106",
            f"fail2ban keeps {some(machine.banned)} away from Asterisk; whether one of these is that of an"
            " office only people there know",
        )


def restrictions(
    written: Written, inside: Reached | Missing, outside: Reached | Missing
) -> Iterator[Finding | Unknown]:
    """``type = restriction`` of http.conf, obeyed since 20.19, 22.9 and 23.3."""
    server = written.configured.server
    socket = f"{server.prefix}/ws"
    reached = [one for one in (inside, outside) if isinstance(one, Reached)]
    for one in server.restrictions:
        about = [
            path
            for path in (socket, *(f"{r.page}" for r in reached[:1]), f"{server.prefix}/static/")
            if path.startswith(one.path.rstrip("/"))
        ]
        if not about or not any(rule.name.lower() == "deny" for rule in one.rules):
            continue
        refused = [r for r in reached if r.websocket is not None and r.websocket.status == 403]  # noqa: PLR2004
        rules = ", ".join(f"{rule.name} = {rule.value}" for rule in one.rules)
        if refused and socket in about:
            yield finding(
                "N107",
                f"http.conf lets not everybody ask for {one.path}, so phones are refused ({rules})",
                one.origin,
                f"permit the networks that phones come from, or take the section out; then {HTTP}",
                seen=f"{refused[0].base}{socket} answers 403",
            )
            return
        yield Unknown(
            "N107",
            f"http.conf ({one.origin}) lets not everybody ask for {one.path} ({rules}); whether phones come"
            " from where it is permitted, nobody can tell here",
        )


CHECKS = (
    Check(("N101",), ("outside",), name),
    Check(("N102",), ("outside",), families),
    Check((), ("outside",), port, also=("inside", "written", "machine")),
    Check(("N103",), ("machine",), firewall, also=("written", "outside")),
    Check(("N104",), (), from_elsewhere, also=("machine", "outside")),
    Check(("N105",), ("outside",), spaces),
    Check(("N106",), ("machine",), bans),
    Check(("N107",), ("written",), restrictions, also=("inside", "outside")),
    Check(("N108",), ("written",), bound, also=("outside",)),
)
