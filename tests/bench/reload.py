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
    """``page`` fetches the edited page; ``told`` gets the server's next message, or raises."""

    index: Path
    page: Callable[[], bytes]
    told: ClientConnection


def measured(phone: Phone, base: Path) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "p50 ms", "p95 ms", "lost", "times ours")]
    ours = 0.0
    for name, contestant in (("cmp-bundle serve", _ours), ("livereload's watcher", _livereload),
                             ("vite's dev server", _vite)):  # fmt: skip
        folder = base / name.split()[0].replace("'", "") / "phone"
        for path, file in phone.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(file.data)
        try:
            with contestant(folder) as made:
                took, lost = _edits(made)
        except vite.NotHereError as error:
            rows.append((name, "-", "-", "-", str(error)))
            continue
        half = statistics.median(took)
        ours = ours or half
        late = sorted(took)[int(len(took) * 0.95)]
        rows.append(
            (
                name,
                f"{half * 1000:.0f}",
                f"{late * 1000:.0f}",
                f"{lost}/{EDITS}",
                f"{half / ours:.1f}",
            )
        )
    return rows


def _edits(one: Contestant) -> tuple[list[float], int]:
    """The seconds that each edit took, and how many were lost."""
    rng = random.Random(1)
    text = one.index.read_text()
    took: list[float] = []
    lost = 0
    for number in range(EDITS + 1):
        mark = f"<!-- edit {number} -->"
        began = time.perf_counter()
        one.index.write_text(f"{text}\n{mark}\n")
        while True:
            rest = began + LOST - time.perf_counter()
            try:
                one.told.recv(max(rest, 0.0))
            except TimeoutError:
                lost += 1
                break
            if mark.encode() in one.page():
                if number:  # the first warms up
                    took.append(time.perf_counter() - began)
                break
        time.sleep(rng.random() * 0.5)
    return took, lost


@contextlib.contextmanager
def _ours(folder: Path) -> Iterator[Contestant]:
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
    command = [
        *vite.command(),
        str(folder),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--strictPort",
    ]
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

    def there() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        until(there)
        yield
    finally:
        process.kill()
        process.wait()
