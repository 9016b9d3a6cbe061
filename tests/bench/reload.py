"""How long it takes from an edit until a browser would have the new page, in three servers."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import re
import socket
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from cmp_bundle.phone.model import Phone
from tests.serving import serve, until
from tests.testbed.server import free_ports

from . import vite

EDITS = 30

#: Seconds after which an edit counts as lost.
LOST = 4.0

#: livereload's own server, as its documentation starts it.
LIVERELOAD = """
import sys
from livereload import Server
server = Server()
server.watch(sys.argv[1])
server.serve(root=sys.argv[1], host="127.0.0.1", port=int(sys.argv[2]))
"""


@dataclass
class Contestant:
    """``page`` fetches the edited page; ``line`` brings the server's messages."""

    index: Path
    page: Callable[[], bytes]
    line: ClientConnection


def measured(phone: Phone, base: Path) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "p50 ms", "p95 ms", "lost", "times serve")]
    serve_half = 0.0
    for name, start in (("cmp-bundle serve", _serve), ("livereload's watcher", _livereload),
                        ("vite's dev server", _vite)):  # fmt: skip
        folder = base / name.split()[0].replace("'", "") / "phone"
        for path, file in phone.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(file.data)
        try:
            with start(folder) as contestant:
                took, lost = _edits(contestant)
        except vite.NotHereError as error:
            rows.append((name, "-", "-", "-", str(error)))
            continue
        half = statistics.median(took)
        serve_half = serve_half or half
        late = sorted(took)[int(len(took) * 0.95)]
        times = (f"{seconds * 1000:.0f}" for seconds in (half, late))
        rows.append((name, *times, f"{lost}/{EDITS}", f"{half / serve_half:.1f}"))
    return rows


def _edits(contestant: Contestant) -> tuple[list[float], int]:
    """The seconds that each edit took, and how many were lost."""
    rng = random.Random(1)
    text = contestant.index.read_text()
    took: list[float] = []
    lost = 0
    for number in range(EDITS + 1):
        mark = f"<!-- edit {number} -->"
        began = time.perf_counter()
        contestant.index.write_text(f"{text}\n{mark}\n")
        while True:
            rest = began + LOST - time.perf_counter()
            try:
                contestant.line.recv(max(rest, 0.0))
            except TimeoutError:
                lost += 1
                break
            if mark.encode() in contestant.page():
                if number:  # the first warms up
                    took.append(time.perf_counter() - began)
                break
        time.sleep(rng.random() * 0.5)
    return took, lost


@contextlib.contextmanager
def _serve(folder: Path) -> Iterator[Contestant]:
    context = ssl._create_unverified_context()
    with (
        serve(folder.parent, "--source", f"folder:{folder}") as running,
        running.socket("/livereload") as line,
    ):
        _greet(line)
        path = running.get("/cmp2k")[1]["Location"]
        connection = http.client.HTTPSConnection("localhost", running.port, context=context)
        yield Contestant(folder / "index.html", _fetching(connection, path), line)
        connection.close()


@contextlib.contextmanager
def _livereload(folder: Path) -> Iterator[Contestant]:
    [port] = free_ports(1)
    command = [sys.executable, "-c", LIVERELOAD, str(folder), str(port)]
    with _process(command, port), connect(f"ws://127.0.0.1:{port}/livereload") as line:
        _greet(line)
        connection = http.client.HTTPConnection("127.0.0.1", port)
        yield Contestant(folder / "index.html", _fetching(connection, "/index.html"), line)
        connection.close()


@contextlib.contextmanager
def _vite(folder: Path) -> Iterator[Contestant]:
    [port] = free_ports(1)
    address = ["--host", "127.0.0.1", "--port", str(port), "--strictPort"]
    command = [*vite.command(), str(folder), *address]
    with _process(command, port):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        client = _fetching(connection, "/@vite/client")().decode()
        found = re.search(r'wsToken = "([^"]+)"', client)
        query = f"?token={found[1]}" if found else ""
        protocol = Subprotocol("vite-hmr")
        origin = Origin(f"http://127.0.0.1:{port}")
        with connect(
            f"ws://127.0.0.1:{port}/{query}", subprotocols=[protocol], origin=origin
        ) as line:
            _fetching(connection, "/index.html")()
            yield Contestant(folder / "index.html", _fetching(connection, "/index.html"), line)
        connection.close()


def _greet(line: ClientConnection) -> None:
    """As livereload's script in a page does it."""
    protocols = ["http://livereload.com/protocols/official-7"]
    line.send(json.dumps({"command": "hello", "protocols": protocols}))
    line.recv(20)
    line.send(json.dumps({"command": "info", "url": "/"}))


def _fetching(connection: Any, path: str) -> Callable[[], bytes]:
    def fetch() -> bytes:
        connection.request("GET", path)
        return bytes(connection.getresponse().read())

    return fetch


@contextlib.contextmanager
def _process(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        until(listens)
        yield
    finally:
        process.kill()
        process.wait()
