"""The TLS listener: whether there is one, whose it is, and whether handshakes come to an end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.reloads import HTTP, RESTART
from cmp_bundle.checks import http_conf
from cmp_bundle.doctor.addresses import is_loopback
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Machine, Missing, Written
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.doctor.sessions import is_full
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.http_conf import HttpServer
    from cmp_bundle.doctor.evidence import Live
    from cmp_bundle.findings import Finding
    from cmp_bundle.places import Place


#: What OpenSSL says where both sides have no version, or no cipher, in common.
_TOO_NARROW = (
    "UNSUPPORTED_PROTOCOL",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "NO_SHARED_CIPHER",
)


def listener(
    written: Written,
    live: Live | Missing,
    inside: Reached | Missing,
    machine: Machine | Missing,
    outside: Reached | Missing,
) -> Iterator[Finding | Unknown]:
    """Whether HTTPS is on by the files, and whether the running server has read them."""
    server, configured = written.configured.server, written.configured
    file = configured.path("http.conf")
    # Behind a proxy that has the certificate, what is off is the web server: H101.
    proxied = bool(configured.our_http.plain) or (
        isinstance(outside, Reached) and bool(outside.tls)
    )
    found = None if proxied else http_conf.https_off(server, file)
    if found is not None and isinstance(outside, Missing) and _for_a_proxy(server):
        yield Unknown(
            "T101",
            f"Asterisk has plain HTTP for this machine alone, {server.address}; whether a proxy in front has a"
            " certificate shows at the public address: --url https://HOST",
        )
    elif found is not None:
        yield replace(found, place=_line(written) or found.place)
    elif (
        server.tls_address is not None
        and isinstance(inside, Reached)
        and inside.stopped is Part.NAME
        and not isinstance(live, Missing)
        and not live.http.unbound
        and configured.pair.hindrance is None
        and not _taken_by(server.tls_address.port, machine)
    ):
        yield finding(
            "T101",
            f"http.conf enables HTTPS on {server.tls_address}, but the running Asterisk has not read"
            " that: nobody listens there",
            _line(written),
            f"have it read again: touch {file}; {HTTP}",
            seen=inside.trouble.removeprefix("port: "),
        )


def _for_a_proxy(server: HttpServer) -> bool:
    return server.address is not None and is_loopback(server.address)


def _line(written: Written) -> Place | None:
    origin = written.configured.server.origins.get("tls_enabled")
    return origin.place if origin else None


def port(
    live: Live, written: Written, inside: Reached | Missing, machine: Machine | Missing
) -> Iterator[Finding]:
    """A server of HTTPS alone says nothing of a port that it could not have; then who has it tells.

    It is not to be reloaded: after a reload that could not have the port, the next one ends whichever thread
    has the number of the one that listened before (``desc->master`` of main/tcptls.c). That may be the one
    that carries it out, and nothing can be reloaded any more (seen on 22).
    """
    server = written.configured.server
    address = server.tls_address
    if address is None or written.configured.pair.hindrance is not None:
        return
    owner = _taken_by(address.port, machine)
    works = isinstance(inside, Reached) and inside.websocket is not None and inside.websocket.open
    if not live.http.unbound and (not owner or works):
        return
    line = server.origins.get("tls_address")
    yield finding(
        "T108",
        f"Asterisk could not listen on {address} for HTTPS: another program has that port"
        + (f": {owner}" if owner else ""),
        line.place if line else None,
        f"see which: ss -ltnp 'sport = :{address.port}'; end it, then start Asterisk anew, as reloading it"
        f" now may freeze it: {RESTART}",
        seen="HTTPS Server Enabled and Bound to (null)"
        if live.http.unbound
        else f"{owner} listens",
    )


def _taken_by(number: int, machine: Machine | Missing) -> str:
    """The program that listens there where it is surely not Asterisk; empty where that is not known."""
    owner = machine.listeners.get(number) if isinstance(machine, Machine) else None
    return "" if owner is None or owner.name.startswith("asterisk") else str(owner)


def handshake(
    inside: Reached, written: Written | Missing, machine: Machine | Missing
) -> Iterator[Finding]:
    """Connections that end in the handshake, although what Asterisk would load now is good: it still
    has what it could not use. It looks again only once http.conf has another time (seen on 16, 22).
    """
    if inside.stopped is not Part.TLS:
        return
    configured = written.configured if isinstance(written, Written) else None
    address = configured.server.tls_address if configured else None
    owner = _taken_by(address.port, machine) if address else ""
    if (
        configured is not None
        and configured.pair.first is None
        and configured.pair.chain
        and not owner
        and not is_full(configured.server, machine)
    ):
        file = configured.path("http.conf")
        yield finding(
            "T102",
            f"Asterisk still has a certificate or key that OpenSSL refused when it was loaded; what"
            f" {configured.pair.file} holds now is good",
            None,
            f"have it loaded: touch {file}; {HTTP}",
            seen=inside.trouble,
        )
    else:
        yield _ends(inside)


def _ends(reached: Reached) -> Finding:
    return finding(
        "tls-failed",
        f"{reached.base} takes connections and ends them in the TLS handshake",
        hint=f"see what Asterisk has against its certificate: {HTTP}, and its log",
        seen=reached.trouble,
    )


def from_outside(outside: Reached, inside: Reached | Missing) -> Iterator[Finding | Unknown]:
    """The handshake at the public address, where the server itself does not fail in the same way."""
    if outside.stopped is not Part.TLS:
        return
    if isinstance(inside, Reached) and inside.stopped is not None:
        return
    words = outside.trouble.upper().replace(" ", "_")
    if any(reason in words for reason in _TOO_NARROW):
        yield finding(
            "T116",
            f"{outside.base} speaks no version of TLS, or has no cipher, that browsers of today take",
            hint="let it speak TLS 1.2 and 1.3 with its own list of ciphers",
            seen=outside.trouble,
        )
    elif "WRONG_VERSION_NUMBER" in words:
        yield finding(
            "tls-failed",
            f"{outside.base} speaks something else than TLS: plain HTTP has another port",
            hint="name the port of HTTPS, 8089 where nobody chose another",
            seen=outside.trouble,
        )
    else:
        yield _ends(outside)


CHECKS = (
    Check(("T101",), ("written",), listener, also=("live", "inside", "machine", "outside")),
    Check(("T108",), ("live", "written"), port, also=("inside", "machine")),
    Check(("T102",), ("inside",), handshake, also=("written", "machine")),
    Check((), ("outside",), from_outside, also=("inside",)),
)
