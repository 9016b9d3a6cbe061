"""Test calls to servers that open a WebSocket and then mean no good: all of them have one end."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable

import pytest

from cmp_bundle.accounts.model import Account
from cmp_bundle.asterisk.answers.dialplan import Dialplan
from cmp_bundle.checks import call, line, sip_client, websocket
from cmp_bundle.checks.call import Proof
from cmp_bundle.doctor.calls import calls
from cmp_bundle.doctor.evidence import Calls, Missing, Phone
from cmp_bundle.doctor.reach import Reached, Tls
from cmp_bundle.doctor.registration import tried
from cmp_bundle.doctor.way import Part
from tests.unit.checks.scripted_pbx import ScriptedPbx, answered, reply
from tests.unit.devserver.test_hostile_pbx import frame
from tests.unit.practice.scripted import Message

from . import ends
from .ends import Act, drips, end, opens, pours

pytestmark = pytest.mark.slow

PASSWORD = "wonder1and"

#: Seconds for all calls, and what a machine that is busy with something else adds.
PATIENCE = 1.0
AND_MORE = 30.0

Say = Callable[[Message], list[str]]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return ends.showing(ends.chain(tmp_path_factory.mktemp("pem"), 1))


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "_LEAST", 0.1)
    monkeypatch.setattr(line, "_GOODBYE", 0.1)
    monkeypatch.setattr(websocket, "_GOODBYE", 0.1)


def proofs(port: int, number: int = 20) -> tuple[Proof, ...]:
    phones = tuple(
        Phone(name, None, asked=False, loaded=None, account=Account(name, password=PASSWORD))
        for name in (f"a{place}" for place in range(number))
    )
    # The name leads nowhere: all goes to the address that answered before.
    reached = Reached(f"https://pbx.invalid:{port}", "/ws", "/cmp2k", connected="127.0.0.1")
    began = time.monotonic()
    found = calls(reached, phones, None, "246", only=True, patience=PATIENCE)
    assert time.monotonic() - began < PATIENCE + AND_MORE
    assert isinstance(found, Calls)
    assert [proof.account for proof in found.proofs] == [phone.id for phone in phones]
    said = " ".join(f"{f.message} {f.hint}" for p in found.proofs for f in p.findings)
    assert said.isprintable()
    left_out = [p.account for p in found.proofs if not p.tried]
    told = [f for f in tried(found) if f.code == "not-tried"]
    assert len(told) == bool(left_out)
    return found.proofs


SILENT_ONES: dict[str, Act] = {
    "silence": opens(ends.silent),
    "a frame byte by byte": opens(drips(frame(b"x" * 1000))),
    "garbage without end": opens(pours(bytes(range(256)) * 100)),
    "text without end": opens(pours(frame(b"\x1b[2J\0") * 1000)),
    "one message without end": opens(
        pours(b"x" * 9000, b"\x81\x7f" + (1 << 40).to_bytes(8, "big"))
    ),
    "pings without end": opens(pours(b"\x89\x00" * 1000)),
    "nothing at all": ends.silent,
    "a refusal byte by byte": ends.after_a_request(drips(b"X: x\r\n", b"HTTP/1.1 401 No\r\n")),
    "a refusal without end": ends.after_a_request(
        pours(b"x" * 9000, b"HTTP/1.1 401 No\r\nContent-Length: 99999999999\r\n\r\n")
    ),
}


@pytest.mark.parametrize("kind", SILENT_ONES)
def test_no_answer(kind: str, context: ssl.SSLContext) -> None:
    with end(SILENT_ONES[kind], context) as port:
        found = proofs(port)
    assert not any(proof.registered or proof.answered for proof in found)
    first = found[0]
    assert [f.code for f in first.findings] == ["line-failed"]
    assert first.findings[0].message


def speaking(pbx: ScriptedPbx, over_what: Callable[[bytes], list[bytes]]) -> Act:
    """A server that says what ``pbx`` does, each message cut as ``over_what`` does it."""
    lock = threading.Lock()

    def act(plain: socket.socket, over: threading.Event) -> None:
        while not over.is_set():
            text = _heard(plain)
            if text is None:
                return
            with lock:
                said = pbx.hear(text)
            for one in said:
                assert isinstance(one, str)
                for piece in over_what(frame(one.encode())):
                    plain.sendall(piece)
                    if len(piece) == 1 and over.wait(0.0005):
                        return

    return opens(act)


def _heard(plain: socket.socket) -> str | None:
    """A client's message; None at its end."""
    first, length = _exactly(plain, 2)
    if first & 0xF == 8:
        return None
    size = length & 0x7F
    if size > 125:
        size = int.from_bytes(_exactly(plain, 2 if size == 126 else 8), "big")
    mask, data = _exactly(plain, 4), _exactly(plain, size)
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(data)).decode()


