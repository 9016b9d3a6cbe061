"""H: Asterisk's web server, and the page on it."""

from __future__ import annotations

import os
import shutil
import socket
import ssl

from tests.serving import until

from .fault import Fault, Server

_HTTP = "cmp-bundle/http.conf"
_PAGE = "/cmp2k /static/phone/index.html"


def _with_page(server: Server, redirect: str = _PAGE, *lines: str) -> None:
    """A page by hand, which the redirect leads to."""
    folder = server.pbx.static / "phone"
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text("<title>phone</title>")
    for path in (folder, folder / "index.html"):
        os.chown(path, *server.pbx.user())
    server.at_the_end(lambda: shutil.rmtree(folder))
    said = "\n".join(
        ("[general](+)", *(lines or ("enablestatic = yes",)), f"redirect = {redirect}")
    )
    server.append("http.conf", said)


def _proxied_and_off(server: Server) -> None:
    path = server.etc / _HTTP
    lines = [line for line in path.read_text().splitlines() if not line.startswith("tls")]
    path.write_text("\n".join((*lines, "enabled = yes", "bindaddr = 127.0.0.1", "bindport = 8088")))
    server.append("http.conf", "[general](+)\nenabled = no")


def _behind_a_prefix(server: Server) -> None:
    _with_page(server, _PAGE, "enablestatic = yes", "prefix = asterisk")


def _static_off(server: Server) -> None:
    _with_page(server, _PAGE, "enablestatic = no")


def _no_file(server: Server) -> None:
    _with_page(server, "/cmp2k /static/phones/index.html")


def _not_loaded(server: Server) -> None:
    _with_page(server)
    path = server.etc / "http.conf"
    path.write_text(path.read_text().replace(_PAGE, f"{_PAGE}?v=2"))


def _misspelt(server: Server) -> None:
    server.append("http.conf", "[general](+)\nsesionlimit = 500")


def _full(server: Server) -> None:
    """Two who came first, and have all there is."""
    server.append("http.conf", "[general](+)\nsessionlimit = 2")
    context = ssl._create_unverified_context()
    for _ in range(2):
        held = context.wrap_socket(socket.create_connection(("127.0.0.1", 8089)))
        server.at_the_end(held.close)


def _closed_folder(server: Server) -> None:
    _with_page(server)
    folder = server.pbx.static / "phone"
    os.chown(folder, 0, 0)
    folder.chmod(0o700)


def _closed_file(server: Server) -> None:
    _with_page(server)
    page = server.pbx.static / "phone/index.html"
    os.chown(page, 0, 0)
    page.chmod(0o600)


def _to_plain_http(server: Server) -> None:
    _with_page(server, "/cmp2k http://192.0.2.1:8088/static/phone/index.html")


def _to_nowhere(server: Server) -> None:
    _with_page(server, "/cmp2k /phones")


def _line_lost(server: Server) -> None:
    path = server.etc / "http.conf"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "cmp-bundle" not in line))
    server.reload("http.conf")


def _asked_plainly(server: Server) -> None:
    context = ssl._create_unverified_context()
    with (
        socket.create_connection(("127.0.0.1", 8089), 5) as plain,
        context.wrap_socket(plain) as line,
    ):
        line.sendall(b"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 426 " in line.recv(1000)
    # Named messages.log on 22, messages on 16.
    (log,) = (server.pbx.base / "log").glob("messages*")
    until(lambda: "did not request WebSocket" in log.read_text())


FAULTS = [
    Fault("H101", _proxied_and_off, ("web server is off", "enabled = no")),
    Fault("H103", _behind_a_prefix, ("prefix = asterisk", "/static/phone/index.html")),
    Fault("H104", _static_off, ("enablestatic",)),
    Fault("H104", _no_file, ("/static/phones/index.html", "no such file"), name="no-file"),
    Fault("H104", _not_loaded, ("has not read it",), name="not-loaded"),
    Fault("H105", _misspelt, ("sesionlimit",)),
    Fault("H106", _full, ("all of its 2 connections",), along=("websocket-closed",)),
    Fault("H109", _closed_folder, ("enter this folder", "Permission denied")),
    Fault("H109", _closed_file, ("read this file",), name="file"),
    Fault("H110", _to_plain_http, ("http://192.0.2.1:8088", "microphone")),
    Fault("H114", _asked_plainly, ("did not request WebSocket",)),
    Fault("page-failed", _to_nowhere, ("/phones", "404")),
    Fault("line-lost", _line_lost, ("cmp-bundle/http.conf", "is gone"), along=("T101",)),
]
