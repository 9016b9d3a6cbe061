"""A STUN server is asked as Asterisk asks it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from cmp_bundle.doctor import stun


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind(("127.0.0.1", 0))
        ours.settimeout(10)
        yield ours


def asked(server: socket.socket) -> bool | None:
    return stun.answers(f"127.0.0.1:{server.getsockname()[1]}")


def test_one_that_answers(server: socket.socket) -> None:
    def answer() -> None:
        request, there = server.recvfrom(2048)
        assert request[:4] == b"\x00\x01\x00\x00"
        server.sendto(b"\x01\x01\x00\x00" + b"\0" * 16, there)
        server.sendto(b"nothing", there)
        server.sendto(b"\x01\x01\x00\x00" + request[4:20], there)

    thread = threading.Thread(target=answer)
    thread.start()
    assert asked(server) is True
    thread.join()


@pytest.mark.slow
def test_one_that_is_silent(server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stun, "_PATIENCE", 1)
    assert asked(server) is False


def test_nobody_there(server: socket.socket) -> None:
    address = f"127.0.0.1:{server.getsockname()[1]}"
    server.close()
    assert stun.answers(address) is False


@pytest.mark.parametrize("text", ["", "nothing", ":3478", "host:port", "192.0.2.1:99999"])
def test_none(text: str) -> None:
    assert not stun.answers(text)
