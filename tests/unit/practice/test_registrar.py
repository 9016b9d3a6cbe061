"""Who can be reached, and where."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.practice.grammar import MalformedError
from cmp_bundle.practice.message import Headers, SipRequest
from cmp_bundle.practice.registrar import RefusedError, Registrar

from .steady import FEWER
from .ticking import Ticking


def register(*contacts: str, call_id: str = "x", cseq: int = 1, expires: str = "") -> SipRequest:
    pairs = [("Call-ID", call_id), ("CSeq", f"{cseq} REGISTER")]
    pairs += [("Contact", contact) for contact in contacts]
    pairs += [("Expires", expires)] if expires else []
    return SipRequest(Headers(tuple(pairs)), "REGISTER", "sip:localhost")


def reached(registrar: Registrar, account: str = "alice") -> list[str]:
    return [binding.uri for binding in registrar.bindings(account)]


def test_each_contact_has_its_time() -> None:
    clock = Ticking()
    registrar = Registrar(clock)
    request = register("<sip:a@a>;expires=20, <sip:b@a>", "<sip:c@a>;expires=100000", expires="30")
    answer = registrar.register("alice", 1, request)
    assert [value for _, value in answer] == [
        "<sip:a@a>;expires=20",
        "<sip:b@a>;expires=30",
        "<sip:c@a>;expires=3600",
    ]
    clock.turn(20)
    assert reached(registrar) == ["sip:b@a", "sip:c@a"]
    clock.turn(10)
    assert reached(registrar) == ["sip:c@a"]
    clock.turn(3570)
    assert reached(registrar) == []


def test_a_refresh_counts_anew() -> None:
    clock = Ticking()
    registrar = Registrar(clock)
    for cseq in range(1, 5):
        registrar.register("alice", 1, register("<sip:a@a>", cseq=cseq, expires="30"))
        clock.turn(29)
    assert reached(registrar) == ["sip:a@a"]
    clock.turn(1)
    assert reached(registrar) == []
    assert clock.waiting == 0


def test_a_question_changes_nothing() -> None:
    registrar = Registrar(Ticking())
    registrar.register("alice", 1, register("<sip:a@a>"))
    assert registrar.register("alice", 2, register()) == [("Contact", "<sip:a@a>;expires=300")]


def test_all_at_once() -> None:
    registrar = Registrar(Ticking())
    registrar.register("alice", 1, register("<sip:a@a>"))
    registrar.register("alice", 2, register("<sip:b@b>"))
    registrar.register("bob", 3, register("<sip:c@c>"))
    assert registrar.register("alice", 1, register("*", cseq=2, expires="0")) == []
    assert (reached(registrar), reached(registrar, "bob")) == ([], ["sip:c@c"])


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (register("*", cseq=9), 400),
        (register("<sip:a@a>", cseq=9, expires="9"), 423),
        (register("<sip:b@a>", "<sip:c@a>;expires=5", cseq=9), 423),
        (register(*(f"<sip:{n}@a>" for n in range(5)), cseq=9), 403),
        (register("<sip:a@a>;expires=0", cseq=4), 500),
    ],
)
def test_what_is_refused_changes_nothing(request_: SipRequest, status: int) -> None:
    registrar = Registrar(Ticking())
    registrar.register("alice", 1, register("<sip:a@a>", cseq=4))
    with pytest.raises(RefusedError) as refused:
        registrar.register("alice", 1, request_)
    assert refused.value.status == status
    if status == 423:
        assert refused.value.headers == (("Min-Expires", "10"),)
    assert reached(registrar) == ["sip:a@a"]


@pytest.mark.parametrize(
    "request_", [register("<sip:a@a>;expires=soon"), register("<a>"), register(expires="-1")]
)
def test_what_cannot_be_read_changes_nothing(request_: SipRequest) -> None:
    registrar = Registrar(Ticking())
    with pytest.raises(MalformedError):
        registrar.register("alice", 1, request_)
    assert reached(registrar) == []


def test_a_connection_s_contacts_go_with_it() -> None:
    clock = Ticking()
    registrar = Registrar(clock)
    registrar.register("alice", 1, register("<sip:a@a>", "<sip:b@a>"))
    registrar.register("alice", 2, register("<sip:a@a>"))
    registrar.drop_phone(1)
    assert [(b.phone, b.uri) for b in registrar.bindings("alice")] == [(2, "sip:a@a")]
    registrar.drop_phone(2)
    assert clock.waiting == 0


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([1, 2]), st.sampled_from([0, 10, 60]))
    | st.integers(1, 70),
    max_size=30,
)


@FEWER
@given(STEPS)
def test_it_is_what_a_table_would_be(steps: list[tuple[str, int, int] | int]) -> None:
    clock = Ticking()
    registrar = Registrar(clock)
    table: dict[tuple[int, str], float] = {}
    for number, step in enumerate(steps, 1):
        if isinstance(step, int):
            clock.turn(step)
            table = {k: end for k, end in table.items() if end > clock.time()}
            continue
        letter, phone, seconds = step
        uri = f"sip:{letter}@{phone}"
        answer = registrar.register(
            "x", phone, register(f"<{uri}>", cseq=number, expires=f"{seconds}")
        )
        table[phone, uri] = clock.time() + seconds
        table = {k: end for k, end in table.items() if end > clock.time()}
        bindings = dict(re.findall(r"<(.*?)>;expires=(\d+)", " ".join(v for _, v in answer)))
        assert bindings == {uri: f"{round(end - clock.time())}" for (_, uri), end in table.items()}
    assert {(b.phone, b.uri) for b in registrar.bindings("x")} == set(table)
    assert clock.waiting == len(table)
