"""``cmp-bundle serve`` as a process of its own, as a person runs it, for tests to talk to."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests import schemas

PATIENCE = 30.0


@dataclass
class Serve:
    """A running one. ``url`` is the link that it printed, ``page`` the developer's."""

    process: subprocess.Popen[str]
    folder: Path
    errors: Path
    url: str
    page: str

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 443

    @property
    def base(self) -> str:
        return f"https://{urlsplit(self.url).netloc}"

    @property
    def said(self) -> str:
        """What it wrote to standard error so far."""
        return self.errors.read_text()

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, HTTPMessage, bytes]:
        """Status, headers and body; of header names, _ stands for -."""
        return self._get(self.port, path, method, **headers)

    def developer(self, path: str = "", **headers: str) -> tuple[int, HTTPMessage, bytes]:
        """The same of the developer's page, or of what lies beside it."""
        there = urlsplit(self.page)
        return self._get(there.port or 443, f"{there.path}{path}", "GET", **headers)

    def shown(self) -> str:
        """The developer's page."""
        status, _, body = self.developer()
        assert status == 200
        return body.decode()

    def _get(
        self, port: int, path: str, method: str, **headers: str
    ) -> tuple[int, HTTPMessage, bytes]:
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("localhost", port, timeout=20, context=context)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=sent)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def settings_text(self) -> str | None:
        """The JSON that the page is told, as it stands there; None in a phone as it came."""
        location = self.get("/cmp2k")[1]["Location"]
        text = self.get(location)[2].decode()
        _, mark, rest = text.partition('id="cmp-bundle-settings">')
        return rest.partition("</script>")[0] if mark else None

    def settings(self) -> Any:
        """What the page is told."""
        return json.loads(self.settings_text() or "")

    @contextlib.contextmanager
    def socket(self, path: str, **options: Any) -> Iterator[ClientConnection]:
        context = believing()
        url = f"wss://localhost:{self.port}{path}"
        with connect(
            url, ssl=context, origin=Origin(self.base), open_timeout=60, **options
        ) as opened:
            yield opened

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


def believing() -> ssl.SSLContext:
    """For a client that takes any certificate, and of websockets' threads.

    They read and write one connection at a time each, and OpenSSL loses what is written while it
    reads a session ticket: once in two hundred connections the request never came. TLS 1.2 sends
    tickets within its handshake.
    """
    context = ssl._create_unverified_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def until(condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Wait until it is true; its value."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited {patience:.0f} s for {condition}")


@contextlib.contextmanager
def serve(folder: Path, *arguments: str, **environment: str) -> Iterator[Serve]:
    """Start it in ``folder`` on a free port; ends it, and fails where it left a traceback."""
    errors = folder / "serve.err"
    command = [sys.executable, "-m", "cmp_bundle", "serve", "--json"]
    if "--port" not in arguments:
        command += ["--port", "0"]
    with errors.open("w") as err:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )
    assert process.stdout is not None
    try:
        told = ""
        while not told.endswith("}\n"):
            line = process.stdout.readline()
            assert line, f"it ended: {errors.read_text()}{told}"
            told += line
        found = json.loads(told)
        schemas.check(("serve",), found)
        running = Serve(process, folder, errors, found["url"], found["page"])
        yield running
        if process.poll() is None:
            assert running.stop() == 130
        assert "Traceback" not in running.said, running.said
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
