"""What the test call is made of: its offer, what it reads of an answer, and what it does with nonsense."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.accounts.model import Account
from cmp_bundle.checks import call
from cmp_bundle.checks.digest import ChallengeError, challenge
from cmp_bundle.checks.line import Line
from cmp_bundle.checks.offer import Candidate, candidates, offer
from cmp_bundle.practice.media.sdp import SdpError, parse
from cmp_bundle.practice.message import Headers, SipResponse
from tests.unit.practice.scripted import ANSWERS
from tests.unit.practice.steady import FEWER
from tests.unit.practice.test_fuzzed import CUTS, LINES, SCRAPS, damaged, rearranged

from .scripted_pbx import ALICE, InMemory, Say, ScriptedPbx, try_all

OFFER = """\
v=0
o=- 7 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=msid-semantic: WMS phone
m=audio 9 UDP/TLS/RTP/SAVPF 111 0 126
c=IN IP4 127.0.0.1
a=candidate:1 1 udp 2122260223 127.0.0.1 9 typ host
a=end-of-candidates
a=ice-ufrag:ufrag
a=ice-pwd:a-password-of-22-chars
a=ice-options:trickle
a=fingerprint:sha-256 AB:CD
a=setup:actpass
a=mid:0
a=sendrecv
a=msid:phone sound
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:0 PCMU/8000
a=rtpmap:126 telephone-event/8000
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 127.0.0.1
a=candidate:1 1 udp 2122260223 127.0.0.1 9 typ host
a=end-of-candidates
a=ice-ufrag:ufrag
a=ice-pwd:a-password-of-22-chars
a=ice-options:trickle
a=fingerprint:sha-256 AB:CD
a=setup:actpass
a=mid:1
a=sendrecv
a=msid:phone picture
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
"""


def test_the_offer() -> None:
    assert offer(7, "ufrag", "a-password-of-22-chars", "AB:CD") == OFFER.replace("\n", "\r\n")


def test_an_offer_of_its_own_for_each_call() -> None:
    first, second = (parse(call._any_offer()) for _ in range(2))
    assert first.bundle == ("0", "1")
    for description in (first, second):
        sound, picture = description.sections
        assert sound.transport == picture.transport
        assert sound.transport is not None
        assert len(sound.transport.fingerprints[0][1]) == 32 * 3 - 1
    assert first.sections[0].transport != second.sections[0].transport


def answer(*lines: str) -> str:
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
        "a=ice-ufrag:scripted\r\na=ice-pwd:scriptedscriptedscripted\r\na=fingerprint:sha-256 AB\r\n"
    ) + "".join(f"a=candidate:{line}\r\n" for line in lines)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("H1 1 UDP 2130706431 192.0.2.1 17152 typ host", ("192.0.2.1", 17152, "host")),
        ("S1 1 udp 1694498815 198.51.100.7 9999 typ srflx raddr 192.0.2.1 rport 17152",
         ("198.51.100.7", 9999, "srflx")),
        ("R1 1 udp 1 2001:db8::1 1 typ relay raddr 0.0.0.0 rport 0", ("2001:db8::1", 1, "relay")),
        ("x 1 udp 1 4f2a.local 5 typ host", ("4f2a.local", 5, "host")),
        ("x 1 tcp 1 192.0.2.1 9 typ host tcptype active", None),
        ("x 1 udp 1 <script> 5 typ host", None),
        ("x 1 udp 1 192.0.2.1 \u0665 typ host", None),
        ("x", None),
    ],
)  # fmt: skip
def test_candidates(line: str, found: tuple[str, int, str] | None) -> None:
    assert candidates(answer(line, line)) == ((Candidate(*found),) if found else ())


def test_candidates_without_end() -> None:
    lines = (f"x 1 udp 1 192.0.2.1 {port} typ host" for port in range(3000))
    assert len(candidates(answer(*lines)) or ()) == 200


@FEWER
@given(st.text() | LINES.map(lambda changes: rearranged(ANSWERS["firefox"], changes)))
def test_a_description_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SdpError):
        for one in candidates(text) or ():
            assert one.address.isascii()
            assert one.address.isprintable()


CHALLENGE = (
    'Digest realm="asterisk", nonce="1/2", opaque="o", algorithm=MD5, qop="auth", stale=true'
)


@given(st.text() | CUTS.map(lambda cuts: damaged(CHALLENGE, cuts)))
def test_a_challenge_is_met_or_refused(text: str) -> None:
    response = SipResponse(Headers((("WWW-Authenticate", text),)), 401, "")
    with contextlib.suppress(ChallengeError):
        name, value = challenge(response, ALICE).answer(ALICE, "INVITE", "sip:1@b", "ff")
        assert name == "Authorization"
        assert 'username="alice"' in value


def test_the_answer_to_a_challenge() -> None:
    """The example of RFC 2617, section 3.5."""
    account = Account("Mufasa", password="Circle Of Life")
    text = (
        'Digest realm="testrealm@host.com", qop="auth,auth-int",'
        ' nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    response = SipResponse(Headers((("WWW-Authenticate", text),)), 401, "")
    _, value = challenge(response, account).answer(account, "GET", "/dir/index.html", "0a4f113b")
    assert 'response="6629fae49393a05397450978507c4ef1"' in value
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in value


class Damaging(ScriptedPbx):
    """What it says is damaged: by the next of ``cuts``, until there are no more."""

    def __init__(self, cuts: list[list[tuple[float, int, str]]]) -> None:
        super().__init__()
        self._cuts = cuts

    def hear(self, text: str) -> list[Say]:
        said = super().hear(text)
        return [damaged(str(one), self._cuts.pop()) if self._cuts else one for one in said]


@FEWER
@given(st.lists(CUTS, max_size=20), st.lists(SCRAPS, max_size=3))
def test_a_server_that_says_anything(
    cuts: list[list[tuple[float, int, str]]], greeting: list[str]
) -> None:
    """Something comes of it, in time, and nothing stays."""
    pbx = Damaging(cuts)
    pbx.greeting = [*greeting]

    async def opened(*_: object) -> Line:
        return Line(InMemory(pbx))  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Line, "open", opened)
        (proof,), seconds = try_all([ALICE])
    assert seconds <= 30 + 2
    assert proof.findings or (proof.registered and proof.answered)
    for finding in proof.findings:
        assert finding.text.isprintable()
        assert len(finding.text) < 500
