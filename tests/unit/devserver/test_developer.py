"""The attack: what another user of this machine, or the phone's own page, gets of the developer's page."""

from __future__ import annotations

import asyncio
import contextlib
import html
import http.client
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp_bundle.devserver.pages import AccountLink
from tests.serving import until
from tests.unit.devserver.running import SECRET, Running
from tests.unit.devserver.test_server import (
    PATIENCE,
    SITE,
    get,
    hears,
    livereload,
    page_of,
    phone,
    proxying,
    refusal,
    socket_of,
)

LINK = AccountLink("alice", "https://localhost/cmp2k#the-token-of-alice", "Alice of Sales")
INVITE = (
    "INVITE sip:246@x SIP/2.0\r\nCall-ID: one\r\nFrom: <sip:alice@x>\r\nTo: <sip:246@x>\r\n\r\n"
)


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    """All that is nobody's business is there: an account, a call, an edit that does not build."""
    with proxying(folder, (folder,), (LINK,)) as (_, running):
        with phone(running) as line:
            line.send(INVITE)
            line.recv(60)
        (folder / "index.html").write_text("<p>no phone")
        with socket_of(running, "/__cmp/events", origin=running.url) as events:
            hears(events, ["build"])
        yield running


def business(running: Running) -> list[str]:
    """What stands on the developer's page, and nowhere else."""
    warnings = [line for line in running.terminal.lines if line.startswith("warning: ")]
    problem = warnings[0].removeprefix("warning: ").partition(" (")[0].partition(": ")[2]
    return ["alice", "the-token-of-alice", "Alice of Sales", "INVITE", "sip:", problem, SECRET]


OLD = ["/", "/__cmp/state", "/__cmp/qr/0", "/__cmp/dev.js", "/__cmp/", "/__cmp/events", "/state",
       "/accounts", "/news", "/qr/0", f"/{SECRET}/", f"/{SECRET}/state", "/livereload", "/cmp2k",
       f"{SITE}/index.html", f"{SITE}/", "/static/"]  # fmt: skip


def test_the_phone_s_port_tells_nothing(running: Running) -> None:
    page = html.unescape(page_of(running)[2].decode())
    assert [text for text in business(running) if text not in page] == [SECRET]
    for path in OLD:
        _, headers, body = get(running, path)
        answer = f"{headers}{body.decode('latin-1')}"
        assert not [text for text in business(running) if text in answer], path
    with socket_of(running, "/__cmp/events") as events:
        state = json.loads(events.recv(60))
    assert state == {"shown": 1, "since": 1, "trouble": ["build"]}
    with livereload(running) as reloading:
        reloading.send(json.dumps({"command": "hello"}))
        hello = json.loads(reloading.recv(60))
    assert hello.keys() == {"command", "protocols", "serverName"}


def test_calls_are_no_news_for_the_phone_s_page(running: Running) -> None:
    """How many messages pass, and when, is nobody's business either."""
    with (
        socket_of(running, "/__cmp/events") as events,
        socket_of(running, f"{running.page}news", running.beside) as developer,
        phone(running) as line,
    ):
        events.recv(60)
        developer.recv(60)
        line.send(INVITE)
        assert developer.recv(60) == "news"
        with pytest.raises(TimeoutError):
            events.recv(0)


@pytest.mark.parametrize(
    "path",
    ["/", "", "/state", "/news", "/dev.js", "/x/", "/x/state", f"/{SECRET}", f"/{SECRET[:-1]}/",
     f"/{SECRET}x/", f"//{SECRET}/", f"/./{SECRET}/", f"/{SECRET.upper()}/", f"/%74{SECRET[1:]}/",
     "/%e4/", "/__cmp/state", f"/?{SECRET}", "/cmp2k", "/static/x", "/ws"],
)  # fmt: skip
def test_without_the_secret_all_is_one_answer(running: Running, path: str) -> None:
    expected = get(running, "/nothing/", port=running.beside)
    found = get(running, path, port=running.beside)
    assert found[0] == expected[0] == 404
    assert found[2] == expected[2]
    same = {name: value for name, value in found[1].items() if name != "Date"}
    assert same == {name: value for name, value in expected[1].items() if name != "Date"}
    assert not [text for text in business(running) if text in f"{found[1]}{found[2]!r}"]


