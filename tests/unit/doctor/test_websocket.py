"""The WebSocket, in values: most of it is made on real servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.asterisk.answers.http import HttpStatus
from cmp_bundle.asterisk.answers.pjsip import Contact
from cmp_bundle.checks.websocket import Handshake
from cmp_bundle.doctor.evidence import Connects, Phone, Written
from cmp_bundle.doctor.websocket import CHECKS

from .evidence import evidence
from .files import in_files
from .living import live, messages, unknown
from .living import outcomes as of_code

BASE = "https://pbx.example:8089"
BOTH = HttpStatus(plain="0.0.0.0:8088", secure="0.0.0.0:8089", prefix="/pbx")


@pytest.fixture
def files(tmp_path: Path) -> Written:
    return in_files(tmp_path, {})


def to(files: Written, **known: Any) -> Any:
    return evidence(connects=Connects(**known), live=live(http=BOTH), written=files)


def test_where_phones_connect_to(files: Written) -> None:
    """A prefix belongs to the path, and a slash behind it does no harm."""
    assert of_code(CHECKS, "W105", to(files)) == []
    assert of_code(CHECKS, "W105", to(files, path="/pbx/ws/", paths=(("/pbx/ws/", None),))) == []
    assert "/pbx/ws" in messages(CHECKS, "W105", to(files, path="/ws", paths=(("/ws", None),)))[0]
    assert "8088" in messages(CHECKS, "W106", to(files, port=8088, ports=((8088, None),)))[0]
    assert of_code(CHECKS, "W106", to(files, port=8089, ports=((8089, None),))) == []


def test_what_answers_counts(files: Written) -> None:
    """A proxy may lead any path to the right one."""
    answer = Handshake(BASE, "/sip", 101, "sip")
    given = to(files, path="/sip", paths=(("/sip", None),), handshake=answer)
    assert of_code(CHECKS, "W105", given) == []
    refused = Handshake(BASE, "/sip", 404)
    given = to(files, path="/sip", paths=(("/sip", None),), handshake=refused)
    assert len(messages(CHECKS, "W105", given)) == 1


def test_another_host(files: Written) -> None:
    given = to(files, host="sip.example", path="/sip", paths=(("/sip", None),))
    for code in ("W105", "W106"):
        assert "another host" in unknown(CHECKS, code, given)


@pytest.mark.parametrize(("text", "found"), [("20", True), ("100", False), ("1000", False)])
def test_a_slow_phone(text: str, found: bool, tmp_path: Path) -> None:
    pjsip = f"[wss]\ntype=transport\nprotocol=wss\nwebsocket_write_timeout={text}\n"
    given = evidence(written=in_files(tmp_path, {"pjsip.conf": pjsip}))
    assert bool(messages(CHECKS, "W107", given)) == found


def test_the_longest_of_all_counts(tmp_path: Path) -> None:
    """By res/res_pjsip_transport_websocket.c, get_write_timeout()."""
    wss = "[{0}]\ntype=transport\nprotocol={0}\nwebsocket_write_timeout={1}\n"
    pjsip = wss.format("wss", 20) + wss.format("ws", 500)
    assert (
        of_code(CHECKS, "W107", evidence(written=in_files(tmp_path, {"pjsip.conf": pjsip}))) == []
    )


def test_what_only_others_can_tell() -> None:
    """A browser which sub-protocol it asks for; and nobody which phones have not come back."""
    phone = Phone("alice", None, asked=True, loaded={}, contacts=(Contact("sip:x", "Avail"),))
    given = evidence(phones=(phone,), live=live())
    assert "browser" in unknown(CHECKS, "W104", given)
    assert "1 are now" in unknown(CHECKS, "W108", given)
