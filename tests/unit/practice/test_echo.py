"""The numbers that answer, message by message, with real descriptions and no packets."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from cmp_bundle.practice.echo import EchoCall
from cmp_bundle.practice.media import session
from cmp_bundle.practice.media.sdp import parse

from .exchange import Exchange
from .scripted import ANSWERS, OFFERS, PATIENCE, Dialog, Message, ScriptedPhone

BROWSERS = pytest.mark.parametrize("browser", sorted(OFFERS))


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in a loop; what fails there in the background fails the test."""

    @functools.wraps(test)
    def run(exchange: Exchange, **fixtures: Any) -> None:
        failed: list[BaseException | str] = []

        async def main() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(
                lambda _, c: failed.append(c.get("exception") or c["message"])
            )
            try:
                await test(exchange, **fixtures)
            finally:
                await exchange.pbx.aclose()
            assert exchange.clock.waiting == 0
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, left

        asyncio.run(main())
        assert not failed, failed

    return run


async def answered(phone: ScriptedPhone, number: str, body: str) -> tuple[Message, Message]:
    invite = phone.invite(number, body=body)
    assert (await phone.hears()).status == 100
    return invite, await phone.hears()


async def echoed(phone: ScriptedPhone, number: str, browser: str) -> Dialog:
    _, success = await answered(phone, number, OFFERS[browser])
    assert success.status == 200
    assert [s.kind for s in parse(success.body).sections] == ["audio", "video"]
    return phone.acknowledge(success)


@BROWSERS
@in_loop
async def test_one_picture(exchange: Exchange, browser: str) -> None:
    alice = exchange.phone()
    call = await echoed(alice, "246", browser)
    alice.within(call, "BYE")
    assert (await alice.hears()).status == 200
    again = await echoed(alice, "246", browser)
    assert not alice.heard
    assert again.call_id != call.call_id


@BROWSERS
@in_loop
async def test_four_pictures(exchange: Exchange, browser: str) -> None:
    alice = exchange.phone()
    call = await echoed(alice, "247", browser)
    more = await alice.hears()
    assert more.method == "INVITE"
    offer = parse(more.body)
    assert [s.kind for s in offer.sections] == ["audio", *["video"] * 4]
    assert [s.direction for s in offer.sections] == ["sendrecv"] * 2 + ["sendonly"] * 3
    alice.answer(more, 200, body=ANSWERS[browser])
    assert (await alice.hears()).method == "ACK"
    # And no more, whatever the phone offers next.
    body = ANSWERS[browser].replace("a=setup:active", "a=setup:actpass")
    alice.within(call, "INVITE", body=body)
    success = await alice.hears()
    assert success.status == 200
    assert len(parse(success.body).sections) == 5
    alice.acknowledge(success)
    await exchange.pbx._background.finish()
    assert not alice.heard


@in_loop
async def test_more_pictures_that_meet_an_offer_of_the_phone(exchange: Exchange) -> None:
    alice = exchange.phone()
    call = await echoed(alice, "247", "chromium")
    more = await alice.hears()
    alice.within(call, "INVITE", body=OFFERS["chromium"])
    assert (await alice.hears()).status == 491
    alice.answer(more, 491)
    assert (await alice.hears()).method == "ACK"
    assert not alice.heard
    exchange.clock.turn(2)
    again = await alice.hears()
    assert again.method == "INVITE"
    alice.answer(again, 200, body=ANSWERS["chromium"])
    assert (await alice.hears()).method == "ACK"


@in_loop
async def test_a_phone_that_takes_no_more_pictures_keeps_its_call(exchange: Exchange) -> None:
    alice = exchange.phone()
    call = await echoed(alice, "247", "chromium")
    alice.answer(await alice.hears(), 488)
    assert (await alice.hears()).method == "ACK"
    alice.within(call, "INVITE", body=OFFERS["chromium"])
    alice.acknowledge(await alice.hears())
    alice.within(call, "BYE")
    assert (await alice.hears()).method == "BYE", "nothing more was offered"


@in_loop
async def test_four_pictures_of_a_phone_without_a_camera(exchange: Exchange) -> None:
    sound, _, picture = OFFERS["chromium"].partition("m=video")
    blind = sound.replace("BUNDLE 0 1", "BUNDLE 0")
    alice = exchange.phone()
    _, success = await answered(alice, "247", blind)
    call = alice.acknowledge(success)
    # A camera comes, and so do the pictures.
    seeing = f"{sound}m=video{picture}"
    alice.within(call, "INVITE", body=seeing)
    success = await alice.hears()
    assert success.method == "INVITE"
    assert success.status == 200
    alice.within(call, "ACK", number=call.number)
    assert len(parse((await alice.hears()).body).sections) == 5


@pytest.mark.parametrize(
    "body",
    [
        "not a description",
        OFFERS["chromium"].replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        "".join(x for x in OFFERS["firefox"].splitlines(True) if "fingerprint" not in x),
        OFFERS["firefox"].replace("a=rtcp-mux", "a=rtcp-mixed"),
    ],
)
@in_loop
async def test_descriptions_that_nothing_can_be_made_of(exchange: Exchange, body: str) -> None:
    alice = exchange.phone()
    invite, refusal = await answered(alice, "246", body)
    assert refusal.status == 488
    assert refusal["Warning"].startswith('399 practice.invalid "')
    alice.acknowledge_refusal(invite, refusal)
    call = await echoed(alice, "246", "chromium")
    alice.within(call, "INVITE", body=body)
    assert (await alice.hears()).status == 488
    alice.within(call, "BYE")
    assert (await alice.hears()).status == 200, "the call went on"


