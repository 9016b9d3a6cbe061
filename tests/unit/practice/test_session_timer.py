"""Calls that end when nobody refreshes them (RFC 4028), message by message."""

from __future__ import annotations

from .exchange import Exchange
from .scripted import Dialog, ScriptedPhone

UPDATES = "Allow: INVITE, ACK, BYE, UPDATE"


def talk(
    exchange: Exchange, asked: tuple[str, ...] = (), agreed: tuple[str, ...] = ()
) -> tuple[ScriptedPhone, Dialog, ScriptedPhone, Dialog]:
    """Alice, who said ``asked`` in her INVITE, and bob, who said ``agreed`` in his answer."""
    alice, bob = exchange.registered("alice"), exchange.registered("bob")
    alice.invite("bob", *asked, body="v=0 offer")
    assert alice.take().status == 100
    invite = bob.only()
    assert invite["Session-Expires"] == "1800"
    bob.answer(invite, 200, *agreed, body="v=0 answer")
    dialog = alice.acknowledge(alice.only())
    bob.take()
    return alice, dialog, bob, bob.callee_of(invite)


def test_a_phone_that_refreshes_its_call_keeps_it(exchange: Exchange) -> None:
    asked = ("Session-Expires: 90", "Supported: timer")
    alice, dialog, bob, _ = talk(exchange, asked)
    for _ in range(5):
        exchange.clock.turn(45)
        alice.within(dialog, "UPDATE", *asked)
        answer = alice.only()
        assert answer.status == 200
        assert answer["Session-Expires"] == "90;refresher=uac"
        assert answer["Require"] == "timer"
    assert not bob.heard, "that is between each phone and the PBX"
    # A third of the interval before its end (section 10).
    exchange.clock.turn(59.9)
    assert not alice.heard
    exchange.clock.turn(0.2)
    assert alice.only().method == "BYE"
    assert bob.only().method == "BYE"


def test_a_phone_that_knows_no_timers_is_refreshed(exchange: Exchange) -> None:
    alice, _, bob, _ = talk(exchange, ("Session-Expires: 200;refresher=uas", UPDATES))
    for _ in range(3):
        exchange.clock.turn(100)
        update = alice.only()
        assert update.method == "UPDATE"
        assert update["Session-Expires"] == "200;refresher=uac"
        assert not update.body
        alice.answer(update, 200, "Session-Expires: 200;refresher=uac", UPDATES)
    assert not bob.heard


def test_without_update_the_same_description_is_offered_again(exchange: Exchange) -> None:
    alice, _, bob, _ = talk(exchange, agreed=("Session-Expires: 300;refresher=uac",))
    exchange.clock.turn(150)
    again = bob.only()
    assert (again.method, again.body) == ("INVITE", "v=0 offer")
    bob.answer(again, 200, "Session-Expires: 300;refresher=uac", body="v=0 answer")
    assert bob.only().method == "ACK"
    assert not alice.heard


def test_a_refresh_that_meets_something_else_is_tried_again(exchange: Exchange) -> None:
    alice, dialog, bob, _ = talk(exchange, agreed=("Session-Expires: 300;refresher=uac", UPDATES))
    exchange.clock.turn(140)
    alice.within(dialog, "UPDATE", body="v=0 more")
    offered = bob.only()
    exchange.clock.turn(10)
    assert not bob.heard, "an offer is under way"
    bob.answer(offered, 200, "Session-Expires: 300;refresher=uac", body="v=0 fine")
    exchange.clock.turn(150)
    refresh = bob.only()
    assert (refresh.method, refresh.body) == ("UPDATE", "")
    bob.answer(refresh, 500)
    exchange.clock.turn(5)
    assert bob.only().method == "UPDATE"


def test_a_refresh_that_is_answered_with_481_ends_the_call(exchange: Exchange) -> None:
    alice, _, bob, _ = talk(exchange, agreed=("Session-Expires: 300;refresher=uac", UPDATES))
    exchange.clock.turn(150)
    bob.answer(bob.only(), 481)
    assert bob.only().method == "BYE"
    assert alice.only().method == "BYE"


def test_a_phone_that_answers_no_refresh_is_given_up(exchange: Exchange) -> None:
    alice, _, bob, _ = talk(exchange, agreed=("Session-Expires: 300;refresher=uac", UPDATES))
    exchange.clock.turn(150 + 32.1)
    assert [m.method for m in bob.heard] == ["UPDATE", "BYE"]
    assert alice.only().method == "BYE"


def test_a_refresh_with_too_short_an_interval(exchange: Exchange) -> None:
    alice, dialog, bob, _ = talk(exchange, ("Session-Expires: 90", "Supported: timer"))
    alice.within(dialog, "UPDATE", "Session-Expires: 30")
    answer = alice.only()
    assert (answer.status, answer["Min-SE"]) == (422, "90")
    assert not bob.heard


def test_calls_without_timers_last(exchange: Exchange) -> None:
    alice, _, bob, _ = talk(exchange)
    exchange.clock.turn(100_000)
    assert not alice.heard
    assert not bob.heard
