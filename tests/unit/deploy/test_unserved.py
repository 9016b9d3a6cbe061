"""What is said where the live server does not serve what was deployed: the cause, and no other."""

from __future__ import annotations

import http.client
import os
import socket
from pathlib import Path

import pytest

from cmp_bundle.checks import live
from cmp_bundle.checks.expected import Expected
from cmp_bundle.checks.live import Asked, Unserved
from cmp_bundle.server.unserved import explained
from tests.unit.deploy.trees import installation, tree
from tests.unit.nobody import NOBODY, needs_root, open_folder

EXPECTED = Expected("/cmp2k", "/static/site/index.html?v=1", {"/static/site/app.js": b""}, "/ws")
PATHS = ("/static/... => Asterisk HTTP Static Delivery", "/ws => Asterisk HTTP WebSocket")
REDIRECTS = (f"/cmp2k => {EXPECTED.page}",)
MODULES = ("res_pjsip_transport_websocket.so", "res_http_websocket.so")


def said(
    root: Path,
    asked: Asked,
    *,
    paths: tuple[str, ...] = PATHS,
    redirects: tuple[str, ...] = REDIRECTS,
    modules: tuple[str, ...] = MODULES,
    url: str = "",
) -> tuple[str, str]:
    """The message and the hint, where Asterisk's console says so."""
    blocks = ("Enabled URI's:", *paths, "", "Enabled Redirects:", *redirects, "")
    (root / "status").write_text("\n".join(blocks))
    (root / "modules").write_text("".join(f"{m}  About it  0  Running  core\n" for m in modules))
    console = root / "console"
    console.write_text(
        f'#!/bin/sh\ncase "$2" in\n"http show status") cat {root}/status ;;\n'
        f'"module show like "*) cat {root}/modules ;;\n*) exit 1 ;;\nesac\n'
    )
    console.chmod(0o755)
    where = installation(root, command=(str(console),))
    unserved = Unserved("it answers with 404", asked, "/static/site/app.js")
    found = explained(unserved, EXPECTED, where, url)
    assert found.code == "not-served"
    assert found.message.startswith("the live server does not serve it: it answers with 404")
    assert found.hint
    return found.message, found.hint


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree(tmp_path / "root")


def test_asterisk_has_not_what_is_in_the_file(root: Path) -> None:
    """Where a container has http.conf alone, it has the file that was there when it was started."""
    message, hint = said(root, Asked.REDIRECT, redirects=("  None.",))
    assert f"has not got what stands in {root}/etc/asterisk/http.conf" in message
    assert "mount the folder instead" in hint
    assert "url" not in hint


def test_another_server_is_there(root: Path) -> None:
    message, hint = said(root, Asked.REDIRECT)
    assert "another server answers at this address" in message
    assert "[asterisk] url" in hint
    _, hint = said(root, Asked.REDIRECT, url="https://other:1")
    assert "https://other:1, which [asterisk] url names" in hint


def test_no_static_files(root: Path) -> None:
    message, hint = said(root, Asked.FILE, paths=PATHS[1:])
    assert "Asterisk serves no static files" in message
    assert "url" not in hint


def test_another_folder(root: Path) -> None:
    message, hint = said(root, Asked.FILE)
    assert "static-http/site/app.js, so Asterisk serves another folder" in message
    assert "[asterisk] data_dir" in hint


@needs_root
def test_a_file_that_asterisk_may_not_read() -> None:
    with open_folder() as folder:
        root = tree(folder / "root")
        (root / "etc/passwd").write_text(f"asterisk:x:{NOBODY}:{NOBODY}::/:\n")
        site = root / "usr/share/asterisk/static-http/site"
        site.mkdir(0o700)
        (site / "app.js").touch()
        os.chown(root / "etc/asterisk", NOBODY, NOBODY)
        message, hint = said(root, Asked.FILE)
    assert f"Asterisk runs as asterisk, who cannot read {site}/app.js" in message
    assert "let asterisk" in hint


def test_a_module_is_missing(root: Path) -> None:
    there = ("res_http_websocket.so", "res_pjsip.so")
    message, hint = said(root, Asked.SOCKET, modules=there)
    assert "res_pjsip_transport_websocket.so is not loaded" in message
    message, _ = said(root, Asked.SOCKET, modules=there[:1])
    assert "res_pjsip.so is not loaded" in message
    assert "modules.conf" in hint
    message, hint = said(root, Asked.SOCKET, paths=PATHS[:1])
    assert "res_http_websocket.so is not loaded" in message
    assert "[asterisk]" not in hint


def test_nobody_is_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's Asterisk says where it listens inside."""
    monkeypatch.setattr(live, "PATIENCE", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        found = live.served(f"https://127.0.0.1:{taken.getsockname()[1]}", EXPECTED)
    assert found is not None
    assert (found.asked, "cannot be reached" in found.text) == (Asked.NOTHING, True)
    assert "as seen from here: [asterisk] url" in said(root, Asked.NOTHING)[1]


def test_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {EXPECTED.redirect: (404, None), "/static/site/app.js": (403, None)}
    monkeypatch.setattr(live, "get", lambda _base, path, *_: live.HttpAnswer(*answers[path], b""))
    found = live.problem("https://x", EXPECTED)
    assert found is not None
    assert found.asked is Asked.REDIRECT
    answers[EXPECTED.redirect] = (http.client.FOUND, EXPECTED.page)  # type: ignore[assignment]
    found = live.problem("https://x", EXPECTED)
    assert found is not None
    assert (found.asked, found.path) == (Asked.FILE, "/static/site/app.js")
