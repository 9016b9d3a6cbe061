"""Packets of a phone, and the echo of them."""

from __future__ import annotations

import itertools
import struct

from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.practice.media import rtcp
from cmp_bundle.practice.media.mirror import Mirror
from cmp_bundle.practice.media.negotiation import Echo, MediaPlan
from cmp_bundle.practice.media.rtcp import Lost, PictureWanted, Reception, SenderReport

from .steady import STEADY

OPUS, DIGITS, VP8 = 111, 110, 96
SOUND = Echo(frozenset({OPUS}), (1,))
FOUR = MediaPlan(SOUND, Echo(frozenset({VP8}), (11, 12, 13, 14)))
ONE = MediaPlan(SOUND, Echo(frozenset({VP8}), (11,)))


def following(plan: MediaPlan = ONE) -> Mirror:
    mirror = Mirror()
    assert mirror.follow(plan, 0.0) == []
    return mirror


def packet(
    payload: int = VP8, sequence: int = 5, timestamp: int = 90, ssrc: int = 77, data: bytes = b"x"
) -> bytes:
    packet = RtpPacket(
        payload_type=payload, sequence_number=sequence, timestamp=timestamp, ssrc=ssrc
    )
    packet.payload = data
    return bytes(packet.serialize())


def rtp(packets: list[bytes]) -> list[RtpPacket]:
    """Those of them that are media."""
    return [RtpPacket.parse(p) for p in packets if not 200 <= p[1] <= 206]


def control(packets: list[bytes]) -> list[rtcp.Report]:
    return [r for p in packets if 200 <= p[1] <= 206 for r in rtcp.read(p)]


def test_a_packet_comes_back_once_for_each_picture() -> None:
    echoes = rtp(following(FOUR).media(packet()))
    assert [e.ssrc for e in echoes] == [11, 12, 13, 14]
    for echo in echoes:
        assert (echo.payload_type, echo.sequence_number, echo.timestamp) == (VP8, 5, 90)
        assert echo.payload == b"x"
    assert [e.ssrc for e in rtp(following(FOUR).media(packet(OPUS)))] == [1]


def test_what_was_not_agreed_on_does_not_come_back() -> None:
    for data in (b"", b"\x80" * 11, packet(DIGITS), packet(97)):
        assert following().media(data) == []
    assert following(MediaPlan()).media(packet()) == []


def test_a_phone_that_begins_anew_goes_on_in_its_echo() -> None:
    mirror = following()
    sent = [(5, 90, 77), (6, 180, 77), (40_000, 7, 88), (40_001, 97, 88), (9, 1, 77)]
    heard = [
        (e.sequence_number, e.timestamp)
        for sequence, timestamp, ssrc in sent
        for e in rtp(mirror.media(packet(VP8, sequence, timestamp, ssrc)))
    ]
    assert heard == [(5, 90), (6, 180), (7, 181), (8, 271), (9, 272)]


@STEADY
@given(
    st.lists(
        st.tuples(st.integers(0, 65_535), st.integers(0, 2**32 - 1), st.integers(0, 200)),
        min_size=1,
        max_size=5,
    )
)
def test_numbers_have_no_gap_whatever_the_sources(runs: list[tuple[int, int, int]]) -> None:
    mirror = following()
    numbers = []
    for source, (sequence, timestamp, length) in enumerate(runs, 100):
        for step in range(length + 1):
            echo = rtp(
                mirror.media(
                    packet(VP8, (sequence + step) % 2**16, (timestamp + step) % 2**32, source)
                )
            )
            numbers += [(e.sequence_number, e.timestamp) for e in echo]
    for (number, time), (next_number, next_time) in itertools.pairwise(numbers):
        assert (next_number - number) % 2**16 == 1
        assert (next_time - time) % 2**32 == 1


def test_what_was_sent_again_is_no_news() -> None:
    mirror = following()
    for sequence in (65_534, 65_535, 0, 65_534):
        mirror.media(packet(sequence=sequence))
    # The new source goes on after 0, the highest so far.
    assert rtp(mirror.media(packet(sequence=500, ssrc=88)))[0].sequence_number == 1


