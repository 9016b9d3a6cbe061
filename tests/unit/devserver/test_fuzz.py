"""Nonsense on the wire: an answer or a closed connection; no traceback, no hang, nothing leaks."""

from __future__ import annotations

import contextlib
import logging
import random
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.devserver.running import Running
from tests.unit.devserver.test_listening import over_tls, upgrade
from tests.unit.devserver.test_server import get, proxying

pytestmark = pytest.mark.slow

SITE = b"/static/cyber_mega_phone_2k/"

#: What stands beside the phone's folder, and must never be seen.
OUTSIDE = "nobody-is-to-read-this"


@pytest.fixture
def running(folder: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Running]:
    """A dev server with a PBX that says back what it hears."""
    (folder.parent / "secret.txt").write_text(OUTSIDE)
    with proxying(folder) as (_, running):
        yield running
        assert get(running, "/cmp2k")[0] == 302
    wrong = [r for r in caplog.get_records("call") if r.exc_info or r.levelno >= logging.ERROR]
    assert not [r.getMessage() for r in wrong]


def _everything(line: ssl.SSLSocket, patience: float = 0.05) -> bytes:
    """All that comes until nothing more does, or the end."""
    line.settimeout(patience)
    data = b""
    with contextlib.suppress(OSError):
        while chunk := line.recv(65536):
            data += chunk
    assert b"Traceback" not in data
    assert OUTSIDE.encode() not in data
    assert b"root:" not in data
    return data


def test_bytes_of_all_kinds(running: Running) -> None:
    rng = random.Random(3)
    words = [b"GET ", b"POST ", b"/cmp2k", b"/static/", b"/ws", b" HTTP/1.1", b"\r\n", b"Host: ",
             b"localhost:%d" % running.port, b"Upgrade: websocket\r\n", b"Content-Length: ", b"9" * 20,
             b"\0", b"\xff", b"%", b"../", b"Transfer-Encoding: chunked\r\n", b"Sec-WebSocket-Key: x\r\n",
             b"Connection: Upgrade\r\n", b"/__cmp/events", b"/livereload", b"{}", b"x" * 5000]  # fmt: skip
    for _ in range(200):
        data = b"".join(rng.choice(words) for _ in range(rng.randint(1, 14)))
        with over_tls(running.port) as line:
            line.sendall(data + rng.choice((b"", b"\r\n\r\n", b"\n\n")))
            _everything(line)


def test_paths_that_climb(running: Running) -> None:
    """Requests that are in order but for their path, on one connection as long as it is kept."""
    rng = random.Random(4)
    steps = [b"..", b"%2e%2e", b".%2E", b"%252e%252e", b"..%2f", b"..%5c", b"\xc0\xae\xc0\xae", b".",
             b"", b"%00", b"assets", b"live-1", b"secret.txt", b"etc/passwd", b"phone", b"~root"]  # fmt: skip
    starts = [b"/", b"/static/", SITE, SITE + b"assets/live-1/", b"/__cmp/", b"/livereload/", b"//",
              b"/the-secret-of-the-page/qr/", b"/ws/", b"/cmp2k/", b"file:///", b"https://evil/static/"]  # fmt: skip
    host = b"localhost:%d" % running.port
    for _ in range(300):
        path = rng.choice(starts) + b"/".join(rng.choice(steps) for _ in range(rng.randint(1, 8)))
        method = rng.choice((b"GET", b"GET", b"HEAD", b"POST", b"OPTIONS", b"CONNECT"))
        with over_tls(running.port) as line:
            line.sendall(
                b"%b %b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % (method, path, host)
            )
            answer = _everything(line, 20)
            assert answer.startswith(b"HTTP/1.1 "), path


def test_frames_of_all_kinds(running: Running) -> None:
    """Broken WebSocket frames, and good ones with anything in them, on each socket there is."""
    rng = random.Random(5)
    for _ in range(60):
        for path in ("/ws", "/livereload", "/__cmp/events"):
            with over_tls(running.port, upgrade(path)) as line:
                assert b" 101 " in _head(line), path
                with contextlib.suppress(OSError):
                    for _ in range(rng.randint(1, 5)):
                        line.sendall(_frame(rng))
                _everything(line, 0.02)


def _head(line: ssl.SSLSocket) -> bytes:
    line.settimeout(20)
    head = b""
    while b"\r\n\r\n" not in head:
        head += line.recv(65536)
    return head


def _frame(rng: random.Random) -> bytes:
    """A frame of a client, right in most of its parts."""
    data = rng.choice((
        rng.randbytes(rng.randint(0, 200)), b'{"command": "hello"}', b'{"command": 5}', b"[]", b"{",
        b"INVITE sip:x SIP/2.0\r\nCall-ID: x\r\nCSeq: nonsense\r\n\r\n", b"\r\n\r\n", b"\xff" * 70_000,
        b"SIP/2.0 999 \r\nCSeq: 1 REGISTER\r\n\r\n", b"SIP/2.0 \xd9\xa1\xd9\xa2\xd9\xa3 x\r\n\r\n",
        b"REGISTER sip:x SIP/2.0\r\nCSeq: 1 REGISTER\r\nTo: <sip:<script>@x>\r\n\r\n",
    ))  # fmt: skip
    first = rng.choice((0x81, 0x81, 0x82, 0x01, 0x80, 0x88, 0x89, 0x8A, 0xF1, 0x83, 0x8F))
    length = len(data)
    if rng.random() < 0.1:
        length = rng.choice((2**63, 2**40, 126, 65535, 0))
    if length < 126:
        head = struct.pack("!BB", first, 0x80 | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, 0xFE, length)
    else:
        head = struct.pack("!BBQ", first, 0xFF, length)
    if rng.random() < 0.1:
        return head[:1] + bytes([head[1] & 0x7F]) + head[2:] + data  # without a mask
    mask = rng.randbytes(4)
    return head + mask + bytes(b ^ mask[n % 4] for n, b in enumerate(data))
