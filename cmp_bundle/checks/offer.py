"""What a browser offers in a call, as far as a PBX decides by it; and what comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cmp_bundle.practice.media.sdp import parse

#: The parts of a candidate that are looked at (RFC 8839 section 5.1); those for TCP lead nowhere.
_CANDIDATE = re.compile(
    r"\S+ \d+ udp \d+ (?P<address>[\w.:-]+) (?P<port>\d{1,5}) typ (?P<kind>[a-z]+)",
    re.ASCII | re.IGNORECASE,
)

#: Nobody sends more; what is more is left out.
_MOST_CANDIDATES = 200

#: Of one address and port, where nobody listens: no media is meant to arrive, and nobody else is
#: to be sent any.
_OWN_CANDIDATE = "candidate:1 1 udp 2122260223 127.0.0.1 9 typ host"


@dataclass(frozen=True)
class Candidate:
    """Where media may be sent to. ``kind`` is host, srflx (as a STUN server sees it) or relay."""

    address: str
    port: int
    kind: str


def offer(
    session: int,
    ufrag: str,
    password: str,
    fingerprint: str,
    more: int = 0,
    *,
    candidate: str = _OWN_CANDIDATE,
) -> str:
    """The description of sound and one picture, over one way, as browsers write it.

    ``fingerprint`` is a certificate's SHA-256, as in ``AB:CD:…``. ``more`` attributes that mean nothing
    are added to the picture, where Chrome has most: 200 and more, for all the codecs it knows. They stand
    before its codec, as PJSIP drops what is too much at the end, and then misses it. ``candidate`` is where
    media is awaited.
    """
    way = (
        "c=IN IP4 127.0.0.1",
        f"a={candidate}",
        "a=end-of-candidates",
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {fingerprint}",
        "a=setup:actpass",
    )
    lines = (
        "v=0",
        f"o=- {session} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=msid-semantic: WMS phone",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 126",
        *way,
        "a=mid:0",
        "a=sendrecv",
        "a=msid:phone sound",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:126 telephone-event/8000",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        *way,
        "a=mid:1",
        "a=sendrecv",
        "a=msid:phone picture",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *(f"a=x-cmp-bundle:{number}" for number in range(more)),
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 ccm fir",
        "a=rtcp-fb:96 nack",
        "a=rtcp-fb:96 nack pli",
    )
    return "".join(f"{line}\r\n" for line in lines)


def candidates(description: str) -> tuple[Candidate, ...] | None:
    """Those of an answer, each once; None where it has no sound for a browser.

    Raises SdpError.
    """
    sections = parse(description).sections
    sound = next((one for one in sections if one.kind == "audio" and not one.refused), None)
    if sound is None or sound.transport is None:
        return None
    found = (_CANDIDATE.match(text) for one in sections for text in one.candidates)
    read = (Candidate(m["address"], int(m["port"]), m["kind"]) for m in found if m)
    return tuple(dict.fromkeys(read))[:_MOST_CANDIDATES]
