"""Certificate and TLS listener."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.checks import http_conf
from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Live, Written
    from cmp_bundle.doctor.reach import Reached
    from cmp_bundle.findings import Finding


def listener(written: Written) -> Iterator[Finding]:
    server = written.configured.server
    found = http_conf.https_off(
        server,
        written.configured.path("http.conf"),
        proxied=bool(written.configured.our_http.plain),
    )
    if found is not None:
        yield found


def port(live: Live, written: Written) -> Iterator[Finding]:
    if live.http.unbound:
        address = written.configured.server.tls_address
        yield finding(
            "T108",
            f"Asterisk could not listen on {address} for HTTPS: another program has that port",
            hint=f"see which: ss -ltnp 'sport = :{address.port if address else 8089}'; end it, then"
            " asterisk -rx 'core restart gracefully'",
            seen="HTTPS Server Enabled and Bound to (null)",
        )


def pair(written: Written) -> Iterator[Finding]:
    """What Asterisk would load now."""
    found = written.configured.pair.first
    if found is not None:
        yield found


def handshake(inside: Reached) -> Iterator[Finding]:
    if inside.stopped is Part.TLS:
        yield finding(
            "tls-failed",
            f"{inside.base} takes connections and ends them in the TLS handshake",
            hint="see what Asterisk has against its certificate: asterisk -rx 'module reload http', and"
            " its log",
            seen=inside.trouble,
        )


CHECKS = (
    Check(("T101",), ("written",), listener),
    Check(("T108",), ("live", "written"), port),
    Check(
        ("T103", "T104", "T105", "T106", "T107", "T116", "T118", "T120", "T110", "T111"),
        ("written",),
        pair,
    ),
    Check(("T102",), ("inside",), handshake),
)
