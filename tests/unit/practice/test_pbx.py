"""The practice PBX as phones meet it, message by message; media are in test_media_call."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys

import pytest

from cmp_bundle.practice.account import DEMO, PracticeAccount
from cmp_bundle.practice.connection import MOST_TRANSACTIONS
from cmp_bundle.practice.pbx import PracticePbx

from .exchange import Exchange
from .scripted import PASSWORDS, ScriptedPhone, md5
from .ticking import Ticking


@pytest.fixture
def alice(exchange: Exchange) -> ScriptedPhone:
    return exchange.phone()


# Registering.


def test_a_phone_registers_refreshes_and_unregisters(
    exchange: Exchange, alice: ScriptedPhone
) -> None:
    answer = alice.register("Expires: 60")
    assert answer.status == 200
    assert answer["Contact"] == f"<{alice.contact}>;expires=60"
    exchange.clock.turn(59)
    assert alice.register("Expires: 60", number=3).status == 200
    gone = alice.register("Expires: 0", number=5)
    assert gone.status == 200
    assert not gone.has("Contact")
    assert exchange.clock.waiting == 0


def test_a_wrong_password_is_asked_for_once_more_and_then_refused(
    exchange: Exchange, alice: ScriptedPhone
) -> None:
    assert [alice.register(password="wrong", number=n).status for n in (1, 3, 5)] == [401, 403, 403]
    assert alice.register(number=7).status == 200
    assert alice.register(password="wrong", number=9).status == 401, "it counts anew"
    other = exchange.phone()
    assert other.register(password="wrong").status == 401, "each connection for itself"


def test_an_account_that_is_not_there_is_treated_like_a_wrong_password(exchange: Exchange) -> None:
    stranger = exchange.phone("stranger")
    for status in (401, 403):
        assert stranger.register(password="x").status == status


def test_an_account_with_a_login_and_ha1_of_its_own_realm() -> None:
    secret = md5("david:example.org:secret")
    exchange = Exchange(PracticeAccount("dave", auth_name="david", ha1=secret, realm="example.org"))
    phone = exchange.phone("dave")
    phone.login = "david"
    # What it answers holds the realm that it was challenged for, and so fits HA1 in no other.
    assert phone.register(password="secret").status == 200


def test_the_demo_account_is_what_there_is_by_default() -> None:
    phone = ScriptedPhone(PracticePbx(clock=Ticking()), DEMO.id)
    assert phone.register(password="demo").status == 200


def test_a_challenge_is_good_for_one_answer_and_a_while(
    exchange: Exchange, alice: ScriptedPhone
) -> None:
    who = "<sip:alice@localhost>"
    alice.send("REGISTER", "sip:localhost", to=who, call_id="r")
    proof = alice.credentials(alice.only(), "REGISTER", "sip:localhost")
    alice.send("REGISTER", "sip:localhost", proof, to=who, call_id="r", number=2)
    assert alice.only().status == 200
    alice.send("REGISTER", "sip:localhost", proof, to=who, call_id="r", number=3)
    again = alice.only()
    assert again.status == 401
    assert "stale=true" in again["WWW-Authenticate"]
    proof = alice.credentials(again, "REGISTER", "sip:localhost")
    exchange.clock.turn(121)
    alice.send("REGISTER", "sip:localhost", proof, to=who, call_id="r", number=4)
    assert "stale=true" in alice.only()["WWW-Authenticate"]


def test_accounts_that_come_and_go(exchange: Exchange) -> None:
    alice, bob = exchange.registered("alice"), exchange.registered("bob")
    exchange.pbx.admit([PracticeAccount("alice", password=PASSWORDS["alice"])])
    alice.invite("bob")
    assert alice.only().status == 404
    assert bob.register(number=3).status == 401
    assert alice.register(number=3).status == 200


def test_a_registration_that_is_refused(alice: ScriptedPhone) -> None:
    answer = alice.register("Expires: 5")
    assert (answer.status, answer["Min-Expires"]) == (423, "10")
    assert alice.register("Expires: soon", number=3).status == 400


@pytest.mark.parametrize("how", [{}, {"password": "x", "ha1": "y"}, {"id": "", "password": "x"}])
def test_what_is_no_account(how: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="account"):
        PracticeAccount(**{"id": "alice", **how})


# Numbers.


@pytest.mark.parametrize(("number", "status"), [("249", 486), ("251", 404), ("bob", 480)])
def test_numbers_that_are_refused(
    exchange: Exchange, alice: ScriptedPhone, number: str, status: int
) -> None:
    invite = alice.invite(number)
    *before, answer = alice.heard
    alice.heard.clear()
    assert [m.status for m in before] in ([], [100])
    assert answer.status == status
    assert answer.tag("To")
    exchange.clock.turn(5)
    assert not alice.heard, "nothing is repeated on a connection that loses nothing"
    alice.say(invite.text)
    assert alice.only().text == answer.text, "but the same question has the same answer"
    alice.acknowledge_refusal(invite, answer)
    assert exchange.clock.waiting == 0


def test_a_number_that_rings_for_ever_until_it_is_cancelled(
    exchange: Exchange, alice: ScriptedPhone
) -> None:
    invite = alice.invite("250")
    assert [alice.take().status, alice.only().status] == [100, 180]
    exchange.clock.turn(3600)
    assert not alice.heard
    alice.say(invite.text)
    ringing = alice.only()
    assert ringing.status == 180
    alice.cancel(invite)
    cancelled, terminated = alice.take(), alice.only()
    assert (cancelled.status, cancelled.method) == (200, "CANCEL")
    assert (terminated.status, terminated.method) == (487, "INVITE")
    assert terminated.tag("To") == ringing.tag("To") == cancelled.tag("To")
    alice.cancel(invite)
    assert alice.only().status == 200, "too late, and no harm"
    alice.acknowledge_refusal(invite, terminated)
    assert exchange.clock.waiting == 0
    alice.cancel(invite)
    assert alice.only().status == 481


def test_a_bye_before_the_answer_ends_it_too(alice: ScriptedPhone) -> None:
    alice.invite("250")
    alice.take()
    alice.within(alice.caller_of(alice.only()), "BYE")
    assert {(m.status, m.method) for m in alice.heard} == {(200, "BYE"), (487, "INVITE")}


def test_an_account_comes_before_a_number() -> None:
    exchange = Exchange(
        PracticeAccount("alice", password=PASSWORDS["alice"]), PracticeAccount("249", password="x")
    )
    alice = exchange.phone()
    alice.invite("249")
    assert alice.only().status == 480


# What is no call.


def test_options_are_answered_without_a_password(alice: ScriptedPhone) -> None:
    alice.send("OPTIONS", "sip:localhost")
    answer = alice.only()
    assert answer.status == 200
    assert "INVITE" in answer["Allow"]
    assert answer["Accept"] == "application/sdp"


@pytest.mark.parametrize(
    ("method", "more", "status"),
    [
        ("MESSAGE", (), 405),
        ("SUBSCRIBE", (), 405),
        ("WHATEVER", (), 405),
        ("BYE", (), 481),
        ("UPDATE", (), 481),
        ("INFO", (), 481),
        ("OPTIONS", ("Require: 100rel, timer",), 420),
        ("INVITE", ("Require: gruu",), 420),
        ("CANCEL", (), 481),
    ],
)
def test_what_is_not_understood(
    alice: ScriptedPhone, method: str, more: tuple[str, ...], status: int
) -> None:
    alice.send(method, "sip:246@localhost", *more)
    answer = alice.only()
    assert answer.status == status
    assert answer.tag("To")
    if status == 405:
        assert "INVITE" in answer["Allow"]
    if status == 420:
        assert answer["Unsupported"] in ("100rel", "gruu")


def test_requests_of_calls_that_are_no_more(alice: ScriptedPhone) -> None:
    for method in ("BYE", "INVITE", "INFO", "MESSAGE"):
        alice.send(method, "sip:246@localhost", to="<sip:246@localhost>;tag=gone")
        assert alice.only().status == 481
    alice.send("ACK", "sip:246@localhost", to="<sip:246@localhost>;tag=gone")
    assert not alice.heard


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"), 505, ""),
        (("CSeq: 1 OPTIONS", "CSeq: 1 INVITE"), 400, "another method"),
        (("CSeq: 1", "CSeq: one"), 400, "CSeq"),
        (("To: <", "To: >"), 400, "address"),
        (("Content-Length: 0", "Content-Length: 5"), 400, "Content-Length"),
        (("OPTIONS sip:", "OPTIONS :"), 400, "address"),
        (("Max-Forwards: 70", "Call-ID: again"), 400, "more than one"),
        ((";tag=from-", ";gat=from-"), 400, "tag"),
    ],
)
def test_malformed_requests_are_told_what_is_wrong(
    alice: ScriptedPhone, change: tuple[str, str], status: int, words: str
) -> None:
    text = alice.send("OPTIONS", "sip:localhost").text
    alice.heard.clear()
    assert change[0] in text
    alice.say(text.replace(*change))
    answer = alice.only()
    assert answer.status == status
    assert words in answer.start


def test_what_cannot_be_answered_is_dropped(alice: ScriptedPhone) -> None:
    whole = alice.send("OPTIONS", "sip:localhost").text
    alice.heard.clear()
    for text in (
        "",
        "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\xff\xfe",
        "\ud800",
        "x" * 1_000_000,
        re.sub(r"Via: .*\r\n", "", whole),
        re.sub(r"CSeq: .*\r\n", "", whole),
        whole.partition("\r\n\r\n")[0],
        "SIP/2.0 200 OK\r\n" + whole.partition("\r\n")[2],
        whole.replace("OPTIONS", "ACK").replace("CSeq: 1", "CSeq: one"),
    ):
        alice.say(text)
    assert not alice.heard
    assert not alice.ended
    assert alice.register().status == 200, "it goes on"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (("Max-Forwards: 0",), 483),
        (("Content-Type: text/plain",), 415),
        (("Session-Expires: 60", "Supported: timer"), 422),
        (("Session-Expires: soon",), 400),
        (("Contact: <sip:a@a.invalid>, <sip:b@b.invalid>",), 400),
    ],
)
def test_calls_that_may_not_be(alice: ScriptedPhone, more: tuple[str, ...], status: int) -> None:
    alice.invite("250", *more)
    answer = alice.only()
    assert answer.status == status
    if status == 422:
        assert answer["Min-SE"] == "90"
    if status == 415:
        assert answer["Accept"] == "application/sdp"


def test_only_sip_addresses_are_called(alice: ScriptedPhone) -> None:
    target = "http:250@localhost"
    alice.send("INVITE", target, body="v=0")
    alice.send("INVITE", target, alice.credentials(alice.only(), "INVITE", target), body="v=0")
    assert alice.only().status == 416


# The phone's socket.


def test_a_connection_that_closes_takes_its_registration_along(exchange: Exchange) -> None:
    alice, bob = exchange.registered("alice"), exchange.registered("bob")
    bob.connection.closed()
    bob.connection.closed()
    alice.invite("bob")
    assert alice.only().status == 480
    bob.say("anything")
    assert not bob.heard
    assert not bob.ended


def test_ringing_ends_with_its_phone(exchange: Exchange, alice: ScriptedPhone) -> None:
    alice.invite("250")
    alice.heard.clear()
    alice.connection.closed()
    assert exchange.clock.waiting == 0
    assert not alice.heard


def test_the_end_of_the_pbx_is_told(exchange: Exchange) -> None:
    alice, bob = exchange.registered("alice"), exchange.phone("bob")
    bob.invite("250")
    bob.heard.clear()
    asyncio.run(exchange.pbx.aclose())
    assert bob.only().status == 480
    assert alice.ended == bob.ended == [(1001, "the practice PBX has stopped")]
    assert exchange.clock.waiting == 0


def test_a_page_that_calls_in_a_loop_is_stopped(alice: ScriptedPhone) -> None:
    statuses = []
    for _ in range(40):
        alice.invite("250")
        statuses.append(alice.heard[-1].status)
        alice.heard.clear()
    assert statuses == [180] * 32 + [503] * 8


def test_a_phone_that_asks_and_asks_is_not_remembered_without_end(
    exchange: Exchange, alice: ScriptedPhone
) -> None:
    """A refusal that is not acknowledged is remembered for half a minute, with all of its request."""
    statuses = []
    for _ in range(MOST_TRANSACTIONS + 50):
        alice.send("INVITE", "sip:246@localhost")  # and never an ACK
        statuses.append(alice.heard[-1].status)
        alice.heard.clear()
    assert statuses == [401] * MOST_TRANSACTIONS + [503] * 50
    assert len(alice.connection._serving) == MOST_TRANSACTIONS
    assert exchange.phone().register().status == 200, "others are not held up by it"


# Without the extra.


def test_without_the_extra_it_says_what_to_install() -> None:
    code = """
import sys
sys.modules["aiortc"] = None
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.practice.pbx import PracticePbx
try:
    PracticePbx()
except CmpBundleError as error:
    print(error, "|", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "aiortc, which is not installed" in done.stdout
    assert done.stdout.strip().endswith("| pip install 'cmp-bundle[practice]'")


def test_aiortc_is_imported_late() -> None:
    code = "import sys, cmp_bundle.practice.pbx; print('aiortc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
