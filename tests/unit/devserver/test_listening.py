"""The attack: to hold what the dev server has without using it."""

from __future__ import annotations

import contextlib
import resource
import socket
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cmp_bundle.devserver.listening import Limits
from cmp_bundle.devserver.server import bind, bind_beside
from tests.serving import until
from tests.unit.devserver.running import SECRET, Running, building, serving
from tests.unit.devserver.test_server import SITE, get

#: More than sockets hold on their way, so that it is not all sent before anybody takes it.
LARGE = 30_000_000


def plain(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 20)


def over_tls(port: int, first: str = "") -> ssl.SSLSocket:
    line = ssl._create_unverified_context().wrap_socket(plain(port))
    line.sendall(first.replace("\n", "\r\n").replace("PORT", str(port)).encode())
    return line


def ends(line: socket.socket) -> bytes:
    """All that comes until the server closes it; fails where it does not."""
    line.settimeout(60)
    data = b""
    # Either end of a broken connection may be the first to say so.
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while chunk := line.recv(65536):
            data += chunk
    return data


def open_streams(running: Running) -> int:
    def count() -> int:
        listeners = running.server._listeners
        return sum(not s.closed() for listener in listeners for s in listener._streams)

    return int(running.call(count))


def upgrade(path: str) -> str:
    return (
        f"GET {path} HTTP/1.1\nHost: localhost:PORT\nConnection: Upgrade\nUpgrade: websocket\n"
        "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
        "Sec-WebSocket-Protocol: sip\n\n"
    )


SILENT = {
    "nothing after the handshake": "",
    "half a request": "GET /cmp2k HTTP/1.1\nHost: localhost:PORT\nX-Slow: ",
    "a request, and no other": "GET /cmp2k HTTP/1.1\nHost: localhost:PORT\n\n",
    "no body": "GET /cmp2k HTTP/1.1\nHost: localhost:PORT\nContent-Length: 9\n\n",
    "a page that answers no ping": upgrade("/__cmp/events"),
    "livereload, the same": upgrade("/livereload"),
}
SILENT_BESIDE = {
    "half a request": f"GET /{SECRET}/ HTTP/1.1\nHost: localhost:PORT\nX-Slow: ",
    "a request, and no other": f"GET /{SECRET}/dev.js HTTP/1.1\nHost: localhost:PORT\n\n",
    "no ping": upgrade(f"/{SECRET}/news"),
}


@pytest.mark.slow
def test_who_says_nothing_is_let_go(folder: Path) -> None:
    limits = Limits(idle=2, ping=2)
    with serving(building(folder), limits=limits) as running, contextlib.ExitStack() as stack:
        lines = [stack.enter_context(plain(port)) for port in (running.port, running.beside)]
        lines += [stack.enter_context(over_tls(running.port, t)) for t in SILENT.values()]
        lines += [stack.enter_context(over_tls(running.beside, t)) for t in SILENT_BESIDE.values()]
        answers = [ends(line) for line in lines]
        assert sum(text.startswith(b"HTTP/1.1 302") for text in answers) == 1
        assert sum(text.startswith(b"HTTP/1.1 101") for text in answers) == 3
        assert get(running, "/cmp2k")[0] == 302
        until(lambda: open_streams(running) == 0)


@pytest.mark.slow
def test_who_takes_no_answer_is_let_go(folder: Path) -> None:
    (folder / "large.js").write_text("/" * LARGE)
    build = cache(building(folder))
    with serving(build, limits=Limits(sending=2)) as running:
        line = over_tls(
            running.port, f"GET {SITE}/assets/live-1/large.js HTTP/1.1\nHost: localhost:PORT\n\n"
        )
        with line:
            until(lambda: open_streams(running) == 1)
            until(lambda: open_streams(running) == 0)
            assert len(ends(line)) < LARGE
    with serving(build) as running:
        assert len(get(running, f"{SITE}/assets/live-1/large.js")[2]) == LARGE


@pytest.fixture
def full(folder: Path) -> Iterator[tuple[Running, list[ssl.SSLSocket]]]:
    """As many sockets are open on the phone's port as may be."""
    limits = Limits(connections=3)
    with serving(building(folder), limits=limits) as running, contextlib.ExitStack() as stack:
        text = upgrade("/__cmp/events")
        lines = [stack.enter_context(over_tls(running.port, text)) for _ in range(3)]
        for line in lines:
            assert line.recv(20).startswith(b"HTTP/1.1 101")
        yield running, lines


def test_no_more_are_let_in_than_can_be_served(
    full: tuple[Running, list[ssl.SSLSocket]],
) -> None:
    running, lines = full
    for _ in range(5):
        with plain(running.port) as line:
            assert ends(line) == b""
    assert get(running, running.page, port=running.beside)[0] == 200, "the developer's has its own"
    lines[0].close()
    until(lambda: open_streams(running) < 3)
    assert get(running, "/cmp2k")[0] == 302


# Tornado lets go of the socket that it could not bind without closing it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_the_developer_s_port_is_another_where_the_next_one_is_taken() -> None:
    with contextlib.ExitStack() as stack:
        [taken] = bind("127.0.0.1", 0)
        stack.enter_context(taken)
        port = taken.getsockname()[1]
        [beside] = bind_beside("127.0.0.1", port - 1)
        stack.enter_context(beside)
        assert beside.getsockname()[1] not in (port - 1, port)
        [last] = bind_beside("127.0.0.1", 65535)
        stack.enter_context(last)


def test_a_file_is_left_for_every_connection() -> None:
    """Each phone takes a second one, to its PBX; and where none is left, no port accepts any."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == resource.RLIM_INFINITY or 2 * Limits().connections < soft
