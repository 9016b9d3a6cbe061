"""Whether a STUN server answers."""

from __future__ import annotations

import secrets
import socket
import time
from typing import Final

from cmp_bundle.checks import stun as messages

#: Seconds in all; it is asked as often. Asterisk asks three times, for three seconds each.
_PATIENCE: Final = 3


def answers(server: str) -> bool | None:
    """Whether ``server``, ``address:port`` in numbers as Asterisk tells it, answers a binding request
    (RFC 8489 section 6) that is sent from here. None where ``server`` is none.
    """
    host, _, port = server.rpartition(":")
    if not host or not port.isdecimal():
        return None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as ours:
            ours.connect((host.strip("[]"), int(port)))
            return _asked(ours)
    except (OSError, OverflowError):
        return False


def _asked(ours: socket.socket) -> bool:
    number = secrets.token_bytes(12)
    request = messages.request(number)
    end = time.monotonic() + _PATIENCE
    for left in range(_PATIENCE, 0, -1):
        ours.send(request)
        until = end - left + 1
        while (rest := until - time.monotonic()) > 0:
            ours.settimeout(rest)
            try:
                answer = ours.recv(2048)
            except TimeoutError:
                break
            if messages.head(answer) == (messages.ANSWER, number):
                return True
    return False
