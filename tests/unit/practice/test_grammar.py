"""Headers and messages, those of strangers above all."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.practice import grammar
from cmp_bundle.practice.dialog import address as written
from cmp_bundle.practice.grammar import MalformedError
from cmp_bundle.practice.message import SipRequest, SipResponse, UnreadableError, answer, parse

from .scripted import OFFERS
from .steady import STEADY

#: Text out of what headers are made of.
HOSTILE = st.text(st.sampled_from('";<>,=\\@: \t\r\n%[]sip*0aé\u2028')) | st.text()

INVITE = (
    "INVITE sip:246@localhost SIP/2.0\r\n"
    "Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks;rport\r\n"
    "Max-Forwards: 69\r\n"
    "To: <sip:246@localhost>\r\n"
    'From: "Alice, \\"the\\" <first>" <sip:alice@localhost;x=1>;tag=asdyka899\r\n'
    "Call-ID: asidkj3ss\r\n"
    "CSeq: 1 INVITE\r\n"
    "Contact: <sip:u1@df7jal23ls0d.invalid;transport=ws;ob>;expires=60\r\n"
    "Supported: ice,replaces,\r\n outbound\r\n"
    "Content-Type: application/sdp\r\n"
    f"Content-Length: {len(OFFERS['firefox'])}\r\n"
    f"\r\n{OFFERS['firefox']}"
)


def test_a_message_as_jssip_sends_it() -> None:
    read = parse(INVITE)
    assert isinstance(read, SipRequest)
    read.check()
    assert (read.method, read.target.user, read.target.host) == ("INVITE", "246", "localhost")
    assert (read.via.sent_by, read.via.branch) == ("df7jal23ls0d.invalid", "z9hG4bK56sdasks")
    assert read.from_.name == 'Alice, "the" <first>'
    assert (read.from_.uri.text, read.from_.tag) == ("sip:alice@localhost;x=1", "asdyka899")
    assert read.to.tag is None
    assert read.cseq == (1, "INVITE")
    assert [c.parameters["expires"] for c in read.contacts] == ["60"]
    assert all(read.lists(tag) for tag in ("ice", "replaces", "outbound"))
    assert read.body == OFFERS["firefox"]
    assert parse(INVITE.encode()) == read


def test_short_names_and_any_case() -> None:
    text = (
        "SIP/2.0 200 \r\nv: SIP / 2.0 / WSS a.invalid ; branch=b , SIP/2.0/WSS b;branch=c\r\n"
        "F: sip:a@b;tag=1\r\nt: sip:c@d;TAG=2\r\ni: x\r\ncSEQ: 2 \t BYE\r\nL: 0\r\n\r\nleft over"
    )
    read = parse(text)
    assert isinstance(read, SipResponse)
    read.check()
    assert (read.status, read.reason, read.body) == (200, "", "")
    assert (read.via.sent_by, read.via.branch) == ("a.invalid", "b")
    # Without brackets, parameters are the header's.
    assert (read.from_.uri.text, read.from_.tag, read.to.tag) == ("sip:a@b", "1", "2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\n",
        "INVITE sip:a@b\r\n\r\n",
        "INV ITE sip:a@b SIP/2.0\r\n\r\n",
        "SIP/2.0 700 No\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nno header\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nbad name: x\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nSubject: a\nInjected: b\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\n" + "X: y\r\n" * 201 + "\r\n",
        "INVITE sip:\x00a@b SIP/2.0\r\n\r\n",
        b"INVITE sip:\xff@b SIP/2.0\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nX: \udcff\r\n\r\n",
        INVITE + "x" * 200_000,
    ],
)
def test_what_is_no_message(text: str | bytes) -> None:
    with pytest.raises(UnreadableError):
        parse(text)


@STEADY
@given(HOSTILE | st.binary())
def test_anything_is_read_or_refused(text: str | bytes) -> None:
    with pytest.raises(UnreadableError):  # nothing of this has a first line by chance
        parse(text)


@STEADY
@given(st.lists(st.tuples(st.integers(0, len(INVITE)), st.integers(0, 9), HOSTILE), max_size=4))
def test_a_damaged_message_raises_nothing_else(cuts: list[tuple[int, int, str]]) -> None:
    text = INVITE
    for at, length, instead in cuts:
        text = text[:at] + instead + text[at + length :]
    try:
        read = parse(text)
        read.check()
    except (UnreadableError, MalformedError):
        return
    _ = read.via, read.from_, read.to, read.call_id, read.cseq, read.contacts
    if isinstance(read, SipRequest):
        # What it is answered with is a message again, and one of as many headers.
        response = answer(read, 404, tag="t")
        again = parse(str(response))
        assert isinstance(again, SipResponse)
        again.check()
        assert len(tuple(again.headers)) == len(tuple(response.headers)) + 1
        assert again.to.tag in (read.to.tag, "t")


@STEADY
@given(HOSTILE)
def test_each_part_is_read_or_refused(text: str) -> None:
    for read in (grammar.uri, grammar.address, grammar.via, grammar.cseq, grammar.seconds,
                 grammar.credentials, lambda t: grammar.addresses([t])):  # fmt: skip
        with contextlib.suppress(MalformedError):
            read(text)


@STEADY
@given(HOSTILE)
def test_pieces_lose_nothing(text: str) -> None:
    parts = grammar.pieces(text, ",")
    assert "".join(",".join(parts).split()) == "".join(text.split())
    assert all(part == part.strip() for part in parts)


@STEADY
@given(st.text())
def test_quoting_can_be_undone(text: str) -> None:
    assert grammar.unquoted(grammar.quoted(text)) == text
    assert grammar.pieces(grammar.quoted(text), ",") == [grammar.quoted(text)]


@STEADY
@given(st.text(min_size=1), st.text())
def test_whoever_is_called_is_written_so_that_it_can_be_read(user: str, name: str) -> None:
    try:
        user.encode()
    except UnicodeEncodeError:
        return
    text = written(user, name)
    assert "\r" not in text
    assert "\n" not in text
    read = grammar.address(text)
    assert read.uri.user == user
    assert read.name == "".join(c if c.isprintable() else " " for c in name).strip()


def test_credentials() -> None:
    text = 'Digest username="a \\"b\\", c", realm=x, qop=auth , nc=00000001'
    assert grammar.credentials(text) == {
        "username": 'a "b", c',
        "realm": "x",
        "qop": "auth",
        "nc": "00000001",
    }
    assert grammar.credentials("Basic YTpi") is None
    with pytest.raises(MalformedError):
        grammar.credentials("Digest username")


def test_an_open_quote_takes_no_longer() -> None:
    """What sipmessage took minutes for."""
    text = 'Digest username="a' + ', realm="b' * 20_000
    grammar.credentials(text)
    parse("INVITE sip:a@b SIP/2.0\r\nAuthorization: " + "\\" * 150_000 + "\r\n\r\n")
    for letter in '"<>,;=@:\\ ':
        grammar.pieces(letter * 20_000, ",")


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("300", 300), ("9" * 40, 2**31), ("00000000001", 0)]
)
def test_seconds(text: str, value: int) -> None:
    assert grammar.seconds(text) == value


@pytest.mark.parametrize("text", ["", "-1", "1.5", "²", "٣", "soon"])
def test_what_is_no_number_of_seconds(text: str) -> None:
    with pytest.raises(MalformedError):
        grammar.seconds(text)
