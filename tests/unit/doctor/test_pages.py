"""Which pages are asked for beside the phone's."""

from __future__ import annotations

import pytest

from cmp_bundle.asterisk.answers.http import HttpStatus
from cmp_bundle.checks.live import HttpAnswer
from cmp_bundle.doctor import pages
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.doctor.way import Part

from .living import live

ALL = HttpStatus(
    paths=("/httpstatus", "/phoneprov/...", "/static/...", "/ari/...", "/ws"), prefix="/pbx"
)
REDIRECT = HttpAnswer(302, "/pbx/static/phone/index.html?v=1", b"")
INSIDE = Reached("https://127.0.0.1:8089", "/ws", "/cmp2k", connected="127.0.0.1", answer=REDIRECT)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    def get(_base: str, path: str, _most: int, **_: object) -> HttpAnswer:
        found.append(path)
        return HttpAnswer(404, None, b"")

    monkeypatch.setattr(pages, "get", get)
    return found


def test_never_the_one_that_may_end_asterisk(asked: list[str]) -> None:
    made = pages.pages(INSIDE, live(http=ALL))
    assert asked == ["/pbx/phoneprov/%3Ccmp-bundle%3E", "/pbx/static/phone/.git/HEAD"]
    assert isinstance(made, dict)
    assert list(made) == ["/phoneprov/%3Ccmp-bundle%3E", "/static/phone/.git/HEAD"]


def test_of_a_page_that_is_elsewhere(asked: list[str]) -> None:
    elsewhere = Reached(
        "https://127.0.0.1:8089", "/ws", "/cmp2k", answer=HttpAnswer(302, "https://else/x/", b"")
    )
    assert pages.pages(elsewhere, live()) == {}
    assert pages.pages(Reached("https://127.0.0.1:8089", "/ws", "/cmp2k"), live()) == {}
    assert asked == []


def test_behind_what_is_broken(asked: list[str]) -> None:
    dead = Reached("https://x", "/ws", "/cmp2k", stopped=Part.TLS, trouble="no certificate")
    assert pages.pages(dead, live(http=ALL)) == Missing("no certificate", Part.TLS)
    assert pages.pages(Missing("none"), live()) == Missing("none")
    assert asked == []
