"""How long a test call waits, for whom, and what it still says when it is stopped."""

from __future__ import annotations

import asyncio

import pytest

from cmp_bundle.accounts.model import Account
from cmp_bundle.checks.call import prove
from tests.unit.practice.scripted import Message

from .scripted_pbx import (
    ALICE,
    PASSWORD,
    WELL,
    Say,
    ScriptedPbx,
    answered,
    codes,
    reply,
    tried,
    try_all,
    within,
)

# Many accounts.


@pytest.mark.usefixtures("pbx")
def test_many_accounts_in_their_order() -> None:
    accounts = [Account(f"a{number}", password=PASSWORD) for number in range(20)]
    accounts[7] = Account("a7", password="gr1ffin")
    done: list[int] = []
    proofs, _ = try_all(accounts, at_once=3, progress=done.append)
    assert [p.account for p in proofs] == [a.id for a in accounts]
    assert [p.account for p in proofs if not p.answered] == ["a7"]
    assert done == list(range(1, 21))


def test_no_account_at_all() -> None:
    assert try_all([])[0] == ()


@pytest.mark.slow
@pytest.mark.usefixtures("pbx")
def test_the_first_hundred_calls_are_held() -> None:
    accounts = [Account(f"a{number}", password=PASSWORD) for number in range(150)]
    proofs, seconds = try_all(accounts, at_once=8)
    assert all(p.answered for p in proofs)
    assert seconds == pytest.approx(100 // 8 + 1)


def test_calls_are_held_as_long_as_the_server_ends_some(
    pbx: ScriptedPbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another context may have another echo."""
    monkeypatch.setattr("cmp_bundle.checks.call._MOST_HELD", 1)
    accounts = [Account(f"a{number}", password=PASSWORD) for number in range(6)]
    pbx.on["ACK"] = lambda m: [] if "sip:a4@" in m["From"] else [(0.5, within(m, "BYE"))]
    proofs, seconds = try_all(accounts)
    assert [codes(p) for p in proofs] == [["call-ended"]] * 4 + [[]] * 2
    assert seconds == pytest.approx(4 * 0.5 + 1)


def test_a_server_that_is_not_there() -> None:
    proofs = prove("https://127.0.0.1:1", "/ws", [ALICE, ALICE], "246")
    assert [codes(p) for p in proofs] == [["line-failed"]] * 2
    assert "https://127.0.0.1:1/ws nobody listens there" in proofs[0].findings[0].message


# Answers that do not come.


def test_no_answer_to_a_registration(pbx: ScriptedPbx) -> None:
    pbx.on["REGISTER"] = lambda _: []
    (proof,), seconds = try_all([ALICE])
    assert seconds == 10
    assert codes(proof) == ["line-failed"]
    assert "did not answer within 10 s" in proof.findings[0].message
    assert pbx.methods() == ["REGISTER"]


def test_no_answer_to_a_contact(pbx: ScriptedPbx) -> None:
    """It may be there for all that: so it is taken away."""

    def register(message: Message) -> list[Say]:
        binds = message.has("Contact") and message["Expires"] == "60" and pbx.proven(message)
        said = pbx.well(message)
        return [] if binds else said

    pbx.on["REGISTER"] = register
    assert codes(tried()) == ["line-failed"]
    assert pbx.asked("REGISTER")[-1]["Expires"] == "0"
    assert pbx.bindings == []


@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("\r\nCSeq: ", "\r\nCSeq: 9"),
        ("\r\nCall-ID: ", "\r\nCall-ID: x"),
        (";branch=z9hG4bK", ";branch=z9hG4bKx"),
        ("\r\nTo: ", " X\r\nTo: "),
        ("\r\nTo: ", "\r\nContact: *\r\nTo: "),
    ],
)
def test_an_answer_to_something_else(
    pbx: ScriptedPbx, method: str, text: str, instead: str
) -> None:
    def altered(message: Message) -> list[Say]:
        said = [str(one) for one in pbx.well(message)]
        return [one.replace(text, instead) if pbx.proven(message) else one for one in said]

    pbx.on[method] = altered
    expected = ["line-failed" if method == "REGISTER" else "call-unanswered"]
    assert codes(tried()) == expected


@pytest.mark.parametrize("seconds", [0, 8, 9.9])
def test_a_call_that_is_not_answered(pbx: ScriptedPbx, seconds: float) -> None:
    """Asterisk asks a STUN server that is not there, for sound and for the picture: 18 s."""

    def cancelled(message: Message) -> list[Say]:
        ended = reply(pbx.asked("INVITE")[-1], 487)
        return [(seconds, reply(message, 200)), (seconds, ended)]

    pbx.on["INVITE"] = lambda m: [reply(m, 100) if pbx.proven(m) else pbx.challenged(m)]
    pbx.on["CANCEL"] = cancelled
    (proof,), took = try_all([ALICE])
    assert codes(proof) == ["call-unanswered"]
    assert "Answer()" in (proof.findings[0].hint or "")
    assert took == pytest.approx(10 + seconds)
    assert pbx.methods()[-4:] == ["ACK", "INVITE", "CANCEL", "ACK"]
    (cancel,) = pbx.asked("CANCEL")
    assert cancel.branch == pbx.asked("INVITE")[-1].branch == pbx.asked("ACK")[-1].branch


def test_a_call_that_is_not_heard(pbx: ScriptedPbx) -> None:
    """Asterisk 16, where it wants longer session timers."""
    pbx.on["INVITE"] = lambda m: [] if pbx.proven(m) else [pbx.challenged(m)]
    (proof,), seconds = try_all([ALICE])
    assert codes(proof) == ["call-unanswered"]
    assert "timers_min_se" in (proof.findings[0].hint or "")
    assert pbx.methods()[-2:] == ["INVITE", "CANCEL"]
    assert seconds == 15


def test_an_answer_that_comes_too_late(pbx: ScriptedPbx) -> None:
    pbx.on["INVITE"] = lambda m: [reply(m, 100) if pbx.proven(m) else pbx.challenged(m)]
    pbx.on["CANCEL"] = lambda _: [answered(pbx.asked("INVITE")[-1])]
    assert codes(tried()) == ["call-unanswered"]
    assert pbx.methods()[-4:] == ["INVITE", "CANCEL", "ACK", "BYE"]


def test_no_answer_to_a_bye(pbx: ScriptedPbx) -> None:
    pbx.on["BYE"] = lambda _: []
    (proof,), seconds = try_all([ALICE])
    assert codes(proof) == []
    assert seconds == 1 + 5


@pytest.mark.parametrize("most", range(11))
def test_a_server_that_takes_nothing_any_more(pbx: ScriptedPbx, most: int) -> None:
    pbx.most = most
    (proof,), seconds = try_all([ALICE])
    assert seconds <= 30
    # Whether the last word, a BYE, was taken makes no difference.
    assert codes(proof) == (["line-failed"] if most < 10 else [])
    assert proof.answered is (most >= 10)
    assert all("takes no messages" in finding.message for finding in proof.findings)


@pytest.mark.parametrize("late", [2.6, 4.0, 6.0, 7.0, 9.5])
def test_all_of_it_has_an_end(pbx: ScriptedPbx, late: float) -> None:
    """However each answer comes just in time."""

    def slowly(message: Message) -> list[Say]:
        return [(late, str(one)) for one in pbx.well(message)]

    pbx.on["REGISTER"] = pbx.on["INVITE"] = pbx.on["BYE"] = slowly
    (proof,), seconds = try_all([ALICE])
    assert seconds <= 30
    assert codes(proof) == ["line-failed"]
    bound = [m["Expires"] for m in pbx.asked("REGISTER") if m.has("Contact") and pbx.proven(m)]
    assert "60" not in bound or bound[-1] == "0"
    assert ("INVITE" in pbx.methods()) is (late < 3)


def test_the_others_are_not_tried_then(pbx: ScriptedPbx) -> None:
    pbx.on["INVITE"] = lambda _: []
    accounts = [Account(f"a{number}", password=PASSWORD) for number in range(30)]
    proofs, _ = try_all(accounts, at_once=4)
    # When the eighth has come to its end, three more are on their way.
    assert [codes(p) for p in proofs] == [["call-unanswered"]] * 11 + [[]] * 19
    assert [p.tried for p in proofs] == [True] * 11 + [False] * 19


def test_nor_where_each_takes_long(pbx: ScriptedPbx) -> None:
    pbx.on["INVITE"] = lambda m: [(6.0, answered(m))] if pbx.proven(m) else pbx.well(m)
    accounts = [Account(f"a{number}", password=PASSWORD) for number in range(9)]
    proofs, _ = try_all(accounts)
    assert [codes(p) for p in proofs] == [["call-slow"]] * 8 + [[]]
    assert [p.tried for p in proofs] == [True] * 8 + [False]


@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
def test_a_server_that_is_too_busy_is_asked_again(pbx: ScriptedPbx, method: str) -> None:
    """Asterisk says so at once where its queues are long, and it takes a few seconds."""
    refusals = iter(range(3))

    def busy(message: Message) -> list[Say]:
        proven = pbx.proven(message) and next(refusals, None) is not None
        return [reply(message, 503)] if proven else pbx.well(message)

    pbx.on[method] = busy
    (proof,), seconds = try_all([ALICE])
    assert (codes(proof), proof.registered, proof.answered) == ([], True, True)
    assert proof.seconds == 0
    assert seconds == pytest.approx(3 + 1)
    assert [m.method for m in pbx.asked(method)][:5] == [method] * 5


@pytest.mark.parametrize("behind", [[], [100]])
def test_but_not_for_ever(pbx: ScriptedPbx, behind: list[int]) -> None:
    """Nor where a dialplan says so, which is after a 100."""
    pbx.on["INVITE"] = lambda m: [reply(m, status) for status in (*behind, 503)]
    (proof,), seconds = try_all([ALICE])
    assert codes(proof) == ["call-refused"]
    assert len(pbx.asked("INVITE")) == (1 if behind else 5)
    assert seconds == (0 if behind else 4)


@pytest.mark.usefixtures("pbx")
def test_nor_where_each_password_is_refused() -> None:
    """A server that bans those who guess shall not take this for it."""
    accounts = [Account(f"a{number}", password="wrong") for number in range(30)]
    proofs, _ = try_all(accounts)
    assert [codes(p) for p in proofs] == [["registration-refused"]] * 8 + [[]] * 22
    assert [p.tried for p in proofs] == [True] * 8 + [False] * 22


def test_one_that_works_between_is_reason_to_go_on(pbx: ScriptedPbx) -> None:
    accounts = [Account(f"a{number}", password=PASSWORD) for number in range(12)]
    pbx.on["INVITE"] = lambda m: pbx.well(m) if "sip:a7@" in m["From"] else []
    proofs, _ = try_all(accounts)
    found = [codes(p) for p in proofs]
    assert found == [["call-unanswered"]] * 7 + [[]] + [["call-unanswered"]] * 4


@pytest.mark.parametrize("late", [1.0, 2.0, 2.9, 5.9, 11.0])
def test_all_of_them_have_an_end_if_they_are_given_one(pbx: ScriptedPbx, late: float) -> None:
    def slowly(message: Message) -> list[Say]:
        return [(late, str(one)) for one in pbx.well(message)]

    pbx.on["REGISTER"] = pbx.on["INVITE"] = pbx.on["BYE"] = slowly
    accounts = [Account(f"a{number}", password=PASSWORD) for number in range(100)]
    proofs, seconds = try_all(accounts, at_once=8, patience=25)
    assert 10 < seconds <= 25
    tried = [p.tried for p in proofs]
    assert tried == sorted(tried, reverse=True)
    assert 8 <= tried.count(True) <= 16


@pytest.mark.usefixtures("pbx")
def test_an_end_that_is_not_met() -> None:
    accounts = [Account(f"a{number}", password=PASSWORD) for number in range(20)]
    proofs, seconds = try_all(accounts, at_once=8, patience=25)
    assert all(p.answered for p in proofs)
    assert seconds == pytest.approx(3)


# Whoever runs it has had enough.


def stopped_at(pbx: ScriptedPbx, method: str, times: int) -> None:
    """When the server has heard it so often, and has not answered yet."""
    hear = pbx.hear
    pbx.hear = lambda text: [  # type: ignore[method-assign]
        (0.1, one) if isinstance(one, str) else one for one in hear(text)
    ]
    pbx.enough = (method, times)
    with pytest.raises(asyncio.CancelledError):
        try_all([ALICE], stop=pbx.heard_enough)
    assert pbx.bindings == []


def test_stopped_in_a_call(pbx: ScriptedPbx) -> None:
    stopped_at(pbx, "ACK", 2)
    assert pbx.methods()[-2:] == ["ACK", "BYE"]


def test_stopped_while_it_hangs_up(pbx: ScriptedPbx) -> None:
    stopped_at(pbx, "BYE", 1)
    assert pbx.methods() == WELL


def test_stopped_while_it_rings(pbx: ScriptedPbx) -> None:
    pbx.on["INVITE"] = lambda m: [reply(m, 180) if pbx.proven(m) else pbx.challenged(m)]
    pbx.on["CANCEL"] = lambda m: [reply(m, 200), reply(pbx.asked("INVITE")[-1], 487)]
    stopped_at(pbx, "INVITE", 2)
    assert pbx.methods()[-2:] == ["CANCEL", "ACK"]


@pytest.mark.parametrize("times", range(1, 7))
def test_stopped_while_it_registers(pbx: ScriptedPbx, times: int) -> None:
    stopped_at(pbx, "REGISTER", times)
    assert "INVITE" not in pbx.methods()
