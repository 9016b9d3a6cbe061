"""Whether a STUN server answers."""

from __future__ import annotations

import secrets
import socket
import time
from typing import Final

#: Seconds in all; it is asked as often. Asterisk asks three times, for three seconds each.
_PATIENCE: Final = 3
_COOKIE: Final = 0x2112A442.to_bytes(4, "big")
_ANSWER: Final = 0x0101.to_bytes(2, "big")
_HEAD: Final = 20


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
    request = b"\x00\x01\x00\x00" + _COOKIE + number
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
            if (
                len(answer) >= _HEAD
                and answer[:2] == _ANSWER
                and answer[4:_HEAD] == _COOKIE + number
            ):
                return True
    return False
