"""What shows at the public address alone, from values."""

from __future__ import annotations

import pytest

from cmp_bundle.checks.live import HttpAnswer
from cmp_bundle.checks.websocket import Handshake
from cmp_bundle.doctor.public import CHECKS
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.doctor.way import Part

from .outcomes import found, unknown

BASE = "https://pbx.example:8089"


def reached(
    answer: HttpAnswer | None, landing: HttpAnswer | None = None, *, named: bool = True
) -> Reached:
    socket = Handshake(BASE, "/ws", 101, "sip")
    return Reached(BASE, "/ws", "/cmp2k", answer=answer, landing=landing, websocket=socket,
                   connected="192.0.2.9", page_named=named)  # fmt: skip


def closed(status: int | None) -> Reached:
    socket = Handshake(BASE, "/ws", status, trouble="closes connections without an answer")
    part = Part.WEB_SERVER if status is None else Part.WEBSOCKET
    return Reached(BASE, "/ws", "/cmp2k", answer=PAGE, websocket=socket, connected="192.0.2.9",
                   stopped=part, trouble=str(socket))  # fmt: skip


PAGE = HttpAnswer(200, None, b"<html>")
REDIRECT = HttpAnswer(302, "/static/phone/index.html", b"")
RING = HttpAnswer(302, "/cmp2k", b"")


@pytest.mark.parametrize(
    ("answer", "landing"), [(PAGE, None), (REDIRECT, PAGE), (REDIRECT, None), (RING, REDIRECT)]
)
def test_a_page(answer: HttpAnswer, landing: HttpAnswer | None) -> None:
    assert found(CHECKS, outside=reached(answer, landing)) == {}


@pytest.mark.parametrize(
    ("answer", "landing", "words"),
    [
        (None, None, "does not answer"),
        (HttpAnswer(404, None, b""), None, "answers 404"),
        (REDIRECT, HttpAnswer(403, None, b""), "answers 403"),
        (HttpAnswer(502, None, b""), None, "answers 502"),
        (RING, RING, "leads to itself"),
    ],
)
def test_no_page(answer: HttpAnswer | None, landing: HttpAnswer | None, words: str) -> None:
    said = found(CHECKS, outside=reached(answer, landing))
    assert [*said] == ["page-failed"]
    assert words in said["page-failed"]


def test_no_page_where_nobody_said_that_there_is_one() -> None:
    outside = reached(HttpAnswer(404, None, b""), named=False)
    assert found(CHECKS, outside=outside) == {}
    assert "--url" in unknown(CHECKS, outside=outside)["H104"]


def test_phones_are_let_in_by_the_server_itself_alone() -> None:
    inside = reached(PAGE)
    assert (
        "without an answer"
        in found(CHECKS, outside=closed(None), inside=inside)["websocket-closed"]
    )
    assert [*found(CHECKS, outside=closed(404))] == ["websocket-closed"]


def test_what_the_server_does_itself_is_told_there() -> None:
    assert found(CHECKS, outside=closed(404), inside=closed(404)) == {}
