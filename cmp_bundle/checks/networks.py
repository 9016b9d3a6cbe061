"""From which addresses a list of rules lets phones in."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Where a proxy on this machine comes from, and its test calls.
LOOPBACK = ipaddress.ip_address("127.0.0.1")

#: Somewhere in the Internet (TEST-NET-3): what covers it covers everybody.
ANYWHERE = ipaddress.ip_address("203.0.113.7")


class NetworkRule(NamedTuple):
    allow: bool
    network: Network


def network(text: str) -> Network | None:
    """An address, or one with a mask of either form; None for all else, such as a host's name."""
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def allows(rules: Iterable[NetworkRule], address: Address) -> bool:
    """``ast_apply_ha`` of main/acl.c: the last rule that fits counts, and everybody may where none does."""
    allowed = True
    for rule in rules:
        if rule.network.version == address.version and address in rule.network:
            allowed = rule.allow
    return allowed


def allows_nobody(rules: Sequence[NetworkRule]) -> bool:
    """Whether no IPv4 address is let in: none at either end of any rule's network, nor beside it."""
    edges = {ANYWHERE, LOOPBACK}
    for rule in rules:
        if isinstance(rule.network, ipaddress.IPv4Network):
            first, last = int(rule.network[0]), int(rule.network[-1])
            beside = (n for n in (first - 1, first, last, last + 1) if 0 <= n < 1 << 32)
            edges |= {ipaddress.IPv4Address(n) for n in beside}
    return not any(allows(rules, address) for address in edges)
