"""The attack: a phone or a PBX that says too much, or what is not to be seen or would act."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.devserver.masking import masked
from cmp_bundle.devserver.readable import readable
from cmp_bundle.devserver.sip_log import KEPT, KEPT_CHARACTERS, LONGEST, SipLog

SECRET = "0123456789abcdef0123456789abcdef"
DIGEST = f'Digest username="alice", realm="x", uri="sip:x", response="{SECRET}"'

HIDDEN = {
    "as it should be": f"Authorization: {DIGEST}",
    "of a proxy": f"Proxy-Authorization: {DIGEST}",
    "without a blank": f"Authorization:{DIGEST}",
    "blanks before the colon": f"Authorization \t : {DIGEST}",
    "blanks before the name": f"  Authorization: {DIGEST}",
    "in capitals": f"AUTHORIZATION: {DIGEST}",
    "in small letters": f"proxy-authorization: {DIGEST}",
    "folded": f'Authorization: Digest username="alice",\n   response="{SECRET}"',
    "folded again and again": f'Authorization:\n Digest\n\tusername="alice"\n ,response="{SECRET}"',
    "folded before the colon": f"Authorization\n : {DIGEST}",
    "what the PBX proves itself with": f'Authentication-Info: rspauth="{SECRET}", qop=auth',
    "the same of a proxy": f'Proxy-Authentication-Info: rspauth="{SECRET}"',
    "a key of media": f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SECRET}",
    "a key among capabilities": f"a=acap:1 crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SECRET}",
    "a key of old": f"k=base64:{SECRET}",
    "MIKEY": f"a=key-mgmt:mikey {SECRET}",
    "ICE": f"a=ice-pwd:{SECRET}",
    "ICE, in capitals": f"A=ICE-PWD: {SECRET}",
    "a password in an address": f"Contact: <sip:alice:{SECRET}@pbx>",
}  # fmt: skip


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"])
@pytest.mark.parametrize("how", HIDDEN)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_what_proves_an_identity_is_never_kept(how: str, end: str, as_bytes: bool) -> None:
    """However lines end: what is shown is what somebody copies into a ticket."""
    text = f"REGISTER sip:x SIP/2.0\nCall-ID: one\n{HIDDEN[how]}\nCSeq: 1 REGISTER\n\n"
    body = f"{text}v=0\n{HIDDEN[how]}\na=sendrecv\n"
    for message in (text, body):
        sent = message.replace("\n", end)
        log = SipLog()
        log.opened(1)
        log.saw(1, sent.encode() if as_bytes else sent, from_phone=True)
        [phone] = log.phones
        [kept] = phone.messages
        assert SECRET not in repr(phone)
        assert "(masked)" in kept.text
        assert "\nCSeq: 1 REGISTER" in kept.text, "what follows is not hidden with it"


def test_what_asks_for_credentials_is_shown() -> None:
    challenge = 'WWW-Authenticate: Digest realm="pbx", nonce="1234"'
    assert masked(challenge) == challenge


@given(
    st.lists(st.sampled_from(["Authorization", ":", " ", "\n", "\t", "a=", "crypto:", SECRET, "x"]))
)
def test_masking_twice_is_masking_once(parts: list[str]) -> None:
    text = "".join(parts)
    assert masked(masked(text)) == masked(text)


HEAD = "INVITE sip:246@x SIP/2.0\r\nCall-ID: {}\r\nFrom: <sip:a@x>\r\nTo: <sip:246@x>\r\n\r\n"


@pytest.mark.slow
@pytest.mark.parametrize("as_bytes", [False, True])
def test_five_hundred_messages_of_ten_megabytes(as_bytes: bool) -> None:
    log = SipLog()
    text = HEAD.format(1) + "a=x\r\n" * 2_000_000
    message = text.encode() if as_bytes else text
    for number in range(KEPT):
        log.saw(1, message, from_phone=bool(number % 2))
    kept = log.calls[0].messages
    assert sum(len(message.text) for message in kept) <= KEPT_CHARACTERS
    assert kept[0].text.endswith(
        f"… cut here: the message has {len(text)} {'bytes' if as_bytes else 'characters'}"
    )
    assert len(kept) > 50


def test_a_message_as_long_as_they_get_is_kept_whole() -> None:
    log = SipLog()
    text = HEAD.format(1) + "a=x\r\n" * 4000
    log.saw(1, text, from_phone=True)
    [message] = log.calls[0].messages
    assert message.text == text.replace("\r\n", "\n").rstrip("\n")


@pytest.mark.parametrize("name", ["Call-ID", "From", "To", "CSeq", "Contact", "X"])
def test_names_are_short(name: str) -> None:
    """Each stands in several places, and is kept as long as its phone is connected."""
    long = "x" * LONGEST
    log = SipLog()
    log.opened(1)
    for first in (f"INVITE {long} SIP/2.0", "SIP/2.0 200 OK", f"SIP/2.0 486 {long}"):
        for method in ("INVITE", "REGISTER"):
            log.saw(
                1, f"{first}\r\n{name}: sip:{long}\r\nCSeq: 1 {method}\r\n\r\n", from_phone=True
            )
    for call in log.calls:
        assert max(map(len, (call.id, call.caller, call.called, call.state))) < 300
    for phone in log.phones:
        assert max(len(phone.name), len(phone.state)) < 300
        assert all(max(len(m.summary), len(m.call)) < 300 for m in phone.messages)


def test_nothing_acts_where_it_is_pasted() -> None:
    """A terminal obeys ESC; marks of direction show another text than there is."""
    nasty = "\x1b[2J\x1b]0;title\x07\x08\x7f\x9b31m\u202eevil\u2066\u200b\ufeff\ud800"
    log = SipLog()
    text = f"SIP/2.0 486 {nasty}\r\nCall-ID: one\r\nTo: <sip:{nasty}@x>\r\nCSeq: 1 REGISTER\r\n\r\n{nasty}"
    log.opened(1)
    log.saw(1, text, from_phone=False)
    [phone] = log.phones
    texts = [
        phone.name,
        phone.state,
        *(s for m in phone.messages for s in (m.text, m.summary, m.call)),
    ]
    for kept in texts:
        assert all(c in "\n\t" or c.isprintable() for c in kept), kept
    assert r"486 \x1b[2J" in phone.messages[0].summary


@given(st.text(), st.integers(1, 20))
def test_readable(text: str, most: int) -> None:
    result = readable(text, most)
    assert all(c in "\n\t" or c.isprintable() for c in result)
    assert len(result) <= 10 * (most + 1)
    if text.isprintable() and len(text) <= most:
        assert result == text
