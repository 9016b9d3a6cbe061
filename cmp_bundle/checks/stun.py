"""Messages of STUN (RFC 8489 sections 5 and 14), as far as a question and whose answer it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Methods with their class: a binding request, its answer and its refusal.
REQUEST: Final = 0x0001
ANSWER: Final = 0x0101
REFUSAL: Final = 0x0111

#: Bytes of a header, before the attributes.
HEAD: Final = 20

_COOKIE: Final = 0x2112A442.to_bytes(4, "big")


def request(number: bytes, attributes: bytes = b"", more: int = 0) -> bytes:
    """A binding request. ``number`` are the 12 bytes that its answer repeats, ``more`` the bytes of
    attributes that will follow and count already.
    """
    length = len(attributes) + more
    return REQUEST.to_bytes(2, "big") + length.to_bytes(2, "big") + _COOKIE + number + attributes


def attribute(kind: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value + padding


def head(packet: bytes) -> tuple[int, bytes] | None:
    """The method and the number of a message; None where ``packet`` is none."""
    if len(packet) < HEAD or packet[4:8] != _COOKIE:
        return None
    return int.from_bytes(packet[:2], "big"), packet[8:HEAD]


def attributes(packet: bytes) -> Iterator[tuple[int, bytes]]:
    """The kinds and values of a message's attributes."""
    place = HEAD
    while place + 4 <= len(packet):
        kind = int.from_bytes(packet[place : place + 2], "big")
        length = int.from_bytes(packet[place + 2 : place + 4], "big")
        yield kind, packet[place + 4 : place + 4 + length]
        place += 4 + length + -length % 4
