"""H: what a real server shows only after days, or with hundreds of phones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.asterisk.answers.core import Version
from cmp_bundle.asterisk.answers.http import HttpStatus
from cmp_bundle.checks.live import HttpAnswer
from cmp_bundle.doctor import sockets, web_server
from cmp_bundle.doctor.evidence import Log, Page, Phone
from cmp_bundle.doctor.sockets import Connections, Row
from cmp_bundle.tls.readable import Unread, Why

from .outcomes import found, unknown
from .servers import GENERAL, crowded, live, lost, machine, reached, without_tls, written

CHECKS = web_server.CHECKS
REDIRECT = "enablestatic = yes\nredirect = /cmp2k /static/phone/index.html?v=1\n"
LOADED = live(http=HttpStatus(redirects=(("/cmp2k", "/static/phone/index.html?v=1"),)))
OLD = live(Version(22, 6, 0))


def inside(**more: Any) -> Any:
    return reached("https://127.0.0.1:8089", "127.0.0.1", **more)


def phones(number: int) -> tuple[Phone, ...]:
    return tuple(Phone(f"p{n}", None, asked=True, loaded={}) for n in range(number))


def test_all_is_well() -> None:
    known = {
        "written": written(GENERAL + REDIRECT, page=Page(Path("/static-http/phone/index.html"))),
        "inside": inside(landing=HttpAnswer(200, None, b"<html>")),
        "outside": reached(),
        "live": LOADED,
        "machine": crowded(3),
        "phones": phones(60),
        "log": Log("messages.log", ()),
    }
    assert found(CHECKS, **known) == {}
    assert unknown(CHECKS, **known).keys() == {"H113"}


def test_a_page_of_somebody_else_is_nobody_s_business() -> None:
    """No redirect is the settings' own."""
    known = {"written": written(), "inside": inside(page=HttpAnswer(404, None, b""))}
    assert found(CHECKS, live=live(), **known) == {}


@pytest.mark.parametrize(
    ("used", "number", "words"),
    [
        (100, 3, "turns everybody away"),
        (85, 3, "85 of the 100"),
        (5, 101, "101 phones"),
        (5, 100, None),
        (79, 60, None),
    ],
)
def test_room(used: int, number: int, words: str | None) -> None:
    known = {"written": written(), "live": live(), "machine": crowded(used)}
    said = found(CHECKS, phones=phones(number), **known)
    assert (words in said["H106"]) if words else said == {}


def test_recorded_places_that_are_lost() -> None:
    """asterisk/asterisk#2020: they stay in CLOSE-WAIT."""
    known = {"written": written(), "machine": crowded(20, left=15)}
    assert "15" in found(CHECKS, live=OLD, **known)["H108"]
    assert found(CHECKS, live=live(Version(22, 11)), **known) == {}
    assert found(CHECKS, live=live(Version(24, 0)), **known) == {}
    assert found(CHECKS, live=live(None), **known) == {}


def test_recorded_handshakes_that_never_end() -> None:
    """asterisk/asterisk#1559: more are connected than phones are registered."""
    known = {"written": written(), "machine": crowded(90)}
    assert found(CHECKS, live=OLD, **known).keys() == {"H106", "H107"}
    assert found(CHECKS, live=live(Version(22, 7)), **known).keys() == {"H106"}


def test_connections_that_cannot_be_seen() -> None:
    """A container's, or those of another user."""
    known = {"written": written(), "live": OLD, "machine": machine(listeners={})}
    assert found(CHECKS, **known) == {}
    assert unknown(CHECKS, **known).keys() >= {"H107", "H108"}


@pytest.mark.parametrize(
    ("base", "codes"),
    [
        ("http://pbx.example:8088", {"H110"}),
        ("http://localhost:8088", set()),
        ("http://127.0.0.1:8088", set()),
        ("https://pbx.example:8089", set()),
    ],
)
def test_plain_http(base: str, codes: set[str]) -> None:
    assert found(CHECKS, outside=reached(base)).keys() == codes


def test_a_file_that_is_there_and_cannot_be_read() -> None:
    closed = Unread(Why.CLOSED, Path("/usr/share/asterisk/static-http"), "a folder")
    page = Page(Path("/usr/share/asterisk/static-http/phone/index.html"), closed)
    known = {"written": written(GENERAL + REDIRECT, page=page), "inside": inside(), "live": LOADED}
    assert found(CHECKS, **known).keys() == {"H109"}


def test_a_page_that_does_not_answer() -> None:
    known = {"written": written(GENERAL + REDIRECT), "live": LOADED}
    silent = inside(page_trouble="no answer within 10 s")
    silent = silent.__class__(**{**vars(silent), "answer": None})
    assert "no answer" in found(CHECKS, inside=silent, **known)["page-failed"]
    for before in (without_tls(), lost("https://127.0.0.1:8089", "127.0.0.1")):
        assert "page-failed" not in found(CHECKS, inside=before, **known)
        assert unknown(CHECKS, inside=before, **known).keys() >= {"H103", "H104", "H109"}


def test_a_page_whose_address_stays() -> None:
    text = GENERAL + "enablestatic = yes\nredirect = /cmp2k /static/phone/index.html\n"
    assert "Ctrl+F5" in unknown(CHECKS, written=written(text), inside=inside())["H111"]


#: As Linux 6 has them: one that listens at 8089 (1F99), two that are connected, one that was left.
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F99 00000000:0000 0A 00000000:00000000 00:00000000 00000000   106        0 31337 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F99 0100007F:D2A6 01 00000000:00000000 00:00000000 00000000   106        0 31400 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:1F99 0100007F:D2A8 01 00000000:00000000 00:00000000 00000000   106        0 31401 1 0000000000000000 20 4 30 10 -1
   3: 0100007F:1F99 0100007F:D2AA 08 00000000:00000000 00:00000000 00000000   106        0 31402 1 0000000000000000 20 4 30 10 -1
   4: 0100007F:D2A6 0100007F:1F99 01 00000000:00000000 00:00000000 00000000     0        0 31403 1 0000000000000000 20 4 30 10 -1
"""


def test_recorded_sockets() -> None:
    rows = tuple(sockets.rows(TCP))
    assert rows[0] == Row(8089, 0x0A, 31337)
    assert sockets.connections(rows, [8089, 8088]) == {
        8089: Connections(open=2, left=1),
        8088: Connections(),
    }


def test_this_machine_s_addresses() -> None:
    assert sockets.is_own("127.0.0.1")
    assert not sockets.is_own("203.0.113.99")
    assert not sockets.is_own("no address")