def test_a_phone_may_send_more_than_it_dares_to() -> None:
    mirror = following()
    first = mirror.media(packet())
    assert any(b"REMB" in data for data in first)
    assert not any(b"REMB" in data for data in mirror.media(packet(sequence=6)))


def test_a_whole_picture_is_asked_of_the_phone_now_and_then() -> None:
    mirror = following(FOUR)
    wanted = rtcp.receiver_report(9) + rtcp.picture_wanted(9, 13)
    assert mirror.control(wanted, 1.0) == [], "nothing has come yet"
    mirror.media(packet())
    assert control(mirror.control(wanted, 1.0)) == [PictureWanted(77)]
    assert mirror.control(wanted, 1.2) == []
    assert control(mirror.control(wanted, 1.3)) == [PictureWanted(77)]
    assert mirror.control(rtcp.picture_wanted(9, 1), 9.0) == [], "of sound there is none"
    assert mirror.control(rtcp.picture_wanted(9, 99), 9.0) == []


def test_further_pictures_begin_with_a_whole_one() -> None:
    mirror = following()
    mirror.media(packet())
    assert control(mirror.follow(FOUR, 1.0)) == [PictureWanted(77)]
    assert mirror.follow(FOUR, 2.0) == []
    assert mirror.follow(ONE, 3.0) == []


def test_lost_packets_are_asked_of_the_phone() -> None:
    mirror = following()
    mirror.media(packet(sequence=5))
    mirror.media(packet(sequence=40_000, ssrc=88))
    # 40,000 went out as 6.
    reports = control(mirror.control(rtcp.lost(9, Lost(11, ((6, 0b1), (2, 0)))), 0.0))
    assert reports == [Lost(88, ((40_000, 0b1), (39_996, 0)))]


def test_reports_of_the_phone_are_those_of_its_echo() -> None:
    mirror = following(FOUR)
    mirror.media(packet(sequence=5, timestamp=90))
    mirror.media(packet(sequence=40_000, timestamp=1_000, ssrc=88))
    report = rtcp.sender_report(SenderReport(88, bytes(range(8)), 2_000, bytes(8)))
    reports = control(mirror.control(report, 0.0))
    # Timestamp 1,000 went out as 91.
    assert reports == [
        SenderReport(ssrc, bytes(range(8)), 1_091, bytes(8)) for ssrc in (11, 12, 13, 14)
    ]
    assert mirror.control(rtcp.sender_report(SenderReport(66, bytes(8), 0, bytes(8))), 0.0) == []


def test_how_the_echo_arrives_is_how_the_phone_s_packets_do() -> None:
    mirror = following(FOUR)
    mirror.media(packet(sequence=5))
    mirror.media(packet(sequence=40_000, ssrc=88))
    mirror.media(packet(OPUS, sequence=3, ssrc=55))
    blocks = [Reception(s, b"lost", 65_536 + 6, b"rest" * 3) for s in (11, 12, 13, 14)]
    reports = mirror.control(rtcp.receiver_report(9, blocks), 0.0)
    assert control(reports) == [Reception(88, b"lost", (65_536 + 40_000) % 2**32, b"rest" * 3)]
    assert b"REMB" in reports[0]
    reports = mirror.control(rtcp.receiver_report(9, [Reception(1, b"lost", 3, b"rest" * 3)]), 0.0)
    assert control(reports) == [Reception(55, b"lost", 3, b"rest" * 3)]
    assert b"REMB" not in reports[0]


@STEADY
@given(st.lists(st.binary(max_size=60), max_size=8))
def test_anything_is_taken(packets: list[bytes]) -> None:
    mirror = following(FOUR)
    mirror.media(packet())
    for data in packets:
        mirror.media(data)
        mirror.media(struct.pack("!BBHII", 0x80, VP8, 1, 2, 3) + data)
        mirror.control(data, 1.0)
        mirror.control(rtcp.receiver_report(9) + b"\x81\xcd\x00\x03" + data, 1.0)
