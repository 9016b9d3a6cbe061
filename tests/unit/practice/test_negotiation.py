"""Offers and answers of an echo, to descriptions that browsers gave."""

from __future__ import annotations

import itertools
import re

import pytest

from cmp_bundle.practice.media.negotiation import Local, MediaPlan, Negotiation
from cmp_bundle.practice.media.sdp import Description, SdpError, Section, parse

from .scripted import ANSWERS, OFFERS

LOCAL = Local(
    "ufrag", "p" * 24, (("sha-256", "AA:BB"),), ("1 1 udp 1 127.0.0.1 4000 typ host",), 4000
)
#: Payload types of sound, pressed keys and picture, as each browser numbers them. The keys that
#: Firefox offers are for another rate than its sound.
TYPES = {"chromium": ((111, 110), (96,)), "firefox": ((109,), (120,))}
BROWSERS = pytest.mark.parametrize("browser", sorted(TYPES))


@pytest.fixture
def negotiation() -> Negotiation:
    numbers = itertools.count(1)
    return Negotiation(LOCAL, lambda: next(numbers))


def four(negotiation: Negotiation, browser: str = "chromium") -> Description:
    """As far as an echo with four pictures."""
    negotiation.answer(OFFERS[browser])
    offer = parse(negotiation.offer(4))
    negotiation.accept(ANSWERS[browser])
    return offer


def types(section: Section) -> tuple[int, ...]:
    return tuple(codec.payload for codec in section.codecs)


def attributes(text: str, name: str) -> list[str]:
    return re.findall(rf"^a={name}:(.*?)\r?$", text, re.MULTILINE)


@BROWSERS
def test_the_answer_takes_sound_and_one_picture(negotiation: Negotiation, browser: str) -> None:
    text = negotiation.answer(OFFERS[browser])
    answer, offer = parse(text), parse(OFFERS[browser])
    assert [(s.kind, s.mid, s.protocol) for s in answer.sections] == [
        (s.kind, s.mid, s.protocol) for s in offer.sections
    ]
    assert answer.bundle == offer.bundle == ("0", "1")
    assert tuple(types(s) for s in answer.sections) == TYPES[browser]
    sound, picture = answer.sections
    assert (sound.codecs[0].name, picture.codecs[0].name) == ("opus/48000/2", "VP8/90000")
    assert set(picture.codecs[0].feedback) == {"nack", "nack pli", "ccm fir", "goog-remb"}
    for section in answer.sections:
        assert (section.port, section.direction, section.rtcp_mux) == (4000, "sendrecv", True)
        assert section.transport
        assert section.transport.setup == "active"
        assert section.candidates == LOCAL.candidates
    assert attributes(text, "ssrc") == [
        "1 cname:practice",
        "1 msid:echo1 audio-0",
        "2 cname:practice",
        "2 msid:echo1 video-1",
    ]
    sounds, pictures = negotiation.plan.audio, negotiation.plan.video
    assert [*sounds.payloads, *pictures.payloads] == [TYPES[browser][0][0], *TYPES[browser][1]]
    assert (sounds.ssrcs, pictures.ssrcs) == ((1,), (2,))


@BROWSERS
def test_more_pictures_are_offered_with_the_numbers_there_are(
    negotiation: Negotiation, browser: str
) -> None:
    offer = four(negotiation, browser)
    assert tuple(types(s) for s in offer.sections) == (*TYPES[browser], *[TYPES[browser][1]] * 3)
    assert [s.mid for s in offer.sections] == ["0", "1", "echo2", "echo3", "echo4"]
    assert negotiation.plan.video.ssrcs == (2, 3, 4, 5)
    again = negotiation.offer(4)
    assert len(parse(again).sections) == 5, "there are four"
    # One stream for each picture: a page shows one thing for each.
    assert [m.split()[0] for m in attributes(again, "msid")] == [
        "echo1", "echo1", "echo2", "echo3", "echo4"
    ]  # fmt: skip
    versions = re.findall(r"^o=- (\d+) (\d+)", again, re.MULTILINE)
    assert versions[0][1] == "3", "each description is newer than the one before"


def test_a_picture_that_the_phone_does_not_want(negotiation: Negotiation) -> None:
    negotiation.answer(OFFERS["chromium"])
    negotiation.offer(4)
    sections = re.split(r"(?=^m=)", ANSWERS["chromium"], flags=re.MULTILINE)
    sections[4] = sections[4].replace("m=video 9", "m=video 0")
    negotiation.accept("".join(sections))
    assert negotiation.plan.video.ssrcs == (2, 3, 5)


def test_a_refused_offer_is_forgotten(negotiation: Negotiation) -> None:
    negotiation.answer(OFFERS["chromium"])
    before = negotiation.plan
    negotiation.offer(4)
    negotiation.withdraw()
    assert negotiation.plan == before
    with pytest.raises(SdpError, match="no offer"):
        negotiation.accept(ANSWERS["chromium"])
    negotiation.offer(4)
    with pytest.raises(SdpError, match="as many sections"):
        negotiation.accept(OFFERS["chromium"])
    assert negotiation.plan == before


def test_an_offer_is_over_where_the_phone_made_another(negotiation: Negotiation) -> None:
    negotiation.offer()
    negotiation.answer(OFFERS["chromium"])
    before = negotiation.plan
    with pytest.raises(SdpError, match="no offer"):
        negotiation.accept(OFFERS["chromium"])
    assert negotiation.plan == before


