"""Phones that call one another, message by message."""

from __future__ import annotations

import pytest

from .exchange import Exchange
from .scripted import Dialog, Message, ScriptedPhone


@pytest.fixture
def alice(exchange: Exchange) -> ScriptedPhone:
    return exchange.registered("alice")


@pytest.fixture
def bob(exchange: Exchange) -> ScriptedPhone:
    return exchange.registered("bob")


def ring(
    caller: ScriptedPhone, callee: ScriptedPhone, body: str = "v=0 offer"
) -> tuple[Message, Message]:
    """The INVITE as it was sent, and as it arrived."""
    sent = caller.invite(callee.name, body=body)
    assert caller.take().status == 100
    arrived = callee.only()
    assert arrived.method == "INVITE"
    assert arrived.body == body
    return sent, arrived


def talk(caller: ScriptedPhone, callee: ScriptedPhone) -> tuple[Dialog, Dialog]:
    """A call that stands, as both know it."""
    _, invite = ring(caller, callee)
    callee.answer(invite, 200, "Allow: INVITE, ACK, BYE, UPDATE, INFO", body="v=0 answer")
    success = caller.only()
    assert (success.status, success.body) == (200, "v=0 answer")
    caller_dialog = caller.acknowledge(success)
    assert callee.only().method == "ACK"
    return caller_dialog, callee.callee_of(invite)


def test_a_call_from_ringing_to_its_end(
    exchange: Exchange, alice: ScriptedPhone, bob: ScriptedPhone
) -> None:
    sent, invite = ring(alice, bob)
    assert invite.start == f"INVITE {bob.contact} SIP/2.0"
    assert invite["From"].startswith('"Alice" <sip:alice@')
    # A name cannot bring a header of its own.
    assert invite["To"].startswith('"Bob \\"the builder\\"  X-Bad: 1" <sip:bob@')
    assert invite["Max-Forwards"] == "69"
    assert invite["Call-ID"] != sent["Call-ID"]
    bob.answer(invite, 180)
    bob.answer(invite, 180)
    assert alice.only().status == 180
    bob.answer(invite, 200, body="v=0 answer")
    success = alice.only()
    assert (success.status, success.body) == (200, "v=0 answer")
    assert not bob.heard, "the ACK comes from the other end"
    caller_dialog = alice.acknowledge(success)
    assert bob.only().start.startswith(f"ACK {bob.contact}")
    alice.within(caller_dialog, "BYE")
    assert alice.only().status == 200
    bye = bob.only()
    assert bye.method == "BYE"
    bob.answer(bye, 200)
    exchange.clock.turn(64)
    assert not alice.heard
    assert not bob.heard
    alice.within(caller_dialog, "INFO")
    assert alice.only().status == 481


def test_the_one_who_was_called_hangs_up(alice: ScriptedPhone, bob: ScriptedPhone) -> None:
    _, callee_dialog = talk(alice, bob)
    bob.within(callee_dialog, "BYE")
    assert bob.only().status == 200
    bye = alice.only()
    assert bye.method == "BYE"
    alice.answer(bye, 200)


@pytest.mark.parametrize(
    ("refusal", "passed"), [(486, 486), (480, 480), (603, 603), (503, 480), (302, 480), (404, 404)]
)
def test_a_refusal_passes(
    alice: ScriptedPhone, bob: ScriptedPhone, refusal: int, passed: int
) -> None:
    sent, invite = ring(alice, bob)
    bob.answer(invite, refusal)
    ack = bob.only()
    assert ack.method == "ACK"
    assert ack.branch == invite.branch
    answer = alice.only()
    assert answer.status == passed
    alice.acknowledge_refusal(sent, answer)


def test_cancelling(alice: ScriptedPhone, bob: ScriptedPhone) -> None:
    sent, invite = ring(alice, bob)
    alice.cancel(sent)
    assert [(m.status, m.method) for m in alice.heard] == [(200, "CANCEL"), (487, "INVITE")]
    assert not bob.heard, "not before the phone has said anything (RFC 3261 section 9.1)"
    bob.answer(invite, 180)
    cancel = bob.only()
    assert cancel.start == f"CANCEL {bob.contact} SIP/2.0"
    assert cancel.branch == invite.branch
    bob.answer(cancel, 200)
    bob.answer(invite, 487)
    assert bob.only().method == "ACK"


def test_an_answer_and_a_cancel_that_pass_each_other(
    alice: ScriptedPhone, bob: ScriptedPhone
) -> None:
    sent, invite = ring(alice, bob)
    alice.cancel(sent)
    bob.answer(invite, 200, body="v=0 answer")
    assert [bob.take().method, bob.only().method] == ["ACK", "BYE"]
    assert [(m.status, m.method) for m in alice.heard] == [(200, "CANCEL"), (487, "INVITE")]


