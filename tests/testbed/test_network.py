"""Tests meet nobody else's ports: with a network of their own, and without one they say so."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.unit.nobody import needs_root

from . import network

#: Tries to connect; what became of it.
CONNECT = """
import socket, sys
try: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
except ConnectionRefusedError: print("refused")
else: print("connected")
"""


def connecting(port: int) -> str:
    command = [sys.executable, "-c", CONNECT, str(port)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def foreign() -> Iterator[int]:
    """A port of this machine that somebody else has."""
    with network.outside():
        server = socket.create_server(("127.0.0.1", 0))
    with server:
        yield server.getsockname()[1]


@pytest.mark.usefixtures("own_network")
def test_somebody_else_s_port_is_not_met(foreign: int) -> None:
    assert connecting(foreign) == "refused"
    with network.outside():
        assert connecting(foreign) == "connected"
    assert connecting(foreign) == "refused"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", foreign))


@pytest.mark.usefixtures("own_network")
@pytest.mark.parametrize("port", [8088, 8089])
def test_the_ports_that_asterisk_has_by_default_are_free(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        assert connecting(port) == "connected"


@pytest.mark.usefixtures("own_network")
def test_there_is_a_loopback_of_both_kinds() -> None:
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.create_server((host, 0), family=family) as server:
            socket.create_connection(server.getsockname()[:2]).close()


@needs_root
def test_who_is_not_allowed_stays_and_says_why() -> None:
    # Afterwards it could import nothing from a folder that is root's alone.
    code = "import os; from tests.testbed import network as n; os.setuid(65534); n.enter(); print(n.why_not())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("no network of its own"), done.stderr
    assert "[Errno 1]" in done.stdout
