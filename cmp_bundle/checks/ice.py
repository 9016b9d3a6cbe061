"""Whether sound would get through: the first packets of a call, as a browser and Asterisk send them.

Each asks the other at the addresses that it named (ICE, RFC 8445 section 7); whichever packet arrives
first, the way is open. Nothing more is sent: no answer, no nomination, no media.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
import socket
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from cmp_bundle.checks import stun
from cmp_bundle.practice.media.sdp import SdpError, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp_bundle.checks.offer import Candidate
    from cmp_bundle.practice.media.sdp import Transport

#: Seconds until all are asked again, and in all.
_AGAIN: Final = 0.25
PATIENCE: Final = 1.5
#: Addresses that are asked: a server could name anybody's.
_MOST: Final = 6
#: Ports below are nobody's for sound.
_LOWEST: Final = 1024

#: Attributes of STUN (RFC 8489 section 14, RFC 8445 section 16).
_USERNAME: Final = 0x0006
_INTEGRITY: Final = 0x0008
_PRIORITY: Final = 0x0024
_FINGERPRINT: Final = 0x8028
_CONTROLLING: Final = 0x802A
_XOR: Final = 0x5354554E

#: That of a candidate of this machine's own, and of one that shows on the way (RFC 8445 section 5.1.2).
_OWN: Final = 126 << 24 | 65535 << 8 | 255
_ON_THE_WAY: Final = 110 << 24 | 65535 << 8 | 255


class IceEnd:
    """A UDP port of this machine, for one call. ``ufrag`` and ``password`` belong into the offer."""

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours
        self.ufrag = secrets.token_hex(4)
        self.password = secrets.token_hex(12)
        self._asked: set[bytes] = set()

    @classmethod
    def towards(cls, address: str) -> IceEnd | None:
        """One at the address of this machine from which ``address`` is reached; None where there is none."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as tried:
                tried.connect((address, _LOWEST))
                here = tried.getsockname()
            ours = socket.socket(family, socket.SOCK_DGRAM)
        except OSError:
            return None
        try:
            ours.setblocking(False)
            ours.bind((here[0], 0, *here[2:]))
        except OSError:
            ours.close()
            return None
        return cls(ours)

    def close(self) -> None:
        self._socket.close()

    @property
    def candidate(self) -> str:
        """As it stands behind ``a=``."""
        address, port = self._socket.getsockname()[:2]
        return f"candidate:1 1 udp {_OWN} {address.partition('%')[0]} {port} typ host"

    async def reached(self, description: str, named: Iterable[Candidate]) -> bool | None:
        """Whether a packet comes through, in PATIENCE seconds at the most, between here and one of the
        addresses that the answer ``description`` named. None where it named none that can be asked.
        """
        there = transport(description)
        targets = self._targets(named)
        if there is None or not targets:
            return None
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while (now := loop.time()) < end:
            request = self._request(there)
            for target in targets:
                with suppress(OSError):
                    self._socket.sendto(request, target)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(end, now + _AGAIN)):
                    await self._heard()
                    return True
        return False

    async def _heard(self) -> None:
        """Until a packet comes that is for this end."""
        loop, heard = asyncio.get_running_loop(), False
        while not heard:
            # Whoever sends all the time does not stop the clock.
            await asyncio.sleep(0)
            with suppress(OSError):  # what was sent before was refused
                heard = self._is_for_us(await loop.sock_recv(self._socket, 2048))

    def _targets(self, named: Iterable[Candidate]) -> list[tuple[str, int]]:
        here = ipaddress.ip_address(self._socket.getsockname()[0].partition("%")[0])
        found: dict[tuple[str, int], None] = {}
        for one in named:
            try:
                address = ipaddress.ip_address(one.address)
            except ValueError:
                continue  # a name of mDNS
            nobody = address.is_multicast or address.is_unspecified or address.is_link_local
            if (
                address.version == here.version
                and not nobody
                and (here.is_loopback or not address.is_loopback)
                and address != ipaddress.IPv4Address("255.255.255.255")
                and _LOWEST <= one.port < 1 << 16
            ):
                found[str(address), one.port] = None
        return list(found)[:_MOST]

    def _request(self, there: Transport) -> bytes:
        """A binding request of the end that begins."""
        number = secrets.token_bytes(12)
        self._asked.add(number)
        attributes = (
            stun.attribute(_USERNAME, f"{there.ufrag}:{self.ufrag}".encode())
            + stun.attribute(_PRIORITY, _ON_THE_WAY.to_bytes(4, "big"))
            + stun.attribute(_CONTROLLING, secrets.token_bytes(8))
        )
        # Each of these two counts itself as part of the message that it is made of.
        signed = stun.request(number, attributes, 24)
        proof = hmac.new(there.password.encode(), signed, hashlib.sha1).digest()
        attributes += stun.attribute(_INTEGRITY, proof)
        whole = stun.request(number, attributes, 8)
        return whole + stun.attribute(_FINGERPRINT, (zlib.crc32(whole) ^ _XOR).to_bytes(4, "big"))

    def _is_for_us(self, packet: bytes) -> bool:
        """Whether it is an answer to what was asked, be it a refusal, or a question of the other end."""
        kind, number = stun.head(packet) or (None, b"")
        if kind in (stun.ANSWER, stun.REFUSAL):
            return number in self._asked
        name = f"{self.ufrag}:".encode()
        return kind == stun.REQUEST and any(
            of == _USERNAME and value.startswith(name) for of, value in stun.attributes(packet)
        )


def transport(description: str) -> Transport | None:
    """That of the sound in an answer; None where it has none, or cannot be read."""
    try:
        sections = parse(description).sections
    except SdpError:
        return None
    return next((s.transport for s in sections if s.kind == "audio" and not s.refused), None)
