"""The test call over real connections, to servers that mean no good: never for long, in words."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from cmp_bundle.accounts.model import Account
from cmp_bundle.checks import call, sip_client
from cmp_bundle.checks.call import Proof, prove
from cmp_bundle.checks.line import Line
from tests.unit.devserver.test_hostile_pbx import accept
from tests.unit.practice.scripted import Message

from .scripted_pbx import ALICE, PASSWORD, WELL, Say, ScriptedPbx, codes, reply
from .test_websocket import saying, serving

Does = Callable[[ServerConnection], None]


class OverSockets(ScriptedPbx):
    """At ``base``. ``does`` is done with the line in place of an answer to a method."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.does: dict[str, Does] = {}
        self.sources: list[str] = []
        self._lock = threading.Lock()

    def proof(self, account: Account = ALICE) -> Proof:
        (proof,) = prove(self.base, "/ws", [account], "246")
        return proof

    def serve(self, line: ServerConnection) -> None:
        with self._lock:
            self.sources.append(line.remote_address[0])
        with contextlib.suppress(ConnectionClosed, OSError):
            for text in line:
                with self._lock:
                    said = self.hear(str(text))
                heard = self.heard[-1]
                asked = heard.start.split()[0]
                if asked in self.does and (asked in ("ACK", "BYE") or self.proven(heard)):
                    self.does[asked](line)
                    continue
                for one in said:
                    assert isinstance(one, str | bytes)
                    line.send(one)


@pytest.fixture
def pbx(context: ssl.SSLContext, caplog: pytest.LogCaptureFixture) -> Iterator[OverSockets]:
    pbx = OverSockets()
    with serve(
        pbx.serve, "127.0.0.1", 0, ssl=context, subprotocols=[Subprotocol("sip")], compression=None
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        pbx.base = f"https://127.0.0.1:{server.socket.getsockname()[1]}"
        try:
            yield pbx
        finally:
            server.shutdown()
            thread.join()
    said = [r for r in caplog.records if r.name.split(".")[0] in ("tornado", "asyncio")]
    assert not said, "what somebody would see in the terminal"


@pytest.fixture
def no_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "_HELD", 0.0)


@pytest.mark.usefixtures("no_hold")
def test_all_is_well(pbx: OverSockets) -> None:
    proof = pbx.proof()
    assert codes(proof) == []
    assert (proof.registered, proof.answered) == (True, True)
    assert 0 < proof.seconds < 10
    assert pbx.methods() == WELL


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lines there are, whenever another one is opened."""
    counts: list[int] = []
    there: set[object] = set()

    class Counted(Line):
        @classmethod
        async def open(cls, *how: Any) -> Line:
            token = object()
            there.add(token)
            counts.append(len(there))
            line = await Line.open(*how)
            close = line.close

            async def closed() -> None:
                await close()
                there.remove(token)

            line.close = closed  # type: ignore[method-assign]
            return line

    monkeypatch.setattr(call, "Line", Counted)
    return counts


@pytest.mark.slow
@pytest.mark.usefixtures("no_hold")
def test_no_more_lines_than_it_should_have(pbx: OverSockets, lines: list[int]) -> None:
    accounts = [Account(f"a{number}", password=PASSWORD) for number in range(12)]
    # What one registers is none of the others' here.
    pbx.on["REGISTER"] = lambda m: (
        pbx.well(m) if not m.has("Contact") or not pbx.proven(m) else [reply(m, 200)]
    )
    proofs = prove(pbx.base, "/ws", accounts, "246", at_once=3)
    assert [codes(p) for p in proofs] == [[]] * 12
    assert max(lines) == 3
    assert len(set(pbx.sources)) == 12, "an old Asterisk takes those of one address for one"
    assert all(source.startswith("127.") for source in pbx.sources)


HEADERS = "".join(f"X-{number}: x\r\n" for number in range(100_000))

GARBAGE: list[Say] = [
    "", "\r\n\r\n", "x", "SIP/2.0 200 OK", "SIP/2.0 999 OK\r\n\r\n", b"\x00\xff", "\0" * 1000,
    f"SIP/2.0 200 OK\r\n{HEADERS[:150_000]}\r\n", "SIP/2.0 200 OK\r\n\r\n", "x" * 250_000,
]  # fmt: skip


def nonsense(pbx: OverSockets, method: str, say: Callable[[Message], list[Say]]) -> Proof:
    """What comes of it where that is the answer to who has shown the password."""
    pbx.on[method] = lambda m: say(m) if pbx.proven(m) else [pbx.challenged(m)]
    return pbx.proof()


@pytest.mark.usefixtures("no_hold")
@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
def test_garbage_is_passed_over(pbx: OverSockets, method: str) -> None:
    assert codes(nonsense(pbx, method, lambda m: [*GARBAGE, *pbx.well(m)])) == []
    assert pbx.methods() == WELL


@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
def test_nothing_but_garbage(pbx: OverSockets, method: str) -> None:
    proof = nonsense(pbx, method, lambda _: GARBAGE * 20)
    assert codes(proof) == ["line-failed"]
    assert "sends messages that are not SIP" in proof.findings[0].message


@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
def test_too_much_in_one_message(pbx: OverSockets, method: str) -> None:
    proof = nonsense(pbx, method, lambda _: [f"SIP/2.0 200 OK\r\n{HEADERS}\r\n"])
    assert codes(proof) == ["line-failed"]
    assert "closed the connection" in proof.findings[0].message


NOBODY_S = reply(
    Message(
        "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/WSS x;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n"
    ),
    200,
)


@pytest.mark.slow
def test_messages_without_end(pbx: OverSockets, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of which is SIP, and of no interest."""
    monkeypatch.setattr(sip_client, "ANSWER", 1.0)

    def flood(line: ServerConnection) -> None:
        while True:
            line.send(NOBODY_S)

    pbx.does["INVITE"] = flood
    began = time.monotonic()
    assert codes(pbx.proof())[0] in ("call-unanswered", "line-failed")
    assert time.monotonic() - began < 30


