"""Hundreds of requests to real Asterisks, to our rules and to the dev server, which all agree.

What differs, and why:

* ``Date`` tells the time, and ``Server`` who answers.
* Asterisk sends the page of an error after a HEAD, against HTTP; we do not.
* ``/`` is the developer's page in ``serve``; Asterisk has nothing there.
* A blank or a control character in the request line is no HTTP; ``serve`` answers 400.
"""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.asterisk.web import HttpRequest, StaticFile, WebServer, respond
from tests.testbed.server import Asterisk
from tests.unit.bundle.phones import FILES as PHONE
from tests.unit.devserver.running import Running, building, serving

pytestmark = pytest.mark.asterisk

REQUESTS = 700

#: Files of every kind that the rules tell apart, below static-http.
FILES = (
    "site/index.html", "site/assets/app.js", "site/assets/APP.JS", "site/style.css", "site/a.mjs",
    "site/a.wasm", "site/a.json", "site/a.woff2", "site/a.PNG", "site/a.jpeg", "site/a.jpg",
    "site/a.svg", "site/noextension", "site/dot.", "site/.hidden", "site/.git/config",
    "site/private/secret.txt", "site/privately.txt", "private/top.txt", "site/a b.html",
    "site/a+b.html", "site/é.html", "é.html", "site/a%20b.html", "site/x.tar.gz", "site/a.b/c",
    "site/~tilde", "~tilde", "#hash", "(paren)", "site/a;b.html", "site/a.bin", "site/a.cfg",
    "site/deep/er/file.mp3", "site/..dots", "site/x..y", "site/a.htm", "top.html", "site/a.xml",
)  # fmt: skip


class Disk:
    """The files behind /static/ as they lie on the disk."""

    def __init__(self, static: Path) -> None:
        self._static = static

    def file(self, path: str) -> StaticFile | None:
        try:
            found = self._static / path
            if not found.is_file():
                return None
            return StaticFile(found.read_bytes(), int(found.stat().st_mtime))
        except (OSError, ValueError):
            return None


Answer = tuple[int, dict[str, str], bytes, bool]


def asked(port: int, host: str, request: HttpRequest) -> Answer:
    """Status, headers and body of the answer, and whether the connection is kept."""
    context = ssl._create_unverified_context()
    with (
        socket.create_connection(("127.0.0.1", port), 30) as plain,
        context.wrap_socket(plain) as connection,
    ):
        lines = [f"{request.method} ".encode() + request.target + b" HTTP/1.1"]
        lines += [f"Host: {host}".encode()]
        lines += [f"{n}: {v}".encode() for n, v in request.headers.items()]
        # A second request shows whether the connection is kept.
        again = f"\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        connection.sendall(b"\r\n".join(lines) + again)
        connection.settimeout(20)
        data = b""
        with contextlib.suppress(OSError):
            while not _whole(data) and (chunk := connection.recv(65536)):
                data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    headers = dict(f.split(": ", 1) for f in fields)
    length = int(headers.get("Content-Length", "0"))
    kept = b"HTTP/1.1 404" in rest[length if request.method.upper() != "HEAD" else 0 :]
    return int(first.split()[1]), headers, rest[:length], kept


def _whole(data: bytes) -> bool:
    """Whether both answers are there, or the first says that it is the last."""
    if not data.endswith(b"</html>\r\n") or b"404 Not Found</title>" not in data:
        return False
    return data.count(b"HTTP/1.1 ") > 1 or b"Connection: close" in data


@dataclass
class Both:
    """A real Asterisk, our rules, and a dev server, over the same files."""

    pbx: Asterisk
    server: WebServer
    tree: Disk
    running: Running

    def ours(self, request: HttpRequest) -> Answer:
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = respond(replace(request, headers=headers), self.server, self.tree)
        return answer.status, dict(answer.headers), answer.body, not answer.close

    def disagreement(self, request: HttpRequest) -> str | None:
        answers = {
            "Asterisk": asked(self.pbx.ports.https, "x", request),
            "the rules": self.ours(request),
        }
        if not served_otherwise(request):
            port = self.running.port
            answers["serve"] = asked(port, f"localhost:{port}", request)
        if len({repr(compared(request, answer)) for answer in answers.values()}) == 1:
            return None
        lines = (f"{who}: {compared(request, answer)!r:.900}" for who, answer in answers.items())
        return "\n".join([str(request), *lines])


def compared(request: HttpRequest, answer: Answer) -> Answer:
    status, headers, body, kept = answer
    told = {n.lower(): v for n, v in headers.items() if n not in _TRANSPORTS}
    return status, told, b"" if request.method.upper() == "HEAD" else body, kept


_TRANSPORTS = ("Date", "Server", "Content-Length", "Connection")


def served_otherwise(request: HttpRequest) -> bool:
    """What ``serve`` keeps for the developer, or tornado takes for no request at all."""
    path = request.target.partition(b"?")[0]
    return path == b"/" or any(byte <= 0x20 or byte == 0x7F for byte in request.target)


