"""What this machine tells beside Asterisk."""

from __future__ import annotations

import socket

from cmp_bundle.doctor.evidence import Machine
from cmp_bundle.provision import firewalls


def machine() -> Machine:
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
        resolves = True
    except OSError:
        resolves = False
    return Machine(name, resolves, firewalls.at_work(firewalls.look()))