def _exactly(plain: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = plain.recv(size - len(data))
        if not piece:
            raise OSError("it is gone")
        data += piece
    return data


def whole(data: bytes) -> list[bytes]:
    return [data]


def bytewise(data: bytes) -> list[bytes]:
    """The first of them, which say how many there are; the others as they come."""
    return [*(data[place : place + 1] for place in range(30)), data[30:]]


def test_all_is_well_byte_by_byte(context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the tests below can fail."""
    monkeypatch.setattr(call, "_HELD", 0.0)
    monkeypatch.setattr("tests.unit.doctor.test_hostile_calls.PATIENCE", 30.0)
    with end(speaking(ScriptedPbx(), bytewise), context) as port:
        (found,) = proofs(port, 1)
    assert (found.registered, found.answered, found.findings) == (True, True, ())


ODD_ONES: dict[str, tuple[str, Say, set[str]]] = {
    "401 for ever": (
        "REGISTER",
        lambda m: [reply(m, 401, 'WWW-Authenticate: Digest realm="a", nonce="n", stale=TRUE')],
        {"registration-refused"},
    ),
    "a realm of escapes": (
        "REGISTER",
        lambda m: [reply(m, 401, 'WWW-Authenticate: Digest realm="\x1b[2J\x07", nonce="\x9b"')],
        {"registration-refused", "line-failed", "R114"},
    ),
    "ringing for ever": ("INVITE", lambda m: [reply(m, 180)] * 2000, {"line-failed"}),
    "a status that is none": ("INVITE", lambda m: [reply(m, 699)], {"call-refused"}),
    "an answer that is none": (
        "INVITE",
        lambda m: [answered(m, "v=0\r\n" + "\0\x1b[2J" * 1000)],
        {"call-incompatible", "line-failed"},
    ),
    "candidates without end": (
        "INVITE",
        lambda m: [answered(m, "a=candidate:1 1 udp 1 \x1b[2J 1 typ host\r\n" * 3000)],
        {"call-incompatible", "line-failed", "M110"},
    ),
}


@pytest.mark.parametrize("kind", ODD_ONES)
def test_an_answer_that_is_of_no_use(
    kind: str, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sip_client, "_LAST_WORDS", 0.2)
    monkeypatch.setattr(call, "_HELD", 0.0)
    method, say, codes = ODD_ONES[kind]
    pbx = ScriptedPbx()
    pbx.on[method] = lambda m: say(m) if pbx.proven(m) or method == "REGISTER" else pbx.well(m)
    with end(speaking(pbx, whole), context) as port:
        (found,) = proofs(port, 1)
    assert {f.code for f in found.findings} <= codes
    assert found.findings


def test_extensions_share_the_time(context: ssl.SSLContext) -> None:
    """Each phone in a context of its own, with an echo of its own."""
    names = [f"a{place}" for place in range(20)]
    phones = tuple(
        Phone(n, None, True, {"context": n}, account=Account(n, password=PASSWORD)) for n in names
    )
    contexts = {n: Dialplan(n, {f"1{place}": ("Echo()",)}) for place, n in enumerate(names)}
    with end(opens(ends.silent), context) as port:
        reached = Reached(f"https://pbx.invalid:{port}", "/ws", "/", connected="127.0.0.1")
        began = time.monotonic()
        found = calls(reached, phones, contexts, "246", only=True, patience=PATIENCE)
    assert time.monotonic() - began < PATIENCE + AND_MORE
    assert isinstance(found, Calls)
    assert found.proofs[0].tried
    assert not all(proof.tried for proof in found.proofs)
    assert len(found.proofs) == 20


def test_nobody_is_called_where_the_way_ended_before() -> None:
    reached = Reached("https://pbx.invalid:1", "/ws", "/", stopped=Part.TLS, trouble="no")
    assert calls(reached, (), None, "246") == Missing("no", Part.TLS)


def test_nobody_proves_a_password_to_whom_he_does_not_trust(context: ssl.SSLContext) -> None:
    """Neither where that shows before, nor where somebody else stands there at the call."""
    phones = (Phone("a", None, False, None, account=Account("a", password=PASSWORD)),)
    pbx = ScriptedPbx()
    trusting = ssl.create_default_context()
    with end(speaking(pbx, whole), context) as port:
        base = f"https://pbx.invalid:{port}"
        for tls in (None, Tls("TLSv1.3", "x", (), "self-signed certificate", 18)):
            reached = Reached(base, "/ws", "/", connected="127.0.0.1", tls=tls)
            found = calls(reached, phones, None, "246", patience=PATIENCE, trusting=trusting)
            assert isinstance(found, Missing)
            assert "pbx.invalid, so no password is proved to it" in found.reason
            assert found.broken is Part.TLS
        before = Reached(base, "/ws", "/", connected="127.0.0.1", tls=Tls("TLSv1.3", "x", ()))
        tried_ = calls(before, phones, None, "246", patience=PATIENCE, trusting=trusting)
    assert isinstance(tried_, Calls)
    assert [f.code for f in tried_.proofs[0].findings] == ["line-failed"]
    assert pbx.heard == []
