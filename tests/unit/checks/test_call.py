"""The test call: what is said to a server, in which order, and what comes of its answers."""

from __future__ import annotations

import pytest

from cmp_bundle.accounts.model import Account, with_ha1
from cmp_bundle.checks.offer import Candidate
from cmp_bundle.findings import Level
from tests.unit.practice.scripted import ANSWERS, Message

from .scripted_pbx import (
    ALICE,
    PASSWORD,
    WELL,
    Say,
    ScriptedPbx,
    answered,
    asking,
    codes,
    reply,
    tried,
    try_all,
    within,
)


def test_all_is_well(pbx: ScriptedPbx) -> None:
    proof = tried()
    assert (proof.registered, proof.answered, proof.findings) == (True, True, ())
    assert proof.contacts == 0
    assert Candidate("127.0.0.1", 59109, "host") in proof.candidates
    assert Candidate("fd00::2", 56542, "host") in proof.candidates
    assert all(one.port != 9 for one in proof.candidates), "those of TCP lead nowhere"
    assert pbx.methods() == WELL
    assert pbx.bindings == []


def test_what_it_says_is_what_a_browser_says(pbx: ScriptedPbx) -> None:
    tried()
    query, bind, unbind = pbx.asked("REGISTER")[1::2]
    assert not query.has("Contact")
    assert bind["Contact"] == unbind["Contact"]
    assert (bind["Expires"], unbind["Expires"]) == ("60", "0")
    assert query.start == "REGISTER sip:pbx.example SIP/2.0"
    assert query["To"] == "<sip:alice@pbx.example>"
    invite = pbx.asked("INVITE")[1]
    assert invite.start == "INVITE sip:246@pbx.example SIP/2.0"
    assert invite["Session-Expires"] == "90", "so that Asterisk sees when this end is killed"
    assert ".invalid;branch=z9hG4bK" in invite["Via"]
    first, second = pbx.asked("ACK")
    assert first.branch == pbx.asked("INVITE")[0].branch, "of the refusal, in its transaction"
    assert first["To"].endswith(";tag=pbx")
    (bye,) = pbx.asked("BYE")
    for inside in (second, bye):
        assert inside.start.split()[1] == "sip:there.example;transport=ws"
        assert inside["To"].endswith(";tag=pbx")
        assert inside["Call-ID"] == invite["Call-ID"]
        assert inside.branch != invite.branch
        assert inside["Via"].startswith(invite["Via"].partition(";")[0])
    assert (second.number, bye.number) == (invite.number, invite.number + 1)
    agents = {m["User-Agent"] for m in pbx.heard if m.has("User-Agent")}
    assert len(agents) == 1
    assert agents.pop().startswith("cmp-bundle ")


def test_a_phone_in_use_is_left_alone(pbx: ScriptedPbx) -> None:
    pbx.bindings = ["<sip:a@x.invalid>;expires=59", "<sip:b@x.invalid>;expires=20", "<sip:c@x>"]
    proof = tried()
    assert (proof.registered, proof.answered, proof.contacts) == (True, True, 2)
    assert not any(m.has("Contact") for m in pbx.asked("REGISTER"))
    assert len(pbx.bindings) == 3


def test_contacts_of_the_configuration_are_no_phones(pbx: ScriptedPbx) -> None:
    pbx.bindings = ["<sip:c@x>"]
    assert tried().contacts == 0
    assert len(pbx.asked("REGISTER")) == 6


@pytest.mark.usefixtures("pbx")
def test_ha1_in_place_of_the_password() -> None:
    assert tried(with_ha1(ALICE, "asterisk")).answered


def test_the_name_to_authenticate_with(pbx: ScriptedPbx) -> None:
    assert tried(Account("alice", auth_name="a l", password=PASSWORD)).answered
    assert 'username="a l"' in pbx.asked("INVITE")[1]["Authorization"]
    assert "<sip:alice@" in pbx.asked("INVITE")[1]["From"]


# What stands against a registration.


def test_a_wrong_password_is_tried_once(pbx: ScriptedPbx) -> None:
    proof = tried(Account("alice", password="gr1ffin"))
    assert codes(proof) == ["registration-refused"]
    assert (proof.registered, proof.answered) == (False, False)
    assert pbx.methods() == ["REGISTER", "REGISTER"]
    assert "wonder" not in str(proof)
    assert "gr1ffin" not in str(proof)


@pytest.mark.parametrize(("times", "tries", "works"), [(1, 2, True), (9, 2, False)])
def test_a_challenge_that_was_too_old(
    pbx: ScriptedPbx, times: int, tries: int, works: bool
) -> None:
    stale = [True] * times

    def register(message: Message) -> list[Say]:
        if pbx.proven(message) and stale:
            stale.pop()
            header = pbx.challenge.format(nonce="new") + ", stale=true"
            return [reply(message, 401, f"WWW-Authenticate: {header}")]
        return pbx.well(message)

    pbx.on["REGISTER"] = register
    assert tried().registered is works
    first = pbx.asked("REGISTER")[: 1 + tries]
    assert [m.has("Authorization") for m in first] == [False, *[True] * tries]
    if not works:
        assert len(pbx.heard) == 1 + tries


