"""Nonsense over the dev server's own WebSocket: it stays up, says nothing, and goes on."""

from __future__ import annotations

import logging
import random
from pathlib import Path

import pytest

from cmp_bundle.devserver.pbx import InnerPbx
from cmp_bundle.practice.pbx import PracticePbx
from tests.unit.devserver.running import building, serving
from tests.unit.devserver.test_server import socket_of

from .test_grammar import INVITE

ASKS = (
    "REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bK{0}\r\n"
    "To: <sip:demo@localhost>\r\nFrom: <sip:demo@localhost>;tag=1\r\nCall-ID: c\r\n"
    "CSeq: {0} REGISTER\r\nContact: <sip:a@a.invalid>\r\nContent-Length: 0\r\n\r\n"
)


def nonsense(chance: random.Random) -> str | bytes:
    """An INVITE with a few characters that are others, as text or bytes; or anything at all."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(300))
    text = list(INVITE[: chance.randrange(len(INVITE))] if chance.random() < 0.3 else INVITE)
    for _ in range(chance.randrange(6)):
        text[chance.randrange(len(text))] = chance.choice('\0\r\n \t<>";:,=\\é\u2028Z')
    message = "".join(text)
    return message.encode() if chance.random() < 0.3 else message


@pytest.mark.slow
def test_nonsense_over_a_websocket(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "index.html").write_text("<html><head></head><body></body></html>")
    pbx = InnerPbx(PracticePbx())
    caplog.set_level(logging.WARNING)
    with (
        serving(building(tmp_path, pristine=True), pbx=pbx) as running,
        socket_of(
            running, "/ws", origin=running.url, subprotocols=["sip"], ping_interval=None
        ) as socket,
    ):
        for number in range(1, 41):
            chance = random.Random(number)
            for _ in range(10):
                socket.send(nonsense(chance))
            socket.send(ASKS.format(number))
            # What it says to the rest may come before; all of it is SIP.
            while f"CSeq: {number} REGISTER" not in (answer := str(socket.recv(60))):
                assert answer.startswith("SIP/2.0 ")
                assert "Traceback" not in answer
            assert answer.startswith("SIP/2.0 401 ")
    assert not [record for record in caplog.records if record.exc_info]