def ask(running: Running, path: str, method: str = "GET", **headers: str) -> int:
    """With the secret."""
    return get(running, running.page + path, method, running.beside, **headers)[0]


@pytest.mark.slow
def test_with_the_secret_it_is_for_its_own_page_alone(running: Running) -> None:
    origin_of_page = f"https://localhost:{running.beside}"
    foreign = [running.url, "null", "https://evil.example", f"http://localhost:{running.beside}"]
    for path in ("", "state", "accounts", "qr/0", "dev.js", "dev.css"):
        assert ask(running, path) == 200, "a program, which says nothing of where it comes from"
        assert ask(running, path, Sec_Fetch_Site="same-origin", Origin=origin_of_page) == 200
        for site in ("same-site", "cross-site", "nonsense"):
            for dest in ("empty", "iframe", "image", "script", "style", "embed", "object"):
                assert ask(running, path, Sec_Fetch_Site=site, Sec_Fetch_Dest=dest) == 404
        for origin in foreign:
            assert ask(running, path, Origin=origin) == 404
            assert ask(running, path, Origin=origin, Sec_Fetch_Site="same-origin") == 404
        assert ask(running, path, Service_Worker="script") == 404
        for method in ("POST", "OPTIONS", "PUT", "HEAD2"):
            assert ask(running, path, method) == 404
        assert ask(running, path, Host=f"evil.example:{running.beside}") == 421
        assert ask(running, path, Host=f"localhost:{running.port}") == 421
    visit = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "document"}
    assert ask(running, "", **visit) == 200, "a link in a terminal that is a page"
    for path in ("state", "accounts", "qr/0"):
        assert ask(running, path, **visit) == 404


def test_no_browser_keeps_it_or_hands_it_on(running: Running) -> None:
    for path in ("", "state", "accounts", "qr/0", "dev.js", "dev.css", "nothing"):
        headers = page_of(running, path)[1]
        if path != "nothing":
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        for name in headers:
            assert not name.lower().startswith("access-control"), path
            assert name.lower() != "set-cookie", path


def test_its_socket_is_for_its_own_page_alone(running: Running) -> None:
    for path, origin in (
        ("/news", f"https://localhost:{running.beside}"),
        (f"{running.page}news", running.url),
        (f"{running.page}news", "null"),
    ):
        assert refusal(running, path, running.beside, origin=origin) == 404
    with socket_of(running, f"{running.page}news", running.beside) as program:
        assert program.recv(60) == "news"


def test_no_log_has_the_secret(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where something of ours fails in the middle of an answer."""
    caplog.set_level(logging.DEBUG)
    running.server.hub.log = None  # type: ignore[assignment]
    assert page_of(running, "state")[0] == 500
    until(lambda: "Traceback" in caplog.text)
    assert SECRET not in caplog.text
    assert SECRET not in "".join(running.terminal.lines)
    assert SECRET not in repr(running.server._developer.developer)


def test_no_service_worker_is_installed(running: Running) -> None:
    """It would stay in the browser, and see every phone that is tried on this port afterwards."""
    path = f"{SITE}/assets/live-1/two.js"
    assert get(running, path)[0] == 200
    assert get(running, path, Service_Worker="script")[0] == 403


def test_a_page_that_is_being_made_when_the_server_stops(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    asked, stopped = threading.Event(), threading.Event()

    class Slow:
        calls = ()

        @property
        def phones(self) -> tuple[()]:
            asked.set()
            assert stopped.wait(PATIENCE)
            return ()

    def ask() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            page_of(running)

    def is_made() -> bool:
        return "handle_request" not in str(running.call(asyncio.all_tasks))

    running.server.hub.log = Slow()  # type: ignore[assignment]
    asking = threading.Thread(target=ask)
    asking.start()
    assert asked.wait(PATIENCE)
    closing = asyncio.run_coroutine_threadsafe(running.server.aclose(), running.loop)
    closing.result(PATIENCE)
    stopped.set()
    until(is_made)
    asking.join(PATIENCE)
    assert not caplog.text