def test_all_phones_of_an_account_ring_and_one_answers(
    exchange: Exchange, alice: ScriptedPhone
) -> None:
    desk, mobile, busy = (exchange.registered("bob") for _ in range(3))
    alice.invite("bob")
    invites = [phone.only() for phone in (desk, mobile, busy)]
    busy.answer(invites[2], 486)
    assert busy.only().method == "ACK"
    desk.answer(invites[0], 180)
    assert [alice.take().status, alice.only().status] == [100, 180]
    mobile.answer(invites[1], 200, body="v=0 answer")
    alice.acknowledge(alice.only())
    assert mobile.only().method == "ACK"
    cancel = desk.only()
    assert cancel.method == "CANCEL"
    assert "Call completed elsewhere" in cancel["Reason"]


def test_two_that_answer_at_once(exchange: Exchange, alice: ScriptedPhone) -> None:
    first, second = exchange.registered("bob"), exchange.registered("bob")
    alice.invite("bob")
    first_invite, second_invite = first.only(), second.only()
    first.answer(first_invite, 200, body="v=0 first")
    second.answer(second_invite, 200, body="v=0 second")
    alice.take()
    success = alice.only()
    assert success.body == "v=0 first"
    alice.acknowledge(success)
    assert first.only().method == "ACK"
    assert [m.method for m in second.heard] == ["ACK", "BYE"]


def test_one_phone_declines_for_all(exchange: Exchange, alice: ScriptedPhone) -> None:
    first, second = exchange.registered("bob"), exchange.registered("bob")
    alice.invite("bob")
    second.answer(second.take(), 180)
    first.answer(first.take(), 603)
    assert alice.heard[-1].status == 603
    assert second.only().method == "CANCEL"


def test_phones_that_do_not_answer_at_all(
    exchange: Exchange, alice: ScriptedPhone, bob: ScriptedPhone
) -> None:
    ring(alice, bob)
    exchange.clock.turn(31)
    assert not alice.heard
    exchange.clock.turn(2)
    assert alice.only().status == 480


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_a_phone_that_vanishes_ends_the_call(exchange: Exchange, who: str) -> None:
    phones = {name: exchange.registered(name) for name in ("alice", "bob")}
    talk(phones["alice"], phones["bob"])
    phones.pop(who).connection.closed()
    (left,) = phones.values()
    bye = left.only()
    assert bye.method == "BYE"
    left.answer(bye, 200)


def test_a_caller_that_vanishes_while_it_rings(alice: ScriptedPhone, bob: ScriptedPhone) -> None:
    _, invite = ring(alice, bob)
    bob.answer(invite, 180)
    alice.connection.closed()
    assert bob.only().method == "CANCEL"


def test_a_phone_that_vanishes_while_it_rings(alice: ScriptedPhone, bob: ScriptedPhone) -> None:
    ring(alice, bob)
    bob.connection.closed()
    assert alice.only().status == 480


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("asks", ["alice", "bob"])
def test_something_new_is_offered(
    alice: ScriptedPhone, bob: ScriptedPhone, method: str, asks: str
) -> None:
    dialogs = talk(alice, bob)
    asking, other = (alice, bob) if asks == "alice" else (bob, alice)
    dialog = dialogs[asks == "bob"]
    asking.within(dialog, method, body="v=0 more")
    passed = other.only()
    # Alice's phone did not say that it knows UPDATE.
    assert passed.method == (method if asks == "alice" else "INVITE")
    assert passed.body == "v=0 more"
    assert not asking.heard
    other.answer(passed, 200, body="v=0 fine")
    if method == "UPDATE":
        assert (asking.only().body, [m.method for m in other.heard]) == (
            "v=0 fine",
            ["ACK"] if passed.method == "INVITE" else [],
        )
        return
    success = asking.only()
    assert success.body == "v=0 fine"
    assert not other.heard
    asking.within(dialog, "ACK", number=dialog.number)
    assert other.only().method == "ACK"


def test_something_new_that_is_refused_or_withdrawn(
    alice: ScriptedPhone, bob: ScriptedPhone
) -> None:
    caller_dialog, _ = talk(alice, bob)
    sent = alice.within(caller_dialog, "INVITE", body="v=0 more")
    passed = bob.take()
    bob.answer(passed, 488)
    assert bob.only().method == "ACK"
    refusal = alice.only()
    assert refusal.status == 488
    alice.acknowledge_refusal(sent, refusal)
    sent = alice.within(caller_dialog, "INVITE", body="v=0 more")
    passed = bob.take()
    bob.answer(passed, 100)
    alice.cancel(sent)
    assert [(m.status, m.method) for m in alice.heard] == [(200, "CANCEL"), (487, "INVITE")]
    assert bob.only().method == "CANCEL"
    bob.answer(passed, 487)
    bob.heard.clear()
    alice.heard.clear()
    alice.within(caller_dialog, "BYE")
    assert alice.only().status == 200, "the call goes on until it ends"
    assert bob.only().method == "BYE"


def test_both_offer_at_once(alice: ScriptedPhone, bob: ScriptedPhone) -> None:
    caller_dialog, callee_dialog = talk(alice, bob)
    alice.within(caller_dialog, "INVITE", body="v=0 hers")
    passed = bob.only()
    bob.within(callee_dialog, "INVITE", body="v=0 his")
    assert bob.only().status == 491
    bob.answer(passed, 200, body="v=0 fine")
    assert alice.only().status == 200
    alice.within(caller_dialog, "ACK", number=caller_dialog.number)
    assert bob.only().method == "ACK"


