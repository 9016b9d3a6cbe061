"""The WebSocket that phones come through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.checks.websocket import no_transport
from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Live
    from cmp_bundle.doctor.reach import Reached
    from cmp_bundle.findings import Finding


def modules(live: Live) -> Iterator[Finding]:
    if not live.runs("res_http_websocket"):
        yield finding(
            "W101",
            "res_http_websocket.so is not loaded, so there is no WebSocket",
            hint="take its noload line out of modules.conf, and restart Asterisk: asterisk -rx 'core"
            " restart gracefully'",
            seen="module show like res_http_websocket: Not Running",
        )
    elif not live.runs("res_pjsip_transport_websocket"):
        yield no_transport(taken=live.runs("chan_sip"))


def upgrade(inside: Reached) -> Iterator[Finding]:
    if inside.stopped in (Part.WEB_SERVER, Part.WEBSOCKET):
        yield finding(
            "websocket-closed",
            f"{inside.base}{inside.path}, where phones connect to, {inside.trouble}",
            seen=inside.trouble,
        )


CHECKS = (
    Check(("W101", "W102", "W103"), ("live",), modules),
    Check((), ("inside",), upgrade),
)