@in_loop
async def test_an_offer_that_is_asked_for(exchange: Exchange) -> None:
    """Neither INVITE has a description: the PBX offers, and the ACK answers."""
    alice = exchange.phone()
    _, success = await answered(alice, "246", "")
    assert [s.kind for s in parse(success.body).sections] == ["audio", "video"]
    answer = OFFERS["chromium"].replace("a=setup:actpass", "a=setup:active")
    call = alice.acknowledge(success, body=answer)
    alice.within(call, "INVITE")
    again = await alice.hears()
    assert len(parse(again.body).sections) == 2
    alice.within(call, "ACK", number=call.number, body="nonsense")
    assert (await alice.hears()).method == "BYE"


@in_loop
async def test_being_called_back(exchange: Exchange) -> None:
    alice = exchange.phone()  # not even registered
    await echoed(alice, "248", "firefox")
    bye = await alice.hears()
    assert bye.method == "BYE"
    alice.answer(bye, 200)
    exchange.clock.turn(2.9)
    assert not alice.heard
    exchange.clock.turn(0.1)
    invite = await alice.hears()
    assert invite.start == f"INVITE {alice.contact} SIP/2.0"
    assert invite["From"].startswith('"Practice" <sip:248@')
    assert [s.kind for s in parse(invite.body).sections] == ["audio", "video"]
    alice.answer(invite, 180)
    answer = OFFERS["firefox"].replace("a=setup:actpass", "a=setup:active")
    alice.answer(invite, 200, body=answer)
    assert (await alice.hears()).method == "ACK"
    alice.within(alice.callee_of(invite), "BYE")
    assert (await alice.hears()).status == 200


@pytest.mark.parametrize("how", ["declines", "does not answer", "answers nonsense", "vanishes"])
@in_loop
async def test_a_call_back_that_comes_to_nothing(exchange: Exchange, how: str) -> None:
    alice = exchange.phone()
    await echoed(alice, "248", "chromium")
    alice.answer(await alice.hears(), 200)
    if how == "vanishes":
        alice.connection.closed()
    exchange.clock.turn(3)
    if how == "vanishes":
        return
    invite = await alice.hears()
    alice.answer(invite, 180)
    if how == "declines":
        alice.answer(invite, 480)
        assert (await alice.hears()).method == "ACK"
    elif how == "does not answer":
        exchange.clock.turn(59.9)
        assert not alice.heard
        exchange.clock.turn(0.1)
        cancel = await alice.hears()
        assert cancel.method == "CANCEL"
        alice.answer(cancel, 200)
        alice.answer(invite, 487)
        assert (await alice.hears()).method == "ACK"
    else:
        alice.answer(invite, 200, body="nonsense")
        assert [(await alice.hears()).method for _ in "12"] == ["ACK", "BYE"]
    assert not alice.heard


@in_loop
async def test_cancelling_before_the_answer_is_made(exchange: Exchange) -> None:
    alice = exchange.phone()
    invite = alice.invite("246")
    alice.cancel(invite)
    heard = [(await alice.hears()).status for _ in range(3)]
    assert heard == [100, 200, 487]
    await asyncio.sleep(0)
    assert not alice.heard


@in_loop
async def test_a_second_offer_before_the_first_is_answered(exchange: Exchange) -> None:
    alice = exchange.phone()
    alice.invite("250")
    assert (await alice.hears()).status == 100
    ringing = await alice.hears()
    alice.within(alice.caller_of(ringing), "UPDATE", body=OFFERS["chromium"])
    answer = await alice.hears()
    assert (answer.status, answer["Retry-After"]) == (500, "1")


@in_loop
async def test_a_phone_that_is_never_there_is_hung_up(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_PATIENCE", 0.1)
    alice = exchange.phone()
    lost = asyncio.Event()
    original = EchoCall._lost

    def losing(call: EchoCall) -> None:
        original(call)
        lost.set()

    monkeypatch.setattr(EchoCall, "_lost", losing)
    await echoed(alice, "246", "firefox")
    async with asyncio.timeout(PATIENCE):
        await lost.wait()
    assert not alice.heard, "its BYE may be on the way"
    exchange.clock.turn(2)
    assert (await alice.hears()).method == "BYE"


def test_a_mistake_of_ours_costs_the_phone_its_call_and_is_not_hidden(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ZeroDivisionError

    @in_loop
    async def test(exchange: Exchange) -> None:
        alice = exchange.phone()
        monkeypatch.setattr(session.EchoSession, "answer", fail)
        _, refusal = await answered(alice, "246", OFFERS["chromium"])
        assert refusal.status == 480

    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        test(exchange)


@in_loop
async def test_the_phone_s_socket_vanishes_in_a_call(exchange: Exchange) -> None:
    alice = exchange.phone()
    await echoed(alice, "246", "chromium")
    alice.connection.closed()
    assert exchange.clock.waiting == 0


@in_loop
async def test_the_pbx_ends_its_calls(exchange: Exchange) -> None:
    alice = exchange.phone()
    await echoed(alice, "246", "chromium")
    await exchange.pbx.aclose()
    assert (await alice.hears()).method == "BYE"
    assert alice.ended == [(1001, "the practice PBX has stopped")]
