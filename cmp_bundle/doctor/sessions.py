"""Asterisk's web sessions: each page that is loaded and each phone that is open takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.doctor.evidence import Machine

if TYPE_CHECKING:
    from cmp_bundle.asterisk.http_conf import HttpServer
    from cmp_bundle.doctor.evidence import Missing


def in_use(server: HttpServer, machine: Machine | Missing) -> int | None:
    """How many are taken now; None where that cannot be seen from here."""
    if not isinstance(machine, Machine):
        return None
    ports = {one.port for one in (server.address, server.tls_address) if one is not None}
    if not any(
        port in machine.listeners and machine.listeners[port].name.startswith("asterisk")
        for port in ports
    ):
        return None
    found = [machine.connections[port] for port in ports if port in machine.connections]
    return sum(one.open + one.left for one in found)


def is_full(server: HttpServer, machine: Machine | Missing) -> bool:
    """Whether it turns away whoever comes now."""
    used = in_use(server, machine)
    return used is not None and used >= server.session_limit
