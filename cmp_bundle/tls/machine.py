"""What this machine is called, and at which addresses it can be reached."""

from __future__ import annotations

import ctypes
import ipaddress
import platform
import socket
import sys
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.hosts import Host, host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.tls.hosts import Address

#: What a browser on this very machine asks for.
LOCAL = ("localhost", "127.0.0.1", "::1")


def names() -> tuple[Host, ...]:
    """The machine's own name, as the shell prompt shows it and as mDNS announces it.

    A name that no certificate can have, such as ``my-host-``, is left out.
    """
    node = platform.node()
    short = node.partition(".")[0]
    return tuple(dict.fromkeys(_possible((node, short, f"{short}.local"))))


def addresses() -> tuple[Host, ...]:
    """Those of all interfaces that another machine could use: neither loopback nor link-local."""
    usable = (a for a in _of_interfaces() if not a.is_loopback and not a.is_link_local)
    return tuple(dict.fromkeys(host(str(a)) for a in usable))


def address_towards(other: str) -> str | None:
    """The address with which this machine would ask ``other``, an IPv4 address; None without a way
    there. Nothing is sent.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        try:
            tried.connect((other, 9))
        except OSError:
            return None
        found: str = tried.getsockname()[0]
    return found


def has_ipv6(name: str | None) -> bool:
    """Whether ``name``, else this machine's own, leads other machines to an IPv6 address."""
    try:
        found = socket.getaddrinfo(
            name or platform.node(), None, socket.AF_INET6, socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        return False
    addresses = (ipaddress.ip_address(str(f[4][0]).partition("%")[0]) for f in found)
    return any(not (a.is_loopback or a.is_link_local) for a in addresses)


def to_serve(*, everywhere: bool) -> tuple[str, ...]:
    """Whom the certificate of a server on this machine should be for.

    ``everywhere`` adds the addresses, for a server that listens on all of them.
    """
    found = (*names(), *(addresses() if everywhere else ()))
    return (*LOCAL, *(str(h) for h in found if str(h) not in LOCAL))


def _possible(texts: tuple[str, ...]) -> Iterator[Host]:
    for text in texts:
        try:
            found = host(text)
        except CmpBundleError:
            continue
        if found.address is None:
            yield found


class _Interface(ctypes.Structure):
    """The beginning of ``struct ifaddrs``, which is the same on every system that has it."""

    _fields_ = (
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("flags", ctypes.c_uint),
        ("address", ctypes.c_void_p),
    )


def _of_interfaces() -> Iterator[Address]:
    # The standard library resolves names but does not list addresses, and what the machine's own
    # name resolves to is 127.0.1.1 on Debian. Why not a library: docs/decisions/0016.
    library = ctypes.CDLL(None, use_errno=True)
    first = ctypes.c_void_p()
    if library.getifaddrs(ctypes.byref(first)) != 0:
        return
    try:
        current = first.value
        while current:
            entry = _Interface.from_address(current)
            found = _address_at(entry.address)
            if found is not None:
                yield found
            current = entry.next
    finally:
        library.freeifaddrs(first)


def _address_at(pointer: int | None) -> Address | None:
    """The address of a ``struct sockaddr``; None for another family."""
    if not pointer:
        return None
    head = ctypes.string_at(pointer, 2)
    # The BSDs, and so macOS, have a byte of length before a byte of family.
    family = int.from_bytes(head, sys.byteorder) if sys.platform == "linux" else head[1]
    if family == socket.AF_INET:
        return ipaddress.IPv4Address(ctypes.string_at(pointer + 4, 4))
    if family == socket.AF_INET6:
        return ipaddress.IPv6Address(ctypes.string_at(pointer + 8, 16))
    return None
