"""Answers of Asterisk's web server that no bundle of ours brings about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.asterisk.web import (
    HttpRequest,
    HttpResponse,
    StaticFile,
    WebServer,
    is_socket,
    respond,
)

FILES = {
    "site/a b.js": StaticFile(b"code", 1_000_000_000),
    "site/private/x.js": StaticFile(b"secret", 1),
}


class Files:
    def file(self, path: str) -> StaticFile | None:
        return FILES.get(path)


def ask(target: bytes, method: str = "GET", **more: object) -> HttpResponse:
    return respond(HttpRequest(method, target, {}), WebServer((), **more), Files())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/static/site/a%20b.js", 200),
        (b"/STATIC/site/a+b.js?v=1", 200),
        (b"/static/site/a%2", 404),
        (b"/static/site/none.js", 404),
        (b"/static/site", 404),
        (b"/static/site/private/x.js", 403),
        (b"/static/site/private/none.js", 404),
        (b"/static/.site/a", 403),
        (b"/static/%2e%2e/etc/passwd", 403),
        (b"/static/a/%2e%2e/b", 403),
        (b"/static/%ff", 403),
        (b"/static/", 403),
        (b"/static", 403),
        (b"/static/" + b"a" * 1100, 403),
        (b"/nothing", 404),
        (b"nothing", 404),
        (b"", 404),
        (b"/ws", 426),
        (b"/ws/", 426),
        (b"/ws/more", 404),
    ],
)
def test_each_request_has_its_answer(target: bytes, status: int) -> None:
    assert ask(target).status == status


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [
        (b"/static/site/a+b.js", "HEAD", 200),
        (b"/static/site/a+b.js", "POST", 501),
        (b"/ws", "POST", 501),
        (b"/ws", "HEAD", 501),
    ],
)
def test_methods(target: bytes, method: str, status: int) -> None:
    assert ask(target, method).status == status


def test_where_static_files_are_off_or_behind_a_prefix() -> None:
    assert ask(b"/static/site/a+b.js", static_enabled=False).status == 404
    assert ask(b"/static/site/a+b.js", prefix="/pbx").status == 404
    assert ask(b"/PBX/static/site/a+b.js", prefix="/pbx").status == 200
    assert ask(b"/pbxstatic/site/a+b.js", prefix="/pbx").status == 404
    assert b"<address>" not in ask(b"/nothing", name="").body


def test_what_is_a_socket() -> None:
    server = WebServer((), prefix="/pbx")
    upgrade = {"upgrade": "WebSocket"}
    assert is_socket(HttpRequest("GET", b"/PBX/ws?x", upgrade), server)
    assert not is_socket(HttpRequest("GET", b"/pbx/ws", {}), server)
    assert not is_socket(HttpRequest("POST", b"/pbx/ws", upgrade), server)
    assert not is_socket(HttpRequest("GET", b"/ws", upgrade), server)


@given(st.binary(max_size=60), st.sampled_from(["GET", "HEAD", "POST"]))
def test_whatever_is_sent(rest: bytes, method: str) -> None:
    for target in (rest, b"/static/" + rest):
        answer = ask(target, method)
        assert answer.status in (200, 403, 404, 426, 501)
        assert answer.status != 200 or answer.body == b"code"
