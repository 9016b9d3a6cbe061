"""A public authority in small, and certbot, as an operator has both: Pebble, in a network of the tests' own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .server import PATIENCE, TestbedError, certificate

_PORT, _MANAGEMENT = 14000, 15000


def why_not() -> str | None:
    """Why there is no such authority, or nobody to ask it; None where there are both."""
    missing = [name for name in ("pebble", "certbot") if shutil.which(name) is None]
    return f"no {' and no '.join(missing)} on this machine" if missing else None


@dataclass(frozen=True)
class Certbot:
    """``config`` is its folder, which is /etc/letsencrypt elsewhere."""

    folder: Path
    server: str
    trusted: Path

    @property
    def config(self) -> Path:
        return self.folder / "config"

    def __call__(self, *words: str, environment: Mapping[str, str] | None = None) -> str:
        """What it says. Raises TestbedError where it does not do it."""
        folders = [f"--{name}-dir={self.folder / name}" for name in ("config", "work", "logs")]
        # Without a terminal it waits first, up to eight minutes, for its authority is everybody's.
        now = ["--no-random-sleep-on-renew"] if words[0] == "renew" else []
        done = subprocess.run(
            ["certbot", *words, *now, *folders, "--server", self.server, "--non-interactive"],
            env=os.environ | (environment or {}) | {"REQUESTS_CA_BUNDLE": str(self.trusted)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise TestbedError(f"certbot {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def first(self, name: str) -> None:
        """Its first certificate for ``name``, which may be anybody's."""
        self("certonly", "--standalone", "--agree-tos", "--register-unsafely-without-email",
             "-d", name)  # fmt: skip


@contextlib.contextmanager
def certbot(folder: Path) -> Iterator[Certbot]:
    """With an authority that signs whatever it is asked for. Raises TestbedError."""
    pem, conf = folder / "pebble.pem", folder / "pebble.json"
    pem.write_bytes(certificate("localhost"))
    conf.write_text(
        json.dumps(
            {
                "pebble": {
                    "listenAddress": f"127.0.0.1:{_PORT}",
                    "managementListenAddress": f"127.0.0.1:{_MANAGEMENT}",
                    "certificate": str(pem),
                    "privateKey": str(pem),
                    "httpPort": 80,
                    "tlsPort": 443,
                }
            }
        )
    )
    # Nobody can look up the names of tests; and there is nothing to be learnt from random waits.
    environment = os.environ | {
        "PEBBLE_VA_ALWAYS_VALID": "1",
        "PEBBLE_VA_NOSLEEP": "1",
        "PEBBLE_WFE_NONCEREJECT": "0",
    }
    with (folder / "pebble.log").open("wb") as log:
        process = subprocess.Popen(
            ["pebble", "-config", conf], stdout=log, stderr=log, env=environment
        )
    try:
        _wait(process, folder / "pebble.log")
        yield Certbot(folder, f"https://localhost:{_PORT}/dir", pem)
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", _PORT)):
            return
        time.sleep(0.05)
    raise TestbedError(log.read_text())