def test_a_proxy_asks(pbx: ScriptedPbx) -> None:
    def register(message: Message) -> list[Say]:
        if message.has("Proxy-Authorization"):
            return [reply(message, 200, "Contact: <sip:a@x>;expires=9")]
        header = pbx.challenge.format(nonce="n")
        return [reply(message, 407, f"Proxy-Authenticate: {header}")]

    pbx.on["REGISTER"] = register
    assert tried().registered


@pytest.mark.parametrize(
    ("status", "code", "calls"),
    [
        (403, "registration-forbidden", True),
        (404, "R111", True),
        (500, "R108", False),
        (503, "registration-failed", False),
        (299, None, True),
        (302, "registration-failed", False),
        (678, "registration-failed", False),
    ],
)
def test_answers_to_a_registration(
    pbx: ScriptedPbx, status: int, code: str | None, calls: bool
) -> None:
    def register(message: Message) -> list[Say]:
        return [reply(message, status) if pbx.proven(message) else pbx.challenged(message)]

    pbx.on["REGISTER"] = register
    proof = tried()
    assert codes(proof) == ([code] if code else [])
    assert proof.registered is (code is None)
    assert proof.answered is calls
    assert ("INVITE" in pbx.methods()) is calls


def test_a_contact_alone_is_refused(pbx: ScriptedPbx) -> None:
    """As where a phone came meanwhile, and there is room for one."""

    def register(message: Message) -> list[Say]:
        if pbx.proven(message) and message.has("Contact"):
            return [reply(message, 403)]
        return pbx.well(message)

    pbx.on["REGISTER"] = register
    proof = tried()
    assert codes(proof) == ["registration-forbidden"]
    assert len(pbx.asked("REGISTER")) == 4, "what was refused need not be taken away"


def test_anybody_is_in(pbx: ScriptedPbx) -> None:
    pbx.on["REGISTER"] = lambda m: [reply(m, 200)]
    proof = tried()
    assert codes(proof) == ["R109"]
    assert proof.findings[0].level is Level.ERROR
    assert proof.answered


@pytest.mark.parametrize(
    "challenges",
    [
        [],
        ['Digest realm="asterisk", nonce="n", algorithm=SHA-256, qop="auth"'],
        ['Digest realm="a", nonce="n"', 'Digest realm="a", nonce="n", algorithm=SHA-256'],
        ['Digest realm="a", nonce="n", qop="auth-int"'],
        ['Digest realm="a"'],
        ['Basic realm="a"'],
        ["Digest x"],
    ],
)
def test_challenges_that_a_browser_cannot_meet(pbx: ScriptedPbx, challenges: list[str]) -> None:
    pbx.on["REGISTER"] = lambda m: [reply(m, 401, *(f"WWW-Authenticate: {c}" for c in challenges))]
    assert codes(tried()) == ["R114"]
    assert pbx.methods() == ["REGISTER"]


@pytest.mark.parametrize(
    "challenge",
    [
        'Digest realm="asterisk", nonce="{nonce}"',
        'Digest nonce="{nonce}", realm="asterisk", qop="auth-int,auth", algorithm=md5',
        'Digest realm="asterisk", nonce="x", algorithm=SHA-256\r\nWWW-Authenticate: '
        'Digest realm="asterisk", nonce="{nonce}", algorithm=MD5',
    ],
)
def test_challenges_that_it_can(pbx: ScriptedPbx, challenge: str) -> None:
    pbx.challenge = challenge
    assert tried().answered


def test_a_digest_for_another_realm(pbx: ScriptedPbx) -> None:
    proof = tried(with_ha1(ALICE, "elsewhere"))
    assert codes(proof) == ["R113"]
    assert "'elsewhere'" in proof.findings[0].message
    assert pbx.methods() == ["REGISTER"], "it was not tried"


def test_no_password(pbx: ScriptedPbx) -> None:
    proof = tried(Account("alice"))
    assert (proof.tried, codes(proof)) == (False, ["not-tried"])
    assert pbx.heard == []


# What stands against a call.


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (488, "call-incompatible"),
        (500, "S105"),
        (404, "S107"),
        (422, "session-timer"),
        (401, "call-refused"),
        (486, "call-refused"),
        (302, "call-refused"),
    ],
)
def test_answers_to_a_call(pbx: ScriptedPbx, status: int, code: str) -> None:
    def invite(message: Message) -> list[Say]:
        if not pbx.proven(message):
            return [pbx.challenged(message)]
        return [reply(message, 100), reply(message, 180), reply(message, status)]

    pbx.on["INVITE"] = invite
    proof = tried()
    assert codes(proof) == [code]
    assert (proof.registered, proof.answered) == (True, False)
    assert pbx.methods()[6:] == ["INVITE", "ACK", "INVITE", "ACK"], "and no BYE"


