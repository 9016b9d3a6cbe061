"""Control packets, checked against another reader and writer of them: aiortc's."""

from __future__ import annotations

import struct

import pytest
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.practice.media import rtcp
from cmp_bundle.practice.media.rtcp import Lost, PictureWanted, Reception, SenderReport

from .steady import STEADY

NUMBERS = st.integers(0, 2**32 - 1)
INFO = RtcpReceiverInfo(
    ssrc=7, fraction_lost=3, packets_lost=300, highest_sequence=70_000, jitter=5, lsr=6, dlsr=8
)


def test_reports_are_read() -> None:
    sender = RtcpSrPacket(
        ssrc=1,
        sender_info=RtcpSenderInfo(
            ntp_timestamp=0x0102030405060708, rtp_timestamp=9, packet_count=10, octet_count=11
        ),
        reports=[INFO],
    )
    receiver = RtcpRrPacket(ssrc=2, reports=[INFO, INFO])
    reception = Reception(7, struct.pack("!I", 3 << 24 | 300), 70_000, struct.pack("!III", 5, 6, 8))
    assert rtcp.read(bytes(sender) + bytes(RtcpByePacket(sources=[1])) + bytes(receiver)) == [
        SenderReport(1, struct.pack("!Q", 0x0102030405060708), 9, struct.pack("!II", 10, 11)),
        *[reception] * 3,
    ]


def test_feedback_is_read() -> None:
    nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=2, lost=[5, 6, 8, 100])
    pli = RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=2)
    fir = RtcpPsfbPacket(
        fmt=RTCP_PSFB_FIR, ssrc=1, media_ssrc=0, fci=struct.pack("!IIII", 3, 0, 4, 0)
    )
    remb = RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=b"REMB" + bytes(8))
    assert rtcp.read(bytes(nack) + bytes(pli) + bytes(remb) + bytes(fir)) == [
        Lost(2, ((5, 0b101), (100, 0))),
        PictureWanted(2),
        PictureWanted(3),
        PictureWanted(4),
    ]


@STEADY
@given(NUMBERS, NUMBERS, NUMBERS)
def test_what_is_written_is_understood(ssrc: int, source: int, timestamp: int) -> None:
    report = SenderReport(ssrc, bytes(range(8)), timestamp, bytes(8))
    reception = Reception(source, bytes(4), timestamp, bytes(12))
    sent, about_sender = RtcpPacket.parse(rtcp.sender_report(report))
    assert isinstance(sent, RtcpSrPacket)
    assert (sent.ssrc, sent.sender_info.rtp_timestamp) == (ssrc, timestamp)
    received, about_receiver = RtcpPacket.parse(rtcp.receiver_report(ssrc, [reception]))
    assert isinstance(received, RtcpRrPacket)
    assert [(r.ssrc, r.highest_sequence) for r in received.reports] == [(source, timestamp)]
    for about in (about_sender, about_receiver):
        assert [(c.ssrc, c.items) for c in about.chunks] == [(ssrc, [(1, b"practice")])]  # type: ignore[union-attr]
    wanted = RtcpPacket.parse(rtcp.picture_wanted(ssrc, source))[0]
    assert isinstance(wanted, RtcpPsfbPacket)
    assert (wanted.fmt, wanted.ssrc, wanted.media_ssrc) == (RTCP_PSFB_PLI, ssrc, source)
    lost = RtcpPacket.parse(rtcp.lost(ssrc, Lost(source, ((65_535, 0b11),))))[0]
    assert isinstance(lost, RtcpRtpfbPacket)
    assert (lost.media_ssrc, [n % 2**16 for n in lost.lost]) == (source, [65_535, 0, 1])


@pytest.mark.parametrize("bits", [0, 1, 262_143, 262_144, 1_000_000, 50_000_000])
def test_an_allowance_is_understood(bits: int) -> None:
    packet = RtcpPacket.parse(rtcp.bandwidth(1, 2, bits))[0]
    assert isinstance(packet, RtcpPsfbPacket)
    allowed, sources = unpack_remb_fci(packet.fci)
    assert sources == [2]
    assert bits * 0.99 <= allowed <= bits


@STEADY
@given(st.binary(max_size=200))
def test_anything_is_read(data: bytes) -> None:
    rtcp.read(data)
    # With a header that could be one, it gets further.
    for kind in (200, 201, 205, 206):
        words = len(data) // 4
        for count in (1, 4, 31):
            rtcp.read(struct.pack("!BBH", 0x80 | count, kind, words) + data)
