"""Control packets, read and written (RFC 3550, RFC 4585, RFC 5104, and the REMB draft)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SENDER: Final = 200
_RECEIVER: Final = 201
_DESCRIPTION: Final = 202
_TRANSPORT_FEEDBACK: Final = 205
_PAYLOAD_FEEDBACK: Final = 206

_NACK: Final = 1
_PLI: Final = 1
_FIR: Final = 4
_REMB: Final = 15

_BLOCK: Final = 24
_CNAME: Final = b"practice"


@dataclass(frozen=True)
class SenderReport:
    """``timestamps`` is the wall clock as NTP counts it (8 bytes), ``sent`` packets and bytes."""

    ssrc: int
    wall: bytes
    timestamp: int
    sent: bytes


@dataclass(frozen=True)
class Reception:
    """How well the packets of ``ssrc`` arrive: a report block, ``highest`` taken out of it."""

    ssrc: int
    lost: bytes
    highest: int
    rest: bytes


@dataclass(frozen=True)
class Lost:
    """A NACK: sequence numbers that are missed, each with a mask of those after it."""

    ssrc: int
    entries: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class PictureWanted:
    """A whole picture is asked for, as PLI or FIR."""

    ssrc: int


Report = SenderReport | Reception | Lost | PictureWanted


def read(data: bytes) -> list[Report]:
    """What is known of a compound packet; the rest of it is passed over."""
    found: list[Report] = []
    for count, kind, body in _packets(data):
        if kind == _SENDER and len(body) >= 24:  # noqa: PLR2004 its fixed part
            (timestamp,) = struct.unpack_from("!I", body, 12)
            found.append(SenderReport(_ssrc(body, 0), body[4:12], timestamp, body[16:24]))
            found += _receptions(body[24:], count)
        elif kind == _RECEIVER:
            found += _receptions(body[4:], count)
        elif kind == _TRANSPORT_FEEDBACK and count == _NACK and len(body) >= 12:  # noqa: PLR2004 one entry
            whole = body[8 : 8 + (len(body) - 8) // 4 * 4]
            found.append(Lost(_ssrc(body, 4), tuple(struct.iter_unpack("!HH", whole))))
        elif kind == _PAYLOAD_FEEDBACK and count == _PLI and len(body) >= 8:  # noqa: PLR2004 two sources
            found.append(PictureWanted(_ssrc(body, 4)))
        elif kind == _PAYLOAD_FEEDBACK and count == _FIR:
            # The sources stand in its entries (RFC 5104 section 4.3.1.1).
            found += (PictureWanted(_ssrc(body, at)) for at in range(8, len(body) - 7, 8))
    return found


def _packets(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Count or format, type, and what follows the header of each packet."""
    at = 0
    while at + 4 <= len(data):
        first, kind, words = struct.unpack_from("!BBH", data, at)
        end = at + 4 + words * 4
        if first >> 6 != 2 or end > len(data):  # noqa: PLR2004 the version
            return
        yield first & 0x1F, kind, data[at + 4 : end]
        at = end


def _receptions(blocks: bytes, count: int) -> Iterator[Reception]:
    for at in range(0, min(count * _BLOCK, len(blocks) // _BLOCK * _BLOCK), _BLOCK):
        (highest,) = struct.unpack_from("!I", blocks, at + 8)
        yield Reception(
            _ssrc(blocks, at), blocks[at + 4 : at + 8], highest, blocks[at + 12 : at + _BLOCK]
        )


def _ssrc(data: bytes, at: int) -> int:
    (value,) = struct.unpack_from("!I", data, at)
    return int(value)


def _packet(count: int, kind: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def sender_report(report: SenderReport) -> bytes:
    """With the description that every compound packet needs (RFC 3550 section 6.1)."""
    head = struct.pack("!I8sI8s", report.ssrc, report.wall, report.timestamp, report.sent)
    return _packet(0, _SENDER, head) + _description(report.ssrc)


def receiver_report(ssrc: int, receptions: Sequence[Reception] = ()) -> bytes:
    """From ``ssrc``, with its description; empty, it is what feedback has to follow."""
    blocks = b"".join(
        struct.pack("!I4sI12s", r.ssrc, r.lost, r.highest, r.rest) for r in receptions
    )
    count = len(receptions)
    return _packet(count, _RECEIVER, struct.pack("!I", ssrc) + blocks) + _description(ssrc)


def _description(ssrc: int) -> bytes:
    chunk = struct.pack("!IBB", ssrc, 1, len(_CNAME)) + _CNAME + b"\0"
    return _packet(1, _DESCRIPTION, chunk + b"\0" * (-len(chunk) % 4))


def picture_wanted(ssrc: int, source: int) -> bytes:
    """A PLI."""
    return _packet(_PLI, _PAYLOAD_FEEDBACK, struct.pack("!II", ssrc, source))


def lost(ssrc: int, nack: Lost) -> bytes:
    entries = b"".join(struct.pack("!HH", *entry) for entry in nack.entries)
    return _packet(_NACK, _TRANSPORT_FEEDBACK, struct.pack("!II", ssrc, nack.ssrc) + entries)


def bandwidth(ssrc: int, source: int, bits: int) -> bytes:
    """So many bits a second may be sent (REMB: 18 bits of mantissa, 6 of exponent)."""
    exponent = max(0, bits.bit_length() - 18)
    value = exponent << 18 | bits >> exponent
    body = struct.pack("!II4sII", ssrc, 0, b"REMB", 1 << 24 | value, source)
    return _packet(_REMB, _PAYLOAD_FEEDBACK, body)
