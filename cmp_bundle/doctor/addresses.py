"""Numeric addresses: whose networks they are, and which of them a listener serves."""

from __future__ import annotations

import enum
import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmp_bundle.asterisk.values import Address


class Space(enum.Enum):
    """The address spaces of Local Network Access: a page of one that goes to the other is asked about."""

    LOOPBACK = "this machine"
    LOCAL = "a local network"
    PUBLIC = "the internet"


_LOCAL_4 = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")
)
_LOCAL_6 = tuple(ipaddress.ip_network(text) for text in ("fc00::/7", "fe80::/10"))


def space(address: str) -> Space:
    """That of a numeric address. Raises ValueError."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback:
        return Space.LOOPBACK
    networks = _LOCAL_4 if isinstance(found, ipaddress.IPv4Address) else _LOCAL_6
    return Space.LOCAL if any(found in network for network in networks) else Space.PUBLIC


def serves(listener: Address, address: str) -> bool:
    """Whether what listens at ``listener`` is reached at ``address`` of the same machine."""
    if listener.host in ("0.0.0.0", ""):  # noqa: S104
        return ":" not in address
    return listener.host in ("::", address)


def is_loopback(listener: Address) -> bool:
    try:
        return space(listener.host) is Space.LOOPBACK
    except ValueError:
        return listener.host == "localhost"


def is_private(address: str) -> bool:
    try:
        return space(address) is not Space.PUBLIC
    except ValueError:
        return True  # a name of mDNS
