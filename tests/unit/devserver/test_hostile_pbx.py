"""The attack: a PBX that ``serve --pbx`` talks to, and that means no good."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from cmp_bundle.devserver import pbx as pbx_module
from cmp_bundle.devserver.pbx import LARGEST, MOST_WAITING, InnerPbx, RealPbx
from cmp_bundle.devserver.sip_log import KEPT_CHARACTERS
from tests.serving import until
from tests.unit.devserver.running import Running, building, serving, tls
from tests.unit.devserver.test_server import page_of, phone, refused_phone

pytestmark = pytest.mark.slow


class Hostile:
    """Gives each connection with its request to ``act``, in a thread of its own."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.act: Callable[[ssl.SSLSocket, str], None]
        self.sent = 0
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return  # stopped
            thread = threading.Thread(target=self._serve, args=(plain,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        plain.settimeout(60)
        with (
            contextlib.suppress(OSError),
            self._context.wrap_socket(plain, server_side=True) as line,
        ):
            request = b""
            while b"\r\n\r\n" not in request:
                chunk = line.recv(65536)
                if not chunk:
                    return
                request += chunk
            self.act(line, request.decode())

    def flood(self, line: ssl.SSLSocket, piece: bytes) -> None:
        """On and on, until the other end has had enough."""
        while True:
            line.sendall(piece)
            self.sent += len(piece)

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(60)


def accept(line: ssl.SSLSocket, request: str) -> None:
    """A handshake as it should be."""
    found = re.search(r"Sec-WebSocket-Key: (\S+)", request, re.IGNORECASE)
    assert found
    guid = f"{found[1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    proof = base64.b64encode(hashlib.sha1(guid.encode()).digest()).decode()
    line.sendall(
        "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: {proof}\r\n\r\n".encode()
    )


def frame(data: bytes, first: int = 0x81) -> bytes:
    return bytes([first, 127]) + len(data).to_bytes(8, "big") + data


def saying(data: bytes) -> Callable[[ssl.SSLSocket, str], None]:
    """Accepts the phone, and sends it a message."""

    def act(line: ssl.SSLSocket, request: str) -> None:
        accept(line, request)
        line.sendall(frame(data))
        line.recv(1)

    return act


@pytest.fixture
def hostile(folder: Path) -> Iterator[tuple[Hostile, Running]]:
    server, client = tls()
    hostile = Hostile(server)
    pbx = RealPbx(f"wss://localhost:{hostile.port}/ws", client)
    try:
        with serving(building(folder), pbx=pbx, context=server) as running:
            yield hostile, running
    finally:
        hostile.stop()


def refused(running: Running) -> str:
    """What is said of it in the terminal."""
    assert refused_phone(running) == 502
    return running.terminal.lines[-1]


def test_words_that_a_terminal_would_obey(hostile: tuple[Hostile, Running]) -> None:
    pbx, running = hostile
    words = "\x1b[2J\x1b]0;owned\x07" + "A" * 5000
    pbx.act = lambda line, _: line.sendall(
        f"HTTP/1.1 403 {words}\r\nContent-Length: 0\r\n\r\n".encode()
    )
    warning = refused(running)
    assert warning.isprintable()
    assert len(warning) < 500
    assert all(c.isprintable() or c in "\n\t" for c in page_of(running)[2].decode())


def test_markup_is_text(hostile: tuple[Hostile, Running]) -> None:
    pbx, running = hostile
    evil = "<img/src=x/onerror=alert(1)>"
    text = f"INVITE sip:{evil}@x SIP/2.0\r\nCall-ID: {evil}\r\nFrom: <sip:{evil}>\r\nTo: {evil}\r\n\r\n"
    pbx.act = saying(text.encode())
    with phone(running) as line:
        line.recv(60)
        page = until(lambda: b"INVITE" in page_of(running)[2] and page_of(running)[2].decode())
    assert "<img/" not in page
    assert "&lt;img/" in page


def test_it_leads_nowhere_else(hostile: tuple[Hostile, Running]) -> None:
    """A redirect would make the dev server ask what only this machine can ask."""
    pbx, running = hostile
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as inner:
        inner.setblocking(False)
        port = inner.getsockname()[1]

        def act(line: ssl.SSLSocket, request: str) -> None:
            asked.append(request)
            line.sendall(
                f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n".encode()
            )

        pbx.act = act
        assert "answers with 302" in refused(running)
        assert len(asked) == 1
        with pytest.raises(BlockingIOError):
            inner.accept()


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, id="a body"),
        pytest.param(b"HTTP/1.1 101 Switching\r\n", b"X: " + b"x" * 65000 + b"\r\n", id="headers"),
    ],
)
def test_an_answer_without_end(
    hostile: tuple[Hostile, Running], begin: bytes, piece: bytes
) -> None:
    pbx, running = hostile

    def act(line: ssl.SSLSocket, _: str) -> None:
        line.sendall(begin)
        pbx.flood(line, piece)

    pbx.act = act
    refused(running)
    assert pbx.sent < 20_000_000, "what is on its way, and no more"