@pytest.mark.parametrize(
    ("asked", "answered"), [("sendonly", "recvonly"), ("inactive", "inactive")]
)
def test_a_phone_on_hold_gets_nothing_until_it_is_back(
    negotiation: Negotiation, asked: str, answered: str
) -> None:
    four(negotiation)
    before = negotiation.plan
    offer = ANSWERS["chromium"].replace("a=setup:active", "a=setup:actpass")
    on_hold = offer.replace("a=sendrecv", f"a={asked}").replace("a=recvonly", "a=inactive")
    answer = parse(negotiation.answer(on_hold))
    assert [s.direction for s in answer.sections] == [answered, answered, *["inactive"] * 3]
    assert negotiation.plan.audio.ssrcs == negotiation.plan.video.ssrcs == ()
    back = parse(negotiation.answer(offer))
    assert [s.direction for s in back.sections] == ["sendrecv"] * 2 + ["sendonly"] * 3
    assert negotiation.plan == before


def test_without_a_camera_there_are_no_pictures(negotiation: Negotiation) -> None:
    negotiation.answer(OFFERS["chromium"].replace("a=sendrecv", "a=recvonly"))
    assert not negotiation.sees
    assert negotiation.plan == MediaPlan()
    assert len(parse(negotiation.offer(4)).sections) == 2


def test_any_codec_will_do_if_the_cheapest_are_not_there(negotiation: Negotiation) -> None:
    sound, picture = parse(
        negotiation.answer(OFFERS["firefox"].replace("VP8/", "X/").replace("opus/", "X/"))
    ).sections
    # The keys are for the rate of this sound.
    assert [c.name for c in sound.codecs] == ["PCMU/8000", "telephone-event/8000"]
    assert [c.name for c in picture.codecs] == ["X/90000"]


def test_what_is_no_media_is_refused(negotiation: Negotiation) -> None:
    wrapped = OFFERS["firefox"].replace("VP8/", "red/").replace("VP9/", "rtx/")
    wrapped = wrapped.replace("AV1/", "ulpfec/")
    data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n"
    answer = parse(negotiation.answer(wrapped + data))
    assert [(s.kind, s.port) for s in answer.sections] == [
        ("audio", 4000), ("video", 0), ("application", 0)
    ]  # fmt: skip
    assert answer.sections[2].protocol == "UDP/DTLS/SCTP"
    assert answer.bundle == ("0",)
    assert not negotiation.sees


def test_a_second_picture_of_the_phone_is_refused(negotiation: Negotiation) -> None:
    text = OFFERS["chromium"]
    second = text[text.index("m=video") :].replace("a=mid:1", "a=mid:2")
    offer = text.replace("BUNDLE 0 1", "BUNDLE 0 1 2") + second
    assert [s.port for s in parse(negotiation.answer(offer)).sections] == [4000, 4000, 0]


def test_what_has_a_way_of_its_own_is_refused(negotiation: Negotiation) -> None:
    offer = OFFERS["chromium"].replace("BUNDLE 0 1", "BUNDLE 0")
    assert [s.port for s in parse(negotiation.answer(offer)).sections] == [4000, 0]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("a=ice-ufrag:W3Bd", "a=ice-ufrag:W3Be", "ICE restart"),
        ("a=fingerprint:sha-256 7B", "a=fingerprint:sha-256 7C", "ICE restart"),
        ("m=video", "x=video", "leaves out"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", "no audio or video section"),
        ("a=rtcp-mux", "a=rtcp-mix", "no audio or video section"),
        ("v=0", "v=1", "not a session description"),
    ],
)
def test_what_cannot_be_changes_nothing(
    negotiation: Negotiation, old: str, new: str, words: str
) -> None:
    negotiation.answer(OFFERS["chromium"])
    before = negotiation.plan
    assert old in OFFERS["chromium"]
    with pytest.raises(SdpError, match=words):
        negotiation.answer(OFFERS["chromium"].replace(old, new))
    assert negotiation.plan == before
    negotiation.answer(OFFERS["chromium"])
    assert negotiation.plan == before


@pytest.mark.parametrize("left_out", ["ice-ufrag", "ice-pwd", "fingerprint"])
def test_without_ice_and_dtls_there_is_no_way(negotiation: Negotiation, left_out: str) -> None:
    lines = OFFERS["chromium"].splitlines()
    with pytest.raises(SdpError, match="no ICE or no DTLS"):
        negotiation.answer("\n".join(x for x in lines if f"a={left_out}" not in x))


@pytest.mark.parametrize(
    ("setup", "answered", "opens"),
    [("actpass", "active", True), ("passive", "active", True), ("active", "passive", False)],
)
def test_who_opens_the_dtls_connection(
    negotiation: Negotiation, setup: str, answered: str, opens: bool
) -> None:
    text = negotiation.answer(OFFERS["chromium"].replace("setup:actpass", f"setup:{setup}"))
    assert set(attributes(text, "setup")) == {answered}
    assert negotiation.opens is opens
    # And it stays so, whoever offers later.
    assert set(attributes(negotiation.offer(1), "setup")) == {"actpass"}
    text = negotiation.answer(OFFERS["chromium"])
    assert set(attributes(text, "setup")) == {answered}


def test_a_call_from_here(negotiation: Negotiation) -> None:
    text = negotiation.offer()
    offer = parse(text)
    assert [(s.kind, s.direction) for s in offer.sections] == [
        ("audio", "sendrecv"),
        ("video", "sendrecv"),
    ]
    assert set(attributes(text, "setup")) == {"actpass"}
    # As a browser answers: with our numbers, and not with what it does not know.
    answer = text.replace("setup:actpass", "setup:passive").replace(" 111 0 8", " 111")
    negotiation.accept(answer)
    assert negotiation.opens is True
    assert negotiation.plan.audio.payloads == {111}
    assert negotiation.plan.video.payloads == {96}
