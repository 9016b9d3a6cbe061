"""Media of one echo call: what was agreed on, done.

Of aiortc this takes ICE, DTLS and SRTP, and leaves its peer connection alone: that one decodes
and encodes every picture, and changes payload types when it offers again, which browsers refuse.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from aioice import Candidate, Connection
from aioice.ice import StunProtocol, get_host_addresses
from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceTransport,
)

from cmp_bundle.practice.media.mirror import Mirror
from cmp_bundle.practice.media.negotiation import Local, Negotiation

if TYPE_CHECKING:
    from collections.abc import Callable

    from aioice.stun import Message

    from cmp_bundle.practice.media.sdp import Transport

_log = logging.getLogger(__name__)

_LOOPBACK: Final = ("127.0.0.1", "::1")
_CANDIDATE: Final = "a=candidate:"

#: A machine with many networks; a browser looks no further either.
_MOST_ADDRESSES: Final = 8

#: More candidates than any browser finds on one machine.
_MOST_CANDIDATES: Final = 64

_PORTS: Final = 2**16

#: Seconds for a way to be found and secured; on one machine it takes a few hundredths.
_PATIENCE: Final = 20.0


class _Ways(Connection):
    """ICE on this machine only: by loopback, and by the machine's own addresses if ``wide``.

    Firefox as it is installed takes no loopback address for media ("Peer address is bogus"), so
    for its sake there is more than loopback. A check that comes from another machine is not
    answered there either, and nothing that is not checked gets in or out.
    """

    def __init__(self) -> None:
        super().__init__(ice_controlling=False)
        self.wide = False
        self.local_addresses = frozenset(
            (*_LOOPBACK, *get_host_addresses(use_ipv4=True, use_ipv6=True))
        )

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,  # noqa: ASYNC109 as in the method whose place this takes
    ) -> list[Candidate]:
        chosen = [*_LOOPBACK, *(addresses[:_MOST_ADDRESSES] if self.wide else ())]
        return await super().get_component_candidates(component, chosen, timeout)

    def request_received(
        self, message: Message, addr: tuple[str, int], protocol: StunProtocol
    ) -> None:
        if addr[0] in self.local_addresses:
            super().request_received(message, addr, protocol)


class _Dtls(RTCDtlsTransport):
    """DTLS and SRTP whose packets go to a mirror and not to aiortc's receivers.

    The two methods are where aiortc 1.16 hands on what it has deciphered.
    """

    def __init__(self, ice: RTCIceTransport, certificate: RTCCertificate, mirror: Mirror) -> None:
        super().__init__(ice, [certificate])
        self._mirror = mirror
        self._clock = asyncio.get_running_loop().time

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        del arrival_time_ms
        await self.send(self._mirror.media(data))

    async def _handle_rtcp_data(self, data: bytes) -> None:
        await self.send(self._mirror.control(data, self._clock()))

    async def send(self, packets: list[bytes]) -> None:
        for packet in packets:
            await self._send_rtp(packet)


def new_certificate() -> RTCCertificate:
    """What an end is known by; all calls of one run may share it."""
    return RTCCertificate.generateCertificate()


class EchoSession:
    """One phone's media, sent back to it. ``lost`` is called once if the way breaks or never comes.

    Descriptions go in and out as text; each method raises SdpError and then leaves the call as
    it was.
    """

    def __init__(self, certificate: RTCCertificate, lost: Callable[[], None]) -> None:
        self._certificate = certificate
        self._lost = lost
        self._mirror = Mirror()
        gatherer = RTCIceGatherer(iceServers=[])
        gatherer._connection = self._ways = _Ways()  # noqa: SLF001 aiortc offers no other way to choose addresses
        self._gatherer = gatherer
        self._ice = RTCIceTransport(gatherer)
        self._dtls = _Dtls(self._ice, certificate, self._mirror)
        self._negotiation: Negotiation | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def sees(self) -> bool:
        """Whether the phone sends a picture."""
        return self._negotiation is not None and self._negotiation.sees

    async def answer(self, offer: str) -> str:
        """The answer to the phone's offer, the first or a later one."""
        negotiation = await self._negotiating(offer)
        answer = negotiation.answer(offer)
        await self._follow(negotiation)
        return answer

    async def offer(self, pictures: int = 1, knowing: str = "") -> str:
        """An offer to the phone, with so many pictures if it sends one.

        The first one is made for a phone that once described itself as in ``knowing``.
        """
        if self._negotiation is None:
            self._ways.ice_controlling = True
        return (await self._negotiating(knowing)).offer(pictures)

    async def accept(self, answer: str) -> None:
        """The phone's answer to the offer made last."""
        negotiation = await self._negotiating(answer)
        negotiation.accept(answer)
        await self._follow(negotiation)

    def withdraw(self) -> None:
        """The phone refused the offer made last."""
        if self._negotiation is not None:
            self._negotiation.withdraw()

    async def close(self) -> None:
        """Let go of everything. May be called more than once, and at any time."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        await self._dtls.stop()
        await self._ice.stop()

    async def _negotiating(self, described: str) -> Negotiation:
        if self._negotiation is None:
            self._ways.wide = not any(_is_loopback(found) for found in _candidates(described))
            await self._gatherer.gather()
            if self._closed:
                # Meanwhile; and what was closed then had nothing open yet.
                await self._ways.close()
            found = self._ways.local_candidates
            self._negotiation = Negotiation(
                Local(
                    ufrag=self._ways.local_username,
                    password=self._ways.local_password,
                    fingerprints=tuple(
                        (print_.algorithm, print_.value)
                        for print_ in self._certificate.getFingerprints()
                        if print_.algorithm == "sha-256"
                    ),
                    candidates=tuple(candidate.to_sdp() for candidate in found),
                    port=found[0].port if found else 9,
                )
            )
        return self._negotiation

    async def _follow(self, negotiation: Negotiation) -> None:
        asked = self._mirror.follow(negotiation.plan, asyncio.get_running_loop().time())
        if self._connecting is None and negotiation.remote is not None and not self._closed:
            self._connecting = asyncio.create_task(
                self._connect(
                    negotiation.remote, negotiation.candidates, opens=bool(negotiation.opens)
                )
            )
        elif self._dtls.state == "connected":
            with contextlib.suppress(ConnectionError):  # said by ``lost``
                await self._dtls.send(asked)

    async def _connect(
        self, remote: Transport, candidates: tuple[str, ...], *, opens: bool
    ) -> None:
        for candidate in _reachable(candidates, self._ways.local_addresses):
            await self._ice.addRemoteCandidate(candidate)
        await self._ice.addRemoteCandidate(None)
        # In place before the first change of state, which may be the last.
        self._dtls.on("statechange", self._look)
        self._ice.on("statechange", self._look)
        self._dtls._set_role("client" if opens else "server")  # noqa: SLF001 as aiortc's own peer connection does
        parameters = RTCDtlsParameters([RTCDtlsFingerprint(*pair) for pair in remote.fingerprints])
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._ice.start(RTCIceParameters(remote.ufrag, remote.password))
                if self._ice.state == "completed":
                    await self._dtls.start(parameters)
        except TimeoutError:
            self._break()
        except Exception:
            # A call without media ends, whatever the reason; this one is then told elsewhere.
            self._break()
            raise

    def _look(self) -> None:
        if self._ice.state == "failed" or self._dtls.state in ("failed", "closed"):
            self._break()

    def _break(self) -> None:
        if not self._closed:
            self._closed = True
            _log.info("the media connection of an echo call failed or was lost")
            self._lost()


def _candidates(described: str) -> list[str]:
    """The candidates anywhere in a description, be the rest as it may."""
    lines = (line.strip() for line in described.splitlines())
    return [line[len(_CANDIDATE) :] for line in lines if line.startswith(_CANDIDATE)]


def _is_loopback(candidate: str) -> bool:
    return any(word in _LOOPBACK for word in candidate.split()[4:5])


def _reachable(
    candidates: tuple[str, ...], local_addresses: frozenset[str]
) -> list[RTCIceCandidate]:
    """Where on this machine the phone may be.

    A phone is always here, so an address elsewhere is no use, and a name in ``.local``, by which
    browsers hide addresses from a page that has no microphone (draft-ietf-mmusic-mdns-ice-
    candidates), can only stand for one of our own.
    """
    found: list[RTCIceCandidate] = []
    for text in candidates[:_MOST_CANDIDATES]:
        try:
            candidate = Candidate.from_sdp(text)
        except ValueError:
            continue
        if candidate.type != "host" or candidate.transport.lower() != "udp":
            continue
        if candidate.component != 1 or not 0 < candidate.port < _PORTS:
            continue
        hidden = candidate.host.endswith(".local")
        hosts = sorted(local_addresses) if hidden else local_addresses & {candidate.host}
        found += (
            RTCIceCandidate(
                component=candidate.component,
                foundation=candidate.foundation,
                ip=host,
                port=candidate.port,
                priority=candidate.priority,
                protocol="udp",
                type="host",
            )
            for host in hosts
        )
    return found
