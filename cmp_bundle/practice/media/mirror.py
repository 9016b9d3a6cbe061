"""Packets of a phone turned into the echo of them.

Nothing is decoded: an echo is the phone's own packets under another source's name, once for each
picture. So four pictures cost hardly more than one, any codec will do, and a lost packet or a
whole picture that the phone asks for is asked of the phone itself.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from cmp_bundle.practice.media import rtcp
from cmp_bundle.practice.media.negotiation import Echo, MediaPlan

if TYPE_CHECKING:
    from cmp_bundle.practice.media.rtcp import Report

_HEADER: Final = 12

#: Seconds between two whole pictures that are asked for: four that begin at once ask four times.
_PATIENCE: Final = 0.25

#: Bits a second that a picture may take. A browser begins with 0.3 million and takes its time to
#: dare more; what stays on one machine needs no such care, but each picture costs the browser.
_ENOUGH: Final = 1_000_000


class _Stream:
    """Sound or pictures: the phone's source, and how its numbers become those of the echo.

    A phone may begin anew under another name in the middle of a call; the echo's numbers go on
    without a gap, as its receiver expects.
    """

    def __init__(self) -> None:
        self.echo = Echo()
        self.source: int | None = None
        self.sequence_shift = 0
        self.time_shift = 0
        self.asked = float("-inf")
        self._last = (0, 0)

    def follow(self, source: int, sequence: int, timestamp: int) -> None:
        if self.source is None:
            self._last = (sequence, timestamp)
        else:
            last_sequence, last_time = self._last
            self.sequence_shift = last_sequence + 1 - sequence
            self.time_shift = last_time + 1 - timestamp
        self.source = source

    def rewritten(self, packet: bytes, sequence: int, timestamp: int) -> bytes:
        """The packet as the echo numbers it; the source is still the phone's."""
        sequence = (sequence + self.sequence_shift) & 0xFFFF
        timestamp = (timestamp + self.time_shift) & 0xFFFFFFFF
        # What was sent again comes late and is no news.
        if (sequence - self._last[0]) & 0xFFFF < 0x8000:  # noqa: PLR2004 half of all numbers
            self._last = (sequence, timestamp)
        if not self.sequence_shift and not self.time_shift:
            return packet
        return b"".join((packet[:2], struct.pack("!HI", sequence, timestamp), packet[8:]))


class Mirror:
    """The echo of one phone. What its methods give goes back to that phone, packet by packet."""

    def __init__(self) -> None:
        self._audio = _Stream()
        self._video = _Stream()

    def follow(self, plan: MediaPlan, now: float) -> list[bytes]:
        """Do as agreed from now on. New pictures begin with a whole one."""
        further = set(plan.video.ssrcs) - set(self._video.echo.ssrcs)
        self._audio.echo, self._video.echo = plan.audio, plan.video
        return self._want_picture(now) if further else []

    def media(self, packet: bytes) -> list[bytes]:
        """The echoes of a packet of sound or picture."""
        if len(packet) < _HEADER:
            return []
        payload = packet[1] & 0x7F
        stream = self._video if payload in self._video.echo.payloads else self._audio
        if payload not in stream.echo.payloads:
            return []
        sequence, timestamp, source = struct.unpack_from("!HII", packet, 2)
        allowance: list[bytes] = []
        if source != stream.source:
            stream.follow(source, sequence, timestamp)
            if stream is self._video:
                allowance = [self._feedback(rtcp.bandwidth(self._name, source, _ENOUGH))]
        out = stream.rewritten(packet, sequence, timestamp)
        head, rest = out[:8], out[_HEADER:]
        echoes = [head + ssrc.to_bytes(4, "big") + rest for ssrc in stream.echo.ssrcs]
        return allowance + echoes

    def control(self, packet: bytes, now: float) -> list[bytes]:
        """What a control packet of the phone means for the echo, and for the phone itself."""
        out: list[bytes] = []
        for report in rtcp.read(packet):
            out += self._reported(report, now)
        return out

    def _reported(self, report: Report, now: float) -> list[bytes]:
        if isinstance(report, rtcp.SenderReport):
            return self._sent(report)
        stream = self._echoing(report.ssrc)
        if stream is None or stream.source is None:
            return []
        if isinstance(report, rtcp.PictureWanted):
            return self._want_picture(now) if stream is self._video else []
        if isinstance(report, rtcp.Lost):
            shift = stream.sequence_shift
            entries = tuple(((first - shift) & 0xFFFF, mask) for first, mask in report.entries)
            return [self._feedback(rtcp.lost(self._name, rtcp.Lost(stream.source, entries)))]
        if report.ssrc != stream.echo.ssrcs[0]:
            # All echoes of a picture fare alike, and a source is reported on once.
            return []
        highest = report.highest - stream.sequence_shift
        seen = rtcp.Reception(stream.source, report.lost, highest & 0xFFFFFFFF, report.rest)
        packet = rtcp.receiver_report(self._name, [seen])
        if stream is self._video:
            packet += rtcp.bandwidth(self._name, stream.source, _ENOUGH)
        return [packet]

    def _sent(self, report: rtcp.SenderReport) -> list[bytes]:
        for stream in (self._audio, self._video):
            if stream.source == report.ssrc:
                time = (report.timestamp + stream.time_shift) & 0xFFFFFFFF
                return [
                    rtcp.sender_report(rtcp.SenderReport(ssrc, report.wall, time, report.sent))
                    for ssrc in stream.echo.ssrcs
                ]
        return []

    def _echoing(self, ssrc: int) -> _Stream | None:
        for stream in (self._audio, self._video):
            if ssrc in stream.echo.ssrcs:
                return stream
        return None

    def _want_picture(self, now: float) -> list[bytes]:
        video = self._video
        if video.source is None or now - video.asked < _PATIENCE:
            return []
        video.asked = now
        return [self._feedback(rtcp.picture_wanted(self._name, video.source))]

    def _feedback(self, packet: bytes) -> bytes:
        # Feedback never stands alone: reduced-size packets were not agreed on (RFC 5506).
        return rtcp.receiver_report(self._name) + packet

    @property
    def _name(self) -> int:
        """Who reports to the phone."""
        return next(iter((*self._video.echo.ssrcs, *self._audio.echo.ssrcs)), 1)