SILENT = "\r\n".join(
    line for line in ANSWERS["chromium"].splitlines() if not line.startswith("a=candidate")
)
REFUSED = ANSWERS["chromium"].replace("m=audio 59109", "m=audio 0")
PLAIN = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (SILENT, "M110"),
        (REFUSED, "call-incompatible"),
        (PLAIN, "call-incompatible"),
        ("", "call-incompatible"),
        ("nonsense", "call-incompatible"),
    ],
)
def test_what_the_answer_describes(pbx: ScriptedPbx, body: str, code: str) -> None:
    pbx.on["INVITE"] = lambda m: [answered(m, body)] if pbx.proven(m) else [pbx.challenged(m)]
    proof = tried()
    assert codes(proof) == [code]
    assert proof.answered
    assert proof.candidates == ()
    assert pbx.methods()[-1] == "BYE"


@pytest.mark.parametrize(("seconds", "slow"), [(2.9, []), (3.5, ["call-slow"]), (9, ["call-slow"])])
def test_a_slow_answer(pbx: ScriptedPbx, seconds: float, slow: list[str]) -> None:
    pbx.on["INVITE"] = lambda m: (
        [reply(m, 100), (seconds, answered(m))] if pbx.proven(m) else pbx.well(m)
    )
    proof = tried()
    assert codes(proof) == slow
    assert all(f.level is Level.WARNING for f in proof.findings)
    assert proof.answered
    assert proof.seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("seconds", "found"), [(0, ["call-ended"]), (0.9, ["call-ended"]), (1.1, [])]
)
def test_the_server_hangs_up(pbx: ScriptedPbx, seconds: float, found: list[str]) -> None:
    pbx.on["ACK"] = lambda m: [(seconds, within(m, "BYE"))] if len(pbx.asked("ACK")) == 2 else []
    assert codes(tried()) == found
    assert pbx.methods()[-1] == ("200 BYE" if found else "BYE"), "one of them says it"


@pytest.mark.parametrize(("lost", "found"), [(1, []), (9, ["S113"])])
def test_the_server_does_not_get_the_ack(pbx: ScriptedPbx, lost: int, found: list[str]) -> None:
    """It answers again after half a second and a second more, as Asterisk does."""
    acks: list[Message] = []
    answers: list[str] = []

    def invite(message: Message) -> list[Say]:
        if not pbx.proven(message):
            return list(pbx.well(message))
        answers.append(answered(message))
        return [answers[0]]

    def ack(message: Message) -> list[Say]:
        acks.append(message)
        number = len(acks) - 1  # without that of the challenge
        return [(number / 2, answers[0])] if 0 < number <= lost else []

    pbx.on |= {"INVITE": invite, "ACK": ack}
    proof = tried()
    assert codes(proof) == found
    assert len(acks) == (3 if lost == 1 else 4), "each answer is acknowledged"
    assert pbx.methods()[-1] == "BYE"


def test_a_bye_of_another_call_ends_nothing(pbx: ScriptedPbx) -> None:
    pbx.on["ACK"] = lambda _: [asking("BYE", to="<sip:x@y>;tag=1")]
    assert codes(tried()) == []
    assert "BYE" in pbx.methods()


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("INVITE", "v=0", 488),
        ("INVITE", "", 488),
        ("UPDATE", "v=0", 488),
        ("UPDATE", "", 200),
        ("OPTIONS", "", 200),
        ("INFO", "x", 200),
        ("NOTIFY", "x", 200),
        ("REFER", "", 405),
    ],
)
def test_what_the_server_asks_in_the_call(
    pbx: ScriptedPbx, method: str, body: str, status: int
) -> None:
    acks = []

    def ack(message: Message) -> list[Say]:
        acks.append(message)
        return [within(message, method, 7, body)] if len(acks) == 2 else []

    pbx.on["ACK"] = ack
    assert codes(tried()) == []
    after = pbx.methods()[pbx.methods().index("INVITE") :]
    assert after == ["INVITE", "ACK", "INVITE", "ACK", f"{status} {method}", "BYE"]


@pytest.mark.parametrize(("method", "held"), [("INVITE", 0.5), ("UPDATE", 0.5), ("INFO", 1.0)])
def test_a_server_that_asks_for_something_keeps_the_call(
    pbx: ScriptedPbx, method: str, held: float
) -> None:
    """As StreamEcho does for its pictures: then nothing more is waited for."""
    pbx.on["ACK"] = lambda m: [(0.5, within(m, method, body="v=0"))]
    (proof,), seconds = try_all([ALICE])
    assert codes(proof) == []
    assert seconds == pytest.approx(held)


@pytest.mark.parametrize(
    ("method", "status"), [("OPTIONS", 200), ("NOTIFY", 200), ("INVITE", 480), ("MESSAGE", 405)]
)
def test_what_the_server_asks_by_itself(pbx: ScriptedPbx, method: str, status: int) -> None:
    """Whoever rings the account in this moment is told that nobody is there, as it was before."""
    pbx.greeting = [asking(method)]
    assert codes(tried()) == []
    (answer,) = (m for m in pbx.heard if m.status and m["Call-ID"] == "another")
    assert answer.status == status
