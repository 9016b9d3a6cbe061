"""The dev server over real sockets: what it answers, refuses, carries and reloads."""

from __future__ import annotations

import contextlib
import html
import http.client
import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from cmp_bundle.devserver.pages import AccountLink
from cmp_bundle.devserver.pbx import RealPbx
from tests.serving import believing, until
from tests.unit.devserver.running import Running, building, serving, tls
from tests.unit.devserver.saving import SAVES

SITE = "/static/cyber_mega_phone_2k"
PATIENCE = 20.0


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    with serving(building(folder), (folder,)) as server:
        yield server


def get(
    running: Running, path: str, method: str = "GET", port: int = 0, **headers: str
) -> tuple[int, Any, bytes]:
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(
        "localhost", port or running.port, timeout=20, context=context
    )
    try:
        connection.request(
            method, path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def page_of(running: Running, path: str = "") -> tuple[int, Any, bytes]:
    """The developer's page, or what lies beside it."""
    return get(running, running.page + path, port=running.beside)


def socket_of(running: Running, path: str, port: int = 0, **options: Any) -> ClientConnection:
    url = f"wss://localhost:{port or running.port}{path}"
    connection: ClientConnection = connect(url, ssl=believing(), open_timeout=60, **options)
    return connection


def refusal(running: Running, path: str, port: int = 0, **options: Any) -> int:
    """The status that a socket is refused with."""
    with pytest.raises(InvalidStatus) as caught, socket_of(running, path, port, **options):
        pass
    return caught.value.response.status_code


def test_asterisk_s_rules(running: Running) -> None:
    status, headers, _ = get(running, "/CMP2K?x")
    assert (status, headers["Cache-Control"]) == (302, "no-cache, no-store")
    page = headers["Location"]
    assert page == f"{SITE}/index.html?v=live-1"
    status, headers, body = get(running, page)
    assert (status, headers["Content-type"], headers["Cache-Control"]) == (200, "text/html", None)
    assert b"/__cmp/page.js?live-1" in body
    etag = headers["ETag"]
    assert get(running, page, If_None_Match=etag)[0] == 304
    assert (
        get(running, f"{SITE}/assets/live-1/lib/one.js")[1]["Content-type"]
        == "application/x-javascript"
    )
    for path, expected in {
        SITE: 404,
        "/cmp2k/": 404,
        "/static/.x": 403,
        "/ws": 426,
        "/static/../etc/passwd": 403,
        f"{SITE}/../../../etc/passwd": 403,
        "/static/%2e%2e/x": 403,
        "/nothing": 404,
    }.items():
        assert get(running, path)[0] == expected, path
    assert get(running, page, "POST")[0] == 501
    assert get(running, page, "HEAD")[2] == b""


def test_no_cache(folder: Path) -> None:
    with serving(building(folder), no_cache=True) as running:
        assert get(running, f"{SITE}/index.html")[1]["Cache-Control"] == "no-store"


def test_names_and_origins_it_does_not_know(running: Running) -> None:
    for path in ("/", "/cmp2k", f"{SITE}/index.html", "/__cmp/page.js", "/livereload.js"):
        assert get(running, path, Host="evil.example")[0] == 421, path
        assert get(running, path, Host=f"evil.example:{running.port}")[0] == 421, path
    for path in ("/livereload", "/__cmp/events"):
        assert refusal(running, path, origin="https://evil.example") == 403
    assert refusal(running, "/ws", origin="https://evil.example", subprotocols=["sip"]) == 403


def test_the_developer_s_page(running: Running) -> None:
    status, headers, body = page_of(running)
    assert status == 200
    assert b"Open the phone" in body
    assert b"No call yet" in body
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert f'href="{running.url}/cmp2k"'.encode() in body
    for path in ("dev.js", "dev.css", "state", "accounts"):
        assert page_of(running, path)[0] == 200, path
    for path in ("/__cmp/page.js", "/livereload.js"):
        assert get(running, path)[0] == 200, path
    assert page_of(running, "nothing")[0] == 404
    assert get(running, "/__cmp/nothing")[0] == 404


def livereload(running: Running) -> ClientConnection:
    return socket_of(running, "/livereload", origin=running.url)


def greet(page: ClientConnection) -> None:
    page.send(
        json.dumps(
            {"command": "hello", "protocols": ["http://livereload.com/protocols/official-7"]}
        )
    )
    assert json.loads(page.recv(PATIENCE))["command"] == "hello"
    page.send(json.dumps({"command": "info", "url": "https://localhost/cmp2k"}))


def hears(events: ClientConnection, trouble: list[str]) -> None:
    """Wait for it: what comes before it may be of a build that was under way."""
    while json.loads(events.recv(PATIENCE))["trouble"] != trouble:
        pass


def test_an_edit_reloads_the_page(running: Running, folder: Path) -> None:
    with (
        livereload(running) as page,
        socket_of(running, "/__cmp/events", origin=running.url) as events,
    ):
        greet(page)
        assert json.loads(events.recv(PATIENCE))["shown"] == 1
        until(lambda: running.server.hub.reloaders)
        (folder / "two.js").write_text("var edited")
        assert json.loads(page.recv(PATIENCE))["path"] == "index.html"
        while json.loads(events.recv(PATIENCE))["shown"] == 1:
            pass
        assert b"var edited" in get(running, f"{SITE}/assets/live-1/two.js")[2]
        (folder / "css/phone.css").write_text("p { color: pink }")
        command = json.loads(page.recv(PATIENCE))
        assert (command["path"], command["liveCSS"]) == ("assets/live/css/phone.css", True)


def test_a_page_that_comes_late_is_told_of_every_style_sheet(
    running: Running, folder: Path
) -> None:
    with socket_of(running, "/__cmp/events", origin=running.url) as events:
        for number, colour in enumerate(("pink", "blue"), 2):
            (folder / "css/phone.css").write_text(f"p {{ color: {colour} }}")
            while (state := json.loads(events.recv(PATIENCE)))["shown"] < number:
                pass
            assert state["since"] == 1, "a page of the first build needs no other"
    with livereload(running) as page:
        greet(page)
        assert json.loads(page.recv(PATIENCE))["path"] == "assets/live/css/phone.css"


def test_a_broken_edit_leaves_the_last_good_page(running: Running, folder: Path) -> None:
    with socket_of(running, "/__cmp/events", origin=running.url) as events:
        events.recv(PATIENCE)
        index = folder / "index.html"
        good = index.read_text()
        index.write_text(good.replace('id="accountHost"', ""))
        hears(events, ["build"])
        assert get(running, f"{SITE}/index.html")[0] == 200
        page = page_of(running)[2].decode()
        assert "does not build" in page
        assert "<code>index.html</code>" in page
        assert "accountHost" in page
        index.write_text(good)
        hears(events, [])
        assert any("accountHost" in line for line in running.terminal.lines)


def await_script(running: Running, text: str) -> None:
    until(lambda: get(running, f"{SITE}/assets/live-1/lib/one.js")[2] == text.encode())


@pytest.mark.parametrize("polling", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_kind_of_save_is_noticed(folder: Path, polling: bool) -> None:
    with serving(building(folder), (folder,), polling=polling) as running:
        for number, save in enumerate(SAVES * 2):
            text = f"function one() {{ return ['{number}']; }}"
            save(folder / "lib/one.js", text)
            await_script(running, text)


@pytest.mark.slow
@pytest.mark.parametrize("edits", [250, pytest.param(1000, marks=pytest.mark.soak)])
def test_hundreds_of_edits_end_on_the_last_one(folder: Path, edits: int) -> None:
    """Random gaps, every kind of save, bursts: after each series the newest is shown."""
    rng = random.Random(1)
    with serving(building(folder), (folder,)) as running:
        number = 0
        while number < edits:
            for _ in range(rng.randint(1, 12)):
                number += 1
                text = f"var edit = {number};"
                rng.choice(SAVES)(folder / "lib/one.js", text)
                time.sleep(rng.choice((0, 0, 0.001, rng.random() * 0.05, rng.random() * 0.5)) / 2)
            await_script(running, text)


class Backend:
    """A PBX of the tests' own: says back what it hears, does as it is told by SIP-like words."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.codes: list[int | None] = []
        self.slow = threading.Event()
        self._server = serve(
            self._phone, "127.0.0.1", 0, ssl=context, subprotocols=["sip"], max_size=None,  # type: ignore[list-item]
        )  # fmt: skip
        self.port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def _phone(self, phone: ServerConnection) -> None:
        try:
            for message in phone:
                if message == "close":
                    phone.close(4321, "enough")
                elif message == "vanish":
                    phone.socket.shutdown(socket.SHUT_RDWR)
                else:
                    phone.send(message)
        except ConnectionClosed:
            pass
        self.codes.append(phone.protocol.close_code)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()


@contextlib.contextmanager
def proxying(
    folder: Path, watched: tuple[Path, ...] = (), links: tuple[AccountLink, ...] = ()
) -> Iterator[tuple[Backend, Running]]:
    """A PBX of the tests' own, and a dev server in front of it."""
    server, client = tls()
    backend = Backend(server)
    pbx = RealPbx(f"wss://localhost:{backend.port}/ws", client)
    try:
        with serving(building(folder), watched, pbx, server, links) as running:
            yield backend, running
    finally:
        backend.stop()


@pytest.fixture
def backend(folder: Path) -> Iterator[tuple[Backend, Running]]:
    with proxying(folder) as pair:
        yield pair


def phone(running: Running) -> ClientConnection:
    return socket_of(running, "/ws", origin=running.url, subprotocols=["sip"], max_size=None)


def refused_phone(running: Running) -> int:
    return refusal(running, "/ws", origin=running.url, subprotocols=["sip"])


def test_the_proxy_carries_everything(backend: tuple[Backend, Running]) -> None:
    _, running = backend
    with phone(running) as line:
        assert line.subprotocol == "sip"
        for message in ("text", "ü" * 70_000, b"\0binary", "x" * 1_000_000):
            line.send(message)
            assert line.recv(PATIENCE) == message


def test_close_codes_go_both_ways(backend: tuple[Backend, Running]) -> None:
    pbx, running = backend
    with phone(running) as line:
        line.send("close")
        with pytest.raises(ConnectionClosed):
            line.recv(PATIENCE)
        assert (line.protocol.close_code, line.protocol.close_reason) == (4321, "enough")
    with phone(running) as line:
        line.close(4000, "bye")
    until(lambda: 4000 in pbx.codes)


def test_a_pbx_that_vanishes_is_a_clean_close(backend: tuple[Backend, Running]) -> None:
    _, running = backend
    with phone(running) as line:
        line.send("vanish")
        with pytest.raises(ConnectionClosed):
            line.recv(PATIENCE)
        assert line.protocol.close_code == 1001
    until(
        lambda: any(
            "the PBX closed a phone's connection" in text for text in running.terminal.lines
        )
    )
    with phone(running) as line:  # and it can come back
        line.send("x")
        assert line.recv(PATIENCE) == "x"


def test_messages_stand_on_the_page(backend: tuple[Backend, Running]) -> None:
    _, running = backend
    invite = (
        "INVITE sip:246@x SIP/2.0\r\nCall-ID: c<1>\r\nFrom: <sip:a@x>\r\nTo: <sip:246@x>\r\n\r\n"
    )
    with phone(running) as line:
        line.send(invite)
        line.recv(PATIENCE)
        body = until(lambda: b"INVITE sip:246@x" in page_of(running)[2] and page_of(running)[2])
    assert b"c&lt;1&gt;" in body


def test_nobody_listens(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        pbx = RealPbx(f"wss://localhost:{taken.getsockname()[1]}/ws", tls()[1])
        _refuses(folder, pbx, "cannot be reached")


def test_no_pbx(folder: Path) -> None:
    _refuses(folder, None, "this server has no PBX")


def test_a_pbx_that_is_not_trusted(folder: Path) -> None:
    server, _ = tls()
    backend = Backend(server)
    url = f"wss://localhost:{backend.port}/ws"
    try:
        with connect(url, ssl=believing(), subprotocols=["sip"]) as line:  # type: ignore[list-item]
            line.send("x")  # it is there, and answers
            line.recv(PATIENCE)
        _refuses(folder, RealPbx(url, tls()[1]), "not trusted")
    finally:
        backend.stop()


def test_a_server_that_is_no_pbx(folder: Path) -> None:
    with serving(building(folder)) as other:
        pbx = RealPbx(f"wss://localhost:{other.port}/ws", ssl._create_unverified_context())
        _refuses(folder, pbx, "answers with 502")


def _refuses(folder: Path, pbx: RealPbx | None, says: str) -> None:
    with serving(building(folder), pbx=pbx) as running:
        with socket_of(running, "/__cmp/events", origin=running.url) as events:
            events.recv(PATIENCE)
            assert refused_phone(running) == 502
            hears(events, ["pbx"])
        assert says in html.unescape(page_of(running)[2].decode())
        assert any(says in line for line in running.terminal.lines)


def test_without_the_subprotocol_it_is_refused_as_asterisk_does(running: Running) -> None:
    assert refusal(running, "/ws", subprotocols=["other"]) == 400