def cut(line: ServerConnection) -> None:
    line.socket.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "ACK"])
def test_the_line_ends_in_the_middle(pbx: OverSockets, method: str) -> None:
    pbx.does[method] = cut
    proof = pbx.proof()
    assert codes(proof) == ["line-failed"]
    assert "closed the connection" in proof.findings[0].message


@pytest.mark.usefixtures("no_hold")
def test_the_line_ends_with_the_call(pbx: OverSockets) -> None:
    pbx.does["BYE"] = cut
    assert codes(pbx.proof()) == []


@pytest.mark.slow
def test_a_server_that_does_not_leave(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It opens the line, and says nothing more, no goodbye either."""
    monkeypatch.setattr(sip_client, "ANSWER", 0.1)
    gone = threading.Event()

    def act(secure: ssl.SSLSocket) -> None:
        accept(secure, secure.recv(4096).decode())
        gone.wait(60)

    with serving(context, act) as base:
        try:
            (proof,) = prove(base, "/ws", [ALICE], "246")
            gc.collect()  # says so where a connection was left open
        finally:
            gone.set()
    assert codes(proof) == ["line-failed"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "it has no SIP for phones"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "lets no phone in"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "answers 200"),
        (b"", "without an answer"),
    ],
)
def test_a_server_that_lets_no_phone_in(context: ssl.SSLContext, answer: bytes, words: str) -> None:
    with serving(context, saying(answer)) as base:
        (proof,) = prove(base, "/ws", [ALICE], "246")
    assert codes(proof) == ["line-failed"]
    assert words in proof.findings[0].message


def test_a_line_without_sub_protocol(context: ssl.SSLContext) -> None:
    with (
        serve(lambda _: None, "127.0.0.1", 0, ssl=context) as server,
        contextlib.ExitStack() as stack,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        base = f"https://127.0.0.1:{server.socket.getsockname()[1]}"
        (proof,) = prove(base, "/ws", [ALICE], "246")
    assert codes(proof) == ["line-failed"]
    assert "lets no phone in" in proof.findings[0].message


def test_stopped_while_it_connects() -> None:
    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            base = f"https://127.0.0.1:{silent.getsockname()[1]}"
            task = asyncio.create_task(
                call._Run(base, "/ws", lambda _: "246", 1, None).all([ALICE])
            )
            connection, _ = await asyncio.to_thread(silent.accept)
            task.cancel()
            with connection, pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
