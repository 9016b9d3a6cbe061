"""What this machine tells beside Asterisk."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.doctor import service, sockets
from cmp_bundle.doctor.evidence import Machine
from cmp_bundle.doctor.reach import addresses_of
from cmp_bundle.provision import firewalls, system_program

if TYPE_CHECKING:
    from collections.abc import Collection

_ROOT = Path("/")
#: Seconds for this machine's own name: Asterisk waits no longer in a call.
_LOOKING_UP = 5.0
#: Addresses that are told of.
_MOST = 1000


def machine(
    ports: Collection[int] = (), addresses: Collection[str] = (), root: Path = _ROOT
) -> Machine:
    """``ports`` are those of Asterisk's web server, ``addresses`` those of its public name, ``root`` is
    what it takes for ``/``.
    """
    name = socket.gethostname()
    try:
        addresses_of(name, 0, _LOOKING_UP)
        resolves = True
    except OSError:
        resolves = False
    found = sockets.seen()
    return Machine(
        name,
        resolves,
        firewalls.at_work(firewalls.look()),
        own=frozenset(filter(sockets.is_own, addresses)),
        listeners=sockets.listeners(found, ports),
        connections=sockets.connections(found, ports),
        banned=_banned(),
        service=service.service(root),
        refused=service.refused(),
    )


def _banned() -> tuple[str, ...] | None:
    """By the jails of fail2ban whose names have Asterisk's in them."""
    status = system_program.answer("fail2ban-client", "status")
    if status is None:
        return None
    found: list[str] = []
    for jail in jails(status):
        found += banned(system_program.answer("fail2ban-client", "status", jail) or "")
    return tuple(dict.fromkeys(found))[:_MOST]


def jails(text: str) -> list[str]:
    """Those of ``fail2ban-client status`` that watch over Asterisk."""
    found = re.search(r"Jail list:\s*(.*)", text)
    names = [name.strip() for name in found[1].split(",")] if found else []
    return [name for name in names if "asterisk" in name.lower()]


def banned(text: str) -> list[str]:
    """The addresses that ``fail2ban-client status JAIL`` lists."""
    found = re.search(r"Banned IP list:[ \t]*(.*)", text)
    return found[1].split() if found else []