@pytest.fixture
def both(pbx: Asterisk, tmp_path: Path) -> Iterator[Both]:
    for name in FILES:
        path = pbx.static / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"this is {name}\n" * 30)
    (pbx.static / "linked").symlink_to("site")
    (pbx.static / "site/link.js").symlink_to("assets/app.js")
    (pbx.static / "site/dead").symlink_to("nowhere")
    with (pbx.etc / "http.conf").open("a") as conf:
        conf.write(
            "enablestatic=yes\nprefix=pbx\nredirect=/cmp2k /pbx/static/site/index.html?v=1\n"
            "redirect=/a /b c\n"
        )
    pbx.rx("module reload http")
    phone = tmp_path / "phone"
    for name, text in PHONE.items():
        (phone / name).parent.mkdir(parents=True, exist_ok=True)
        (phone / name).write_text(text)
    read = http_server(reader.read("http.conf", ConfFolder(pbx.etc, pbx.root)))
    server = WebServer(
        tuple((r.target, r.destination) for r in read.redirects),
        read.prefix,
        read.server_name or "",
        read.static_enabled,
        len(f"{pbx.inside}/data"),
    )
    tree = Disk(pbx.static)
    with serving(building(phone)) as running:
        running.server._rules = server
        running.server._front.tree = tree
        yield Both(pbx, server, tree, running)


def spelt(path: str, rng: random.Random) -> bytes:
    out = bytearray()
    for byte in path.encode():
        how = rng.random()
        if byte in b" %#?+" or byte >= 0x80:
            out += b"%%%02x" % byte if how < 0.8 or byte in b" #?%" else bytes([byte])
        elif how < 0.03 and byte != ord("/"):
            out += b"%%%02X" % byte
        elif how < 0.04:
            out += bytes([byte]).swapcase()
        else:
            out.append(byte)
    return bytes(out)


def requests(both: Both) -> Iterator[HttpRequest]:
    rng = random.Random(7)
    plain = [f"/pbx/static/{name}" for name in (*FILES, "linked/index.html", "site/link.js")]
    others = [
        "/", "", "/pbx", "/pbx/", "/pbx/static", "/pbx/static/", "/pbx/static/site", "/static/top.html",
        "/pbx/static/site/", "/pbx/static/nothing", "/pbx/static/site/dead", "/PBX/STATIC/top.html",
        "/pbx/staticky", "/pbx/static//top.html", "/pbx/static/./top.html", "/pbx/static/site/./a.htm",
        "/pbx/static/site/../top.html", "/pbx/static/site/%2e%2e/top.html", "/pbx/static/%2e/x",
        "/pbx/static/top.html%00.js", "/pbx/static/%74op.html", "/pbx/static/top%2ehtml", "/pbx/ws",
        "/pbx/ws/", "/pbx/ws/x", "/pbx/WS", "/ws", "/cmp2k", "/CMP2K", "/cmp2k/", "/cmp2k?x=1", "/a",
        "/cmp%32k", "/pbx/cmp2k", "/pbx/static/" + "x" * 900, "/pbx/static/site/" + "y" * 990,
        "/pbx/static/top.html?a=b&c=d", "/pbx/static/top.html?", "/pbx/static?x", "/pbx/nothing",
        "/pbx/static/top%", "/pbx/static/top%2", "/pbx/static/top%zz.html", "/pbx/static/top%+5",
        "/pbx/static/site/a%0xb", "/pbx/static/site//index.html", "//pbx/static/top.html", "*",
        "/pbx/httpstatus/x", "http://other/pbx/static/top.html", "/pbx/static/%20", "/pbx/static/%09x",
    ]  # fmt: skip
    methods = ["GET"] * 8 + [
        "HEAD",
        "HEAD",
        "POST",
        "PUT",
        "DELETE",
        "OPTIONS",
        "PATCH",
        "get",
        "TRACE",
    ]

    for path in plain:
        yield HttpRequest("GET", spelt(path, rng), {})
    for path in others:
        for method in ("GET", "HEAD", "POST"):
            yield HttpRequest(method, path.encode() or b"/", {})
    for _ in range(REQUESTS - len(plain)):
        spelling = spelt(rng.choice(plain), rng)
        headers = {}
        found = both.tree.file(spelling.decode("latin-1").removeprefix("/pbx/static/"))
        if found and rng.random() < 0.5:
            etag = rng.choice(
                (f'"{found.mtime}"', f'W/"{found.mtime}"', f"{found.mtime}", "*", '"1"')
            )
            headers["If-None-Match"] = etag
        yield HttpRequest(rng.choice(methods), spelling, headers)


def test_hundreds_of_requests(both: Both) -> None:
    seen: dict[int, int] = {}
    for request in requests(both):
        wrong = both.disagreement(request)
        assert wrong is None, wrong
        status = both.ours(request)[0]
        seen[status] = seen.get(status, 0) + 1
    assert set(seen) == {200, 302, 304, 403, 404, 426, 501}, seen
