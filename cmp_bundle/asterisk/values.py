"""What a value means to Asterisk: yes or no, a number, an address to listen on."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from cmp_bundle.asterisk.lines import encoded

_YES = frozenset(("yes", "true", "y", "t", "1", "on"))

#: What strtol(3) takes with a base of 0: hexadecimal, octal, decimal.
_INTEGER = re.compile(r"\s*([+-]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]{0,18}))", re.ASCII)

_HOST_NAME = re.compile(r"[0-9A-Za-z_][-.0-9A-Za-z_]*")
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True)
class Address:
    """Where a server listens. ``host`` is a numeric address without brackets, or a name."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_true(value: str) -> bool:
    """``ast_true`` of main/utils.c: everything that is no yes is a no."""
    return value.lower() in _YES


def integer(value: str, low: int, high: int) -> int | None:
    """A whole number from ``low`` to ``high`` as strtol(3) reads it; None for all else."""
    found = _INTEGER.fullmatch(value)
    if not found:
        return None
    sign, hexadecimal, octal, decimal = found.groups()
    if hexadecimal:
        number = int(hexadecimal, 16)
    elif decimal:
        number = int(decimal)
    else:
        number = int(octal or "0", 8)
    number = -number if sign == "-" else number
    return number if low <= number <= high else None


def numeric_address(value: str) -> Address | None:
    """``host:port`` without any names, the port 0 where there is none; None for all else.

    ``ast_sockaddr_parse`` of main/netsock2.c; like there, the C library decides what a number is,
    and knows short forms: 127.1 is 127.0.0.1.
    """
    host, port = _split(value)
    try:
        found = socket.getaddrinfo(
            encoded(host),
            port,
            type=socket.SOCK_DGRAM,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
    except (OSError, ValueError):
        return None
    address = found[0][4]
    return Address(str(address[0]), int(address[1]))


def listening_address(value: str) -> Address | None:
    """The same, but the host may be a name, which is left for the server's resolver to find.

    ``ast_sockaddr_resolve`` would take a name for the port as well; here that is None.
    """
    found = numeric_address(value)
    if found is not None:
        return found
    host, port = _split(value)
    if _HOST_NAME.fullmatch(host) and _PORT.fullmatch(port or "0"):
        return Address(host, int(port or "0"))
    return None


def _split(value: str) -> tuple[str, str | None]:
    """``ast_sockaddr_split_hostport``: brackets, or no more than one colon."""
    if value.startswith("["):
        host, bracket, rest = value[1:].partition("]")
        return host, rest[1:] if bracket and rest.startswith(":") else None
    if value.count(":") == 1:
        host, _, port = value.partition(":")
        return host, port
    return value, None
