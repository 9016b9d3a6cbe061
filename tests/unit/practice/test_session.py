"""Media of an echo call over real sockets: aiortc's own peer connection is the phone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aioice import Connection
from aioice.stun import Class, Message, Method
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack

from cmp_bundle.practice.media import session as media
from cmp_bundle.practice.media.sdp import SdpError
from cmp_bundle.practice.media.session import EchoSession, new_certificate

from .scripted import OFFERS

PATIENCE = 20.0


class Phone:
    """A browser's part, played by aiortc. ``tracks`` are what it receives."""

    def __init__(self) -> None:
        self.peer = RTCPeerConnection()
        self.peer.addTrack(AudioStreamTrack())
        self.peer.addTrack(VideoStreamTrack())
        self.tracks: list[MediaStreamTrack] = []
        self.peer.on("track", self.tracks.append)
        self.lost = asyncio.Event()
        self.session = EchoSession(new_certificate(), self.lost.set)

    async def offers(self) -> None:
        await self.peer.setLocalDescription(await self.peer.createOffer())
        answer = await self.session.answer(self.peer.localDescription.sdp)
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def is_offered(self, pictures: int = 1) -> None:
        offer = await self.session.offer(pictures, knowing=OFFERS["chromium"])
        await self.peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        await self.session.accept(self.peer.localDescription.sdp)

    async def sees(self, *kinds: str) -> None:
        """Something comes of each of these."""
        assert sorted(track.kind for track in self.tracks) == sorted(kinds)
        for track in self.tracks:
            for _ in range(3):
                await track.recv()


def with_phone(test: Callable[[Phone], Awaitable[None]]) -> Callable[[], None]:
    """Run a test in a loop; what fails there in the background fails the test."""

    def run() -> None:
        failed: list[object] = []

        async def main() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, context: failed.append(context))
            phone = Phone()
            try:
                async with asyncio.timeout(PATIENCE):
                    await test(phone)
            finally:
                await phone.session.close()
                await phone.session.close()
                await phone.peer.close()

        asyncio.run(main())
        assert not failed

    return run


@with_phone
async def test_a_phone_that_calls_sees_itself(phone: Phone) -> None:
    await phone.offers()
    await phone.sees("audio", "video")
    assert phone.session.sees
    assert not phone.lost.is_set()


@with_phone
async def test_a_phone_that_is_called_sees_itself(phone: Phone) -> None:
    await phone.is_offered()
    await phone.sees("audio", "video")


@with_phone
async def test_a_phone_that_goes_away_is_missed(phone: Phone) -> None:
    await phone.offers()
    await phone.sees("audio", "video")
    await phone.peer.close()
    await phone.lost.wait()


@with_phone
async def test_a_phone_that_never_comes_is_missed(phone: Phone) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(media, "_PATIENCE", 0.1)
        await phone.session.answer(OFFERS["firefox"])
        await phone.lost.wait()


@with_phone
async def test_a_phone_with_another_certificate_is_not_let_in(phone: Phone) -> None:
    await phone.peer.setLocalDescription(await phone.peer.createOffer())
    lines = phone.peer.localDescription.sdp.splitlines()
    forged = [
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) if "fingerprint" in line else line
        for line in lines
    ]
    answer = await phone.session.answer("\r\n".join(forged) + "\r\n")
    await phone.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await phone.lost.wait()


@with_phone
async def test_one_that_is_closed_early_leaves_nothing(phone: Phone) -> None:
    answering = asyncio.ensure_future(phone.session.answer(OFFERS["chromium"]))
    await asyncio.sleep(0)
    await phone.session.close()
    await answering
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [task for task in left if "_connect" in repr(task)]
    assert not phone.lost.is_set()


@with_phone
async def test_a_description_that_is_none_changes_nothing(phone: Phone) -> None:
    with pytest.raises(SdpError):
        await phone.session.answer("nonsense")
    with pytest.raises(SdpError):
        await phone.session.accept("nonsense")
    phone.session.withdraw()
    await phone.offers()
    with pytest.raises(SdpError):
        await phone.session.answer("nonsense")
    await phone.sees("audio", "video")


@with_phone
async def test_another_machine_is_not_answered(phone: Phone) -> None:
    asked: list[tuple[str, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "request_received", lambda _, __, addr, ___: asked.append(addr))
        for address in ("203.0.113.5", "127.0.0.1", "::1", "fe80::1"):
            phone.session._ways.request_received(
                Message(Method.BINDING, Class.REQUEST),
                (address, 4000),
                None,  # type: ignore[arg-type]
            )
    assert asked == [("127.0.0.1", 4000), ("::1", 4000)]


@pytest.mark.parametrize(
    "candidate",
    [
        "1 1 udp 1 8.8.8.8 9 typ host",
        "1 1 udp 1 127.0.0.1 99999 typ host",
        "1 2 udp 1 127.0.0.1 9 typ host",
        "1 1 tcp 1 127.0.0.1 9 typ host",
        "1 1 udp 1 127.0.0.1 9 typ srflx raddr 1.2.3.4 rport 5",
        "1 1 udp x 127.0.0.1 9 typ host",
        "1",
        "",
    ],
)
def test_only_this_machine_is_tried(candidate: str) -> None:
    assert media._reachable((candidate,), frozenset({"127.0.0.1"})) == []


def test_a_hidden_address_is_one_of_our_own() -> None:
    hidden = "1 1 udp 5 7d8c3b1e-1111-2222-3333-444455556666.local 4000 typ host"
    found = media._reachable((hidden,), frozenset({"127.0.0.1", "192.0.2.7"}))
    assert [(c.ip, c.port) for c in found] == [("127.0.0.1", 4000), ("192.0.2.7", 4000)]