def test_an_offer_that_is_asked_for(alice: ScriptedPhone, bob: ScriptedPhone) -> None:
    """The INVITE has no description, so the answer is in the ACK."""
    _, invite = ring(alice, bob, body="")
    bob.answer(invite, 200, body="v=0 his offer")
    success = alice.only()
    assert success.body == "v=0 his offer"
    alice.acknowledge(success, body="v=0 her answer")
    ack = bob.only()
    assert (ack.method, ack.body) == ("ACK", "v=0 her answer")


def test_keys_and_questions_within_a_call(alice: ScriptedPhone, bob: ScriptedPhone) -> None:
    caller_dialog, _ = talk(alice, bob)
    alice.within(caller_dialog, "INFO", "Content-Type: application/dtmf-relay", body="Signal=5")
    assert alice.only().status == 200
    info = bob.only()
    assert (info.method, info.body) == ("INFO", "Signal=5")
    assert info["Content-Type"] == "application/dtmf-relay"
    bob.answer(info, 200)
    alice.within(caller_dialog, "OPTIONS")
    assert alice.only().status == 200
    alice.within(caller_dialog, "REFER")
    assert alice.only().status == 405
    alice.within(caller_dialog, "INFO", number=1)
    assert alice.only().start == "SIP/2.0 500 Out of Order"
    assert not bob.heard


def test_a_success_is_repeated_until_its_ack_and_then_given_up(
    exchange: Exchange, alice: ScriptedPhone, bob: ScriptedPhone
) -> None:
    _, invite = ring(alice, bob)
    bob.answer(invite, 200, body="v=0 answer")
    exchange.clock.turn(31.9)
    # After 0.5, 1.5, 3.5, 7.5 and so on every 4 seconds (RFC 3261 section 13.3.1.4).
    assert [m.status for m in alice.heard] == [200] * 11
    assert len({m.text for m in alice.heard}) == 1
    alice.heard.clear()
    exchange.clock.turn(0.2)
    assert alice.only().method == "BYE"
    assert [m.method for m in bob.heard] == ["ACK", "BYE"]


def test_a_success_that_is_repeated_is_acknowledged_again(
    alice: ScriptedPhone, bob: ScriptedPhone
) -> None:
    _, invite = ring(alice, bob)
    bob.answer(invite, 200, body="v=0 answer")
    alice.acknowledge(alice.only())
    first = bob.only()
    bob.answer(invite, 200, body="v=0 answer")
    assert bob.only().text == first.text
    assert not alice.heard


def test_both_hang_up_at_once(exchange: Exchange, alice: ScriptedPhone, bob: ScriptedPhone) -> None:
    caller_dialog, callee_dialog = talk(alice, bob)
    alice.within(caller_dialog, "BYE")
    assert alice.only().status == 200
    bye = bob.only()
    bob.within(callee_dialog, "BYE")
    assert bob.only().status == 481, "it has already been told"
    bob.answer(bye, 200)
    exchange.clock.turn(33)
    assert exchange.clock.waiting == 2, "the registrations"


def test_a_bye_that_meets_a_success_without_its_ack(
    exchange: Exchange, alice: ScriptedPhone, bob: ScriptedPhone
) -> None:
    """The BYE from here waits for the ACK (RFC 3261 section 15), the phone's own does not."""
    _, invite = ring(alice, bob)
    bob.answer(invite, 200, body="v=0 answer")
    success = alice.only()
    bob.connection.closed()
    assert not alice.heard
    alice.acknowledge(success)
    assert alice.only().method == "BYE"

    bob = exchange.registered("bob")
    _, invite = ring(alice, bob)
    bob.answer(invite, 200, body="v=0 answer")
    success = alice.only()
    bob.connection.closed()
    alice.within(alice.caller_of(success), "BYE")
    assert alice.only().status == 200
    exchange.clock.turn(64)
    assert not alice.heard


def test_an_answer_without_an_address_is_none(alice: ScriptedPhone, bob: ScriptedPhone) -> None:
    _, invite = ring(alice, bob)
    bob.contact = "sip:a@a>, <sip:b@b"
    bob.answer(invite, 200, body="v=0 answer")
    assert alice.only().status == 500


def test_answers_that_belong_to_nothing(alice: ScriptedPhone, bob: ScriptedPhone) -> None:
    _, invite = ring(alice, bob)
    bob.say(
        bob.send("OPTIONS", "sip:x@y").text.replace("OPTIONS sip:x@y SIP/2.0", "SIP/2.0 200 OK")
    )
    assert bob.only().status == 200
    bob.answer(invite, 180, "Call-ID: again")
    assert not alice.heard
    assert not bob.heard


def test_whoever_calls_itself_is_rung(alice: ScriptedPhone) -> None:
    sent = alice.invite("alice")
    assert alice.take().status == 100
    invite = alice.only()
    assert invite["Call-ID"] != sent["Call-ID"]
    alice.answer(invite, 486)
    assert [m.method for m in alice.heard] == ["ACK", "INVITE"]
    assert alice.heard[1].status == 486
