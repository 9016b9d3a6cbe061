"""Servers that mean no good, at each step of the way: never for long, never much, and in words."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp_bundle.checks import websocket
from cmp_bundle.doctor import reach as reaching
from cmp_bundle.doctor.reach import Reached, reach
from cmp_bundle.doctor.way import Part

from . import ends
from .ends import Act, after_a_request, drips, end, opens, pours, says

pytestmark = pytest.mark.slow

#: Seconds for all of it where none of them is enough, and what a machine that is busy with something else
#: adds. For whatever comes to an end by itself there are more.
PATIENCE = 0.6
AND_MORE = 30.0
ENOUGH = 10.0

#: Bytes that all of it may need at once, the servers and what is imported meanwhile among it.
MOST_MEMORY = 24 << 20


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return ends.showing(ends.chain(tmp_path_factory.mktemp("pem"), 1))


@pytest.fixture(autouse=True)
def _short_goodbyes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "_GOODBYE", 0.1)
    monkeypatch.setattr(reaching, "_GOODBYE", 0.1)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "PATIENCE", PATIENCE)
    monkeypatch.setattr(reaching, "_STEP", PATIENCE / 2)
    monkeypatch.setattr(reaching, "_LEAST", 0.1)
    monkeypatch.setattr(reaching, "_ONE_OF_MANY", 0.1)


@pytest.fixture(autouse=True)
def _not_much() -> Iterator[None]:
    tracemalloc.start()
    yield
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < MOST_MEMORY


def reached(port: int, host: str = "127.0.0.1") -> Reached:
    began = time.monotonic()
    found = reach(f"https://{host}:{port}", "/ws", "/cmp2k")
    most = PATIENCE + AND_MORE if reaching.PATIENCE == PATIENCE else ENOUGH
    assert time.monotonic() - began < most
    assert found.trouble.isprintable()
    assert found.page_trouble.isprintable()
    return found


NO_ANSWER = "no answer within"

HELLO = bytes.fromhex("160303004a020000460303")

BEFORE_TLS: dict[str, tuple[Act, str]] = {
    "takes the connection": (ends.silent, NO_ANSWER),
    "hears the hello": (after_a_request(ends.silent), NO_ANSWER),
    "hangs up": (ends.hangs_up, ""),
    "hangs up after the hello": (after_a_request(ends.hangs_up), ""),
    "garbage": (says(bytes(range(256)) * 100), ""),
    "garbage without end": (pours(b"\0\x1b[2J\xff" * 1000), ""),
    "terminal escapes": (after_a_request(says(b"\x1b]0;root\x07\x1b[31m\r\n" * 10)), ""),
    "plain HTTP": (after_a_request(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")), "wrong version"),
    "a hello byte by byte": (drips(HELLO + bytes(64)), NO_ANSWER),
    "a record that is never whole": (says(b"\x16\x03\x03\x40\x00" + bytes(100)), ""),
}


@pytest.mark.parametrize("kind", BEFORE_TLS)
def test_no_tls(kind: str, request: pytest.FixtureRequest) -> None:
    act, words = BEFORE_TLS[kind]
    if words == NO_ANSWER:
        request.getfixturevalue("hurry")
    with end(act) as port:
        found = reached(port)
    assert found.connected == "127.0.0.1"
    assert found.stopped is Part.TLS
    assert words in found.trouble
    assert found.trouble


HEAD = b"HTTP/1.1 200 OK\r\n"
ESCAPES = b"HTTP/1.1 302 \x1b[2J\r\nServer: \x1b]0;x\x07\0\r\nLocation: /\x1b[31m\x9b2J\0\r\n\r\n"

NO_WEBSOCKET: dict[str, tuple[Act, str]] = {
    "silence": (ends.silent, NO_ANSWER),
    "silence after the request": (after_a_request(ends.silent), NO_ANSWER),
    "hangs up": (ends.hangs_up, ""),
    "hangs up after the request": (after_a_request(ends.hangs_up), "without an answer"),
    "a head byte by byte": (after_a_request(drips(b"X: x\r\n", HEAD)), NO_ANSWER),
    "a status byte by byte": (after_a_request(drips(HEAD)), NO_ANSWER),
    "a head without end": (after_a_request(pours(b"X: x\r\n", HEAD)), "answers 200"),
    "a line without end": (after_a_request(pours(b"x" * 9000)), "no HTTP"),
    "a number without end": (after_a_request(pours(b"9" * 9000, b"HTTP/1.1 2")), "no HTTP"),
    "continue, continue": (after_a_request(pours(b"HTTP/1.1 100 Continue\r\n\r\n")), "answers 100"),
    "HTTP/0.9": (after_a_request(says(b"<html>hello</html>")), "no HTTP"),
    "NULs": (after_a_request(says(b"\0" * 100_000)), "no HTTP"),
    "terminal escapes": (after_a_request(says(ESCAPES)), "answers 302"),
    "a page without end": (after_a_request(pours(b"x" * 9000, HEAD + b"\r\n")), "answers 200"),
    "401 for ever": (
        after_a_request(pours(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")),
        "answers 401",
    ),
    "a bomb": (
        after_a_request(
            says(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(1 << 26), 9))
        ),
        "answers 200",
    ),
    "a length that is none": (
        after_a_request(says(HEAD + b"Content-Length: -99999999999999999999\r\n\r\nx")),
        "answers 200",
    ),
    "pieces that are none": (
        after_a_request(says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n\0\r\n")),
        "answers 200",
    ),
    "to itself": (after_a_request(says(b"HTTP/1.1 302 Found\r\nLocation: /cmp2k\r\n\r\n")), "302"),
    "to nowhere": (after_a_request(says(b"HTTP/1.1 302 F\r\nLocation: http://[::\r\n\r\n")), "302"),
    "to no letters": (
        after_a_request(says("HTTP/1.1 302 F\r\nLocation: /ä \u20ac\r\n\r\n".encode())),
        "302",
    ),
    "another WebSocket": (
        after_a_request(says(b"HTTP/1.1 101 X\r\nSec-WebSocket-Protocol: \x1b[2J\r\n\r\n")),
        "answers 101",
    ),
}


@pytest.mark.parametrize("kind", NO_WEBSOCKET)
def test_tls_and_then(kind: str, context: ssl.SSLContext, request: pytest.FixtureRequest) -> None:
    act, words = NO_WEBSOCKET[kind]
    if words == NO_ANSWER or kind == "continue, continue":
        request.getfixturevalue("hurry")
    with end(act, context) as port:
        found = reached(port)
    assert found.tls is not None
    assert found.stopped in (Part.WEB_SERVER, Part.WEBSOCKET)
    assert words in found.trouble
    assert found.trouble


@pytest.mark.parametrize("kind", ["silence", "one byte after another", "without end"])
def test_a_websocket_and_then(kind: str, context: ssl.SSLContext) -> None:
    acts = {
        "silence": ends.silent,
        "one byte after another": drips(b"\x81\x7f"),
        "without end": pours(b"\x81\x05hello" * 1000),
    }
    with end(opens(acts[kind]), context) as port:
        found = reached(port)
    assert found.answer is not None
    assert (found.answer.status, found.answer.body) == (200, b"page")
    assert found.stopped is None


def test_many_certificates(tmp_path: Path) -> None:
    shown = ends.showing(ends.chain(tmp_path, 200))
    with end(after_a_request(says(b"HTTP/1.1 404 No\r\n\r\n")), shown) as port:
        found = reached(port)
    assert found.tls is not None
    assert 1 <= len(found.tls.chain) <= 10
    assert found.tls.distrust
    assert found.stopped is Part.WEBSOCKET


@pytest.mark.parametrize(("number", "padding"), [(200, 50_000), (1, 200_000)])
def test_more_certificate_than_anybody_takes(tmp_path: Path, number: int, padding: int) -> None:
    shown = ends.showing(ends.chain(tmp_path, number, padding))
    tracemalloc.reset_peak()
    with end(ends.silent, shown) as port:
        found = reached(port)
    assert found.stopped is Part.TLS
    assert found.trouble == "excessive message size"


@pytest.mark.usefixtures("hurry")
def test_a_port_that_drops_what_comes() -> None:
    with ends.full() as port:
        found = reached(port)
    assert found.stopped is Part.NAME
    assert found.trouble.startswith("port: 127.0.0.1: no answer within")


def named(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *how: int, **more: int) -> object:
        if host != "pbx.example":
            return real(host, port, *how, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


THOUSAND = [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(1000)]


@pytest.mark.usefixtures("hurry")
def test_a_thousand_addresses_that_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with ends.full() as port:
        named(monkeypatch, "127.0.0.1", *THOUSAND)
        found = reached(port, "pbx.example")
    assert len(found.addresses) == 1001
    assert found.stopped is Part.NAME
    assert found.trouble.endswith("; and 997 more")
    assert len(found.trouble) < 300


def test_a_name_goes_to_another_address_meanwhile(
    monkeypatch: pytest.MonkeyPatch, context: ssl.SSLContext
) -> None:
    """It is looked up once: all steps are about one server."""
    with end(opens(ends.silent), context) as port:
        named(monkeypatch, "127.0.0.1")
        real, asked = socket.getaddrinfo, []

        def look_up(host: str, *how: int, **more: int) -> object:
            asked.append(host)
            return real(host, *how, **more)

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        found = reached(port, "pbx.example")
    assert found.stopped is None
    assert asked.count("pbx.example") == 1


def test_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch)
    found = reached(8089, "pbx.example")
    assert (found.stopped, found.addresses) == (Part.NAME, ())
    assert found.trouble


@pytest.mark.usefixtures("hurry")
def test_nobody_says_what_the_address_is(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def wait(*_: object, **__: object) -> list[object]:
        over.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    found = reached(8089, "pbx.example")
    over.set()
    assert found.stopped is Part.NAME
    assert "no name server answers within" in found.trouble


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..b", "\x1b2J", "ä\u202e.example", "-"])
def test_names_that_are_none(host: str) -> None:
    found = reach(f"https://{host}:8089", "/ws", "/cmp2k")
    assert found.stopped is Part.NAME
    assert found.trouble