UPGRADED = "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.parametrize(
    "answer",
    [UPGRADED + "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
     UPGRADED + "\r\n", "HTTP/1.1 101 \r\n\r\n", "HTTP/1.1 999999 x\r\n\r\n", "\0\0\0\r\n\r\n", "\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n" * 3,
     "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", "HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 301 x\r\nLocation: \r\n\r\n", ""],
)  # fmt: skip
def test_answers_that_are_none(
    hostile: tuple[Hostile, Running], monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr(pbx_module, "PATIENCE", 2.0)
    pbx, running = hostile
    pbx.act = lambda line, _: line.sendall(answer.encode())
    assert "cannot be reached" in refused(running)


def test_no_answer_at_all(
    hostile: tuple[Hostile, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pbx_module, "PATIENCE", 1.0)
    pbx, running = hostile
    let_go = threading.Event()

    def act(line: ssl.SSLSocket, _: str) -> None:
        line.sendall(b"HTTP/1.1 101 Swit")
        let_go.wait(60)

    pbx.act = act
    try:
        assert "did not answer in time" in refused(running)
    finally:
        let_go.set()


def test_a_message_that_is_too_long(hostile: tuple[Hostile, Running]) -> None:
    pbx, running = hostile
    pbx.act = saying(b"x" * (LARGEST + 1))
    with phone(running) as line, pytest.raises(ConnectionClosed):
        line.recv(60)


def test_messages_without_end(hostile: tuple[Hostile, Running]) -> None:
    """The phone takes none: then the PBX has to wait, and nothing piles up in between."""
    pbx, running = hostile

    def act(line: ssl.SSLSocket, request: str) -> None:
        accept(line, request)
        line.settimeout(3)  # nobody takes any more
        pbx.flood(line, frame(b"x" * 500_000))

    pbx.act = act
    with phone(running) as line:
        line.recv(60)
        until(lambda: len(pbx._threads) == 2 and not pbx._threads[1].is_alive(), 120)
        assert pbx.sent < 60_000_000
        log = running.server.hub.log
        assert running.call(lambda: log._characters) <= KEPT_CHARACTERS


class Talking:
    """A practice PBX that says more than its phone takes."""

    def connect(self, say: Callable[[str], None], ended: object) -> Talking:
        del ended
        self.say = say
        self.open = True
        return self

    def receive(self, message: object) -> None:
        self.say(str(message))

    def closed(self) -> None:
        self.open = False


def test_a_phone_that_asks_and_reads_nothing() -> None:
    """Of the practice PBX, which cannot be made to wait."""

    async def main() -> None:
        pbx = Talking()
        ended = asyncio.get_running_loop().create_future()
        taking = asyncio.Event()

        async def deliver(_: object) -> None:
            await taking.wait()

        line = await InnerPbx(pbx).connect(  # type: ignore[arg-type]
            deliver, lambda code, reason: ended.set_result((code, reason))
        )
        for _ in range(3 * MOST_WAITING):
            await line.send("OPTIONS")
        code, reason = await asyncio.wait_for(ended, 60)
        assert (code, pbx.open) == (1008, False)
        assert "wait for this phone" in reason
        assert line._waiting.qsize() <= MOST_WAITING  # type: ignore[attr-defined]

    asyncio.run(main())
