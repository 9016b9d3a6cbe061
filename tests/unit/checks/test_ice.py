"""The first packets of a call, beside another implementation of ICE's; and what else may come."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.checks import ice
from cmp_bundle.checks import stun as messages
from cmp_bundle.checks.ice import IceEnd, transport
from cmp_bundle.checks.offer import Candidate, candidates, offer

PASSWORD = "f00df00df00df00df00df00d"
ANSWER = offer(1, "beef", PASSWORD, "AB:CD")

#: What somebody at the named address does with a packet: what is sent, and from whom.
Does = Callable[[bytes], list[bytes]]


@pytest.fixture
def ours() -> Iterator[IceEnd]:
    made = IceEnd.towards("127.0.0.1")
    assert made is not None
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice, "PATIENCE", 0.3)
    monkeypatch.setattr(ice, "_AGAIN", 0.1)


def outcome(ours: IceEnd, does: Does, most: int = 1) -> tuple[bool | None, list[bytes]]:
    """What comes of it where somebody ``does`` that, and what was heard there."""
    heard: list[bytes] = []
    mistakes: list[object] = []

    async def run() -> bool | None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: mistakes.append(context))

        class There(asyncio.DatagramProtocol):
            def connection_made(self, line: asyncio.DatagramTransport) -> None:  # type: ignore[override]
                self.line = line

            def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
                heard.append(data)
                for packet in does(data):
                    self.line.sendto(packet, address)

        line, _ = await loop.create_datagram_endpoint(There, local_addr=("127.0.0.1", 0))
        port = line.get_extra_info("sockname")[1]
        try:
            return await ours.reached(ANSWER, [Candidate("127.0.0.1", port, "host")] * most)
        finally:
            line.close()

    found = asyncio.run(run())
    assert not mistakes
    return found, heard


def parsed(data: bytes) -> stun.Message:
    """With its fingerprint and its proof looked at."""
    found = stun.parse_message(data)
    assert found.check_message_integrity(PASSWORD.encode())
    return found


def answer(data: bytes, kind: stun.Class = stun.Class.RESPONSE) -> bytes:
    request = parsed(data)
    made = stun.Message(stun.Method.BINDING, kind, request.transaction_id)
    made.add_message_integrity(PASSWORD.encode())
    return bytes(made)


def asking(ours: IceEnd, name: str = "") -> bytes:
    """As the other end asks."""
    made = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    made.attributes["USERNAME"] = name or f"{ours.ufrag}:beef"
    made.attributes["PRIORITY"] = 1
    made.add_message_integrity(ours.password.encode())
    return bytes(made)


def test_what_is_asked(ours: IceEnd) -> None:
    came, heard = outcome(ours, lambda data: [answer(data)])
    assert came is True
    assert len(heard) == 1
    found = parsed(heard[0])
    assert found.message_class is stun.Class.REQUEST
    assert found.message_method is stun.Method.BINDING
    assert found.attributes["USERNAME"] == f"beef:{ours.ufrag}"
    assert {"PRIORITY", "ICE-CONTROLLING", "MESSAGE-INTEGRITY", "FINGERPRINT"} <= {
        *found.attributes
    }
    assert "USE-CANDIDATE" not in found.attributes, "nobody shall begin to send media"


def test_a_refusal_is_an_answer(ours: IceEnd) -> None:
    assert outcome(ours, lambda data: [answer(data, stun.Class.ERROR)])[0] is True


def test_a_question_of_the_other_end_is_enough(ours: IceEnd) -> None:
    assert outcome(ours, lambda _: [asking(ours)])[0] is True


def test_nobody_answers(ours: IceEnd) -> None:
    began = time.monotonic()
    came, heard = outcome(ours, lambda _: [])
    assert came is False
    assert time.monotonic() - began < 2
    assert 2 <= len(heard) <= 4, "a packet may get lost"


def test_what_was_lost_is_sent_again(ours: IceEnd) -> None:
    number = itertools.count()
    assert outcome(ours, lambda data: [answer(data)] if next(number) else [])[0] is True


def test_nobody_listens(ours: IceEnd) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    named = [Candidate("127.0.0.1", port, "host")]
    assert asyncio.run(ours.reached(ANSWER, named)) is False


OTHERS: dict[str, Callable[[IceEnd, bytes], list[bytes]]] = {
    "nothing": lambda _, __: [b""],
    "what was said": lambda _, data: [data],
    "bytes": lambda _, __: [secrets.token_bytes(100)],
    "another's answer": lambda _, data: [data[:8] + secrets.token_bytes(12)],
    "an answer that is cut": lambda _, data: [answer(data)[:19]],
    "a question for another": lambda ours, _: [asking(ours, "x:y")],
    "a question that is cut": lambda ours, _: [asking(ours)[:20], asking(ours)[:24]],
    "lengths without end": lambda _, data: [b"\0\1\xff\xff" + data[4:20] + b"\0\6\xff\xff" * 200],
    "more than there is time for": lambda _, __: [b"x" * 1200] * 2000,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", OTHERS)
def test_what_else_may_come(kind: str, ours: IceEnd) -> None:
    began = time.monotonic()
    assert outcome(ours, lambda data: OTHERS[kind](ours, data))[0] is False
    assert time.monotonic() - began < 3


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    made = IceEnd.towards("127.0.0.1")
    assert made is not None
    try:
        assert not made._is_for_us(data)
        assert not made._is_for_us(messages.request(b"", data))
    finally:
        made.close()


NOBODY_S = [
    "0.0.0.0", "255.255.255.255", "224.0.0.1", "169.254.1.1", "::1", "fe80::1", "::", "x.local", "1.2.3",
]  # fmt: skip


def test_who_is_not_asked(ours: IceEnd) -> None:
    """A server may name whom it likes: what makes no sense is left out, and there are few others."""
    named = [Candidate(address, 10000, "host") for address in NOBODY_S]
    named += [Candidate("127.0.0.1", port, "host") for port in (0, 53, 1023, 65536, 99999)]
    assert ours._targets(named) == []
    assert asyncio.run(ours.reached(ANSWER, named)) is None
    many = [Candidate("127.0.0.1", 2000 + number, "host") for number in range(200)]
    assert len(ours._targets(many + many)) == 6


def test_a_loopback_is_asked_from_a_loopback_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        away = IceEnd(elsewhere)
        monkeypatch.setattr(
            away, "_socket", type("", (), {"getsockname": lambda _: ("192.0.2.1", 1)})()
        )
        assert away._targets([Candidate("127.0.0.1", 10000, "host")]) == []
        assert away._targets([Candidate("10.0.0.1", 10000, "host")]) == [("10.0.0.1", 10000)]


def test_no_way_to_ask() -> None:
    assert IceEnd.towards("x.invalid:x") is None
    assert transport("v=0\r\n") is None
    assert transport("garbage") is None
    made = IceEnd.towards("127.0.0.1")
    assert made is not None
    try:
        named = [Candidate("127.0.0.1", 10000, "host")]
        assert asyncio.run(made.reached("garbage", named)) is None
    finally:
        made.close()


def test_where_media_is_awaited(ours: IceEnd) -> None:
    made = offer(1, ours.ufrag, ours.password, "AB:CD", candidate=ours.candidate)
    port = ours._socket.getsockname()[1]
    assert candidates(made) == (Candidate("127.0.0.1", port, "host"),)
    there = transport(made)
    assert there is not None
    assert (there.ufrag, there.password) == (ours.ufrag, ours.password)
