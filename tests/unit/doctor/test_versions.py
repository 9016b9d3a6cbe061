"""Which versions are known to be bad, by their numbers."""

from __future__ import annotations

import datetime as dt

import pytest

from cmp_bundle.asterisk.answers.core import Version, version
from cmp_bundle.asterisk.answers.http import HttpStatus
from cmp_bundle.asterisk.answers.pjsip import ListedEndpoint
from cmp_bundle.asterisk.defects import DEFECTS, before, caveat, defects, upgrade
from cmp_bundle.checks.live import HttpAnswer
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.versions import CHECKS
from cmp_bundle.findings import Finding, known

from .evidence import evidence
from .living import live, messages, outcomes, unknown
from .servers import GENERAL, written

FIXED = ("18.26.4", "20.15.0", "21.10.0", "22.5.0")


@pytest.mark.parametrize(
    ("number", "is_before"),
    [
        ((16, 28, 0), True),  # never mended
        ((17, 9, 4), True),
        ((18, 26, 3), True),
        ((18, 26, 4), False),
        ((19, 8, 1), True),  # between two that were
        ((20, 14, 3), True),
        ((20, 15, 0), False),
        ((22, 4, 1), True),
        ((22, 10, 1), False),
        ((23, 0, 0), False),  # newer than all
    ],
)
def test_before(number: tuple[int, int, int], is_before: bool) -> None:
    assert before(Version(*number), *FIXED) is is_before


def test_a_number_of_two_parts() -> None:
    assert before(Version(22, 4, 9), "22.5")
    assert not before(Version(22, 5), "22.5")


@pytest.mark.parametrize(
    ("number", "bad"),
    [
        ((20, 15, 2), False),  # not yet
        ((20, 16, 1), True),
        ((20, 17, 0), False),
        ((21, 10, 2), False),
        ((21, 12, 3), True),  # and for ever
        ((22, 5, 2), False),
        ((22, 6, 0), True),
        ((22, 10, 1), False),
        ((23, 0, 0), True),
        ((23, 1, 0), False),
        ((16, 28, 0), False),
        ((24, 0, 0), False),
    ],
)
def test_a_defect_that_came_and_went(number: tuple[int, int, int], bad: bool) -> None:
    assert bool(list(defects(Version(*number), "M113"))) is bad


def test_what_the_test_beds_have() -> None:
    """Of 22.10.1 that is little, and of 16.28.0 most."""
    new = {one.code for one in DEFECTS if one.is_in(Version(22, 10, 1))}
    assert new == {"H108", "S120", "M114", "K103"}
    old = {one.code for one in DEFECTS if not one.is_in(Version(16, 28, 0))}
    assert old == {"R119", "M113", "K103"}


def test_the_table() -> None:
    for one in DEFECTS:
        assert one.fixed, one
        begun = {text.split(".")[0] for text in one.since}
        assert not one.since or {t.split(".")[0] for t in one.fixed} <= begun, one


def test_the_way_out() -> None:
    (one,) = defects(Version(22, 4, 1), "S108")
    assert upgrade(one, Version(22, 4, 1)) == (
        "upgrade Asterisk to 22.5.0 or later (asterisk/asterisk#1240)"
    )
    assert "18.26.4 or 20.15.0 or 21.10.0 or 22.5.0" in upgrade(one, Version(16, 28, 0))
    (one,) = defects(Version(21, 12, 3), "M113")
    assert "22.7.0 or 23.1.0" in upgrade(one, Version(21, 12, 3))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1", "Debian"),
        ("Asterisk 16.28.0~dfsg-0+deb11u4", "Debian"),
        ("Asterisk 20.6.0~dfsg+~cs6.13.40431414-2build5", "Ubuntu"),
        ("Asterisk certified/20.7-cert4", "certified"),
        ("Asterisk 20.7.0", "a distribution may"),
    ],
)
def test_numbers_do_not_tell_all(text: str, words: str) -> None:
    """Recorded."""
    assert version(text) is not None
    assert words in caveat(text)
    assert caveat(text).startswith("by its number; ")


def test_every_code_is_known() -> None:
    assert {one.code for one in DEFECTS} - known().keys() == set()


DEBIAN_16 = "Asterisk 16.28.0~dfsg-0+deb11u4"
DEBIAN_22 = "Asterisk 22.10.1+dfsg+~cs6.17.60671434-1"


@pytest.mark.parametrize(
    ("text", "day", "ended"),
    [
        (DEBIAN_16, dt.date(2026, 11, 28), True),
        ("Asterisk 22.10.1", dt.date(2029, 10, 16), False),  # its last day
        ("Asterisk 22.10.1", dt.date(2029, 10, 17), True),
        ("Asterisk 21.12.3", dt.date(2026, 10, 18), False),
        ("Asterisk 21.12.3", dt.date(2026, 11, 28), True),
        ("Asterisk 13.38.3", dt.date(2026, 11, 28), True),
        ("Asterisk 24.0.0", dt.date(2026, 11, 28), False),
    ],
)
def test_the_end_of_a_version(text: str, day: dt.date, ended: bool) -> None:
    """Recorded."""
    now = dt.datetime.combine(day, dt.time(12), dt.UTC)
    assert bool(messages(CHECKS, "K101", evidence(live=live(text), now=now))) is ended


def test_a_version_without_a_number() -> None:
    """Recorded: of one that was built from the repository."""
    found = evidence(live=live("Asterisk GIT-master-1234567"), pages={})
    for code in ("K101", "K102", "K103", "K104"):
        assert "number" in unknown(CHECKS, code, found)


STATUS = HttpStatus(secure="0.0.0.0:8089", paths=("/httpstatus", "/ws"))


@pytest.mark.parametrize(
    ("text", "http", "words"),
    [
        (DEBIAN_16, STATUS, ("ends this Asterisk", "runs what stands", "Debian")),
        # With plain HTTP beside it, it does not end.
        (DEBIAN_16, HttpStatus(plain="127.0.0.1:8088", paths=STATUS.paths), ("runs what stands",)),
        ("Asterisk 18.26.4", STATUS, ("runs what stands",)),
        ("Asterisk 20.1.0", STATUS, ("ends this Asterisk",)),
    ],
)
def test_the_page_of_the_state(text: str, http: HttpStatus, words: tuple[str, ...]) -> None:
    """Recorded: nobody asks for it."""
    (message,) = messages(CHECKS, "K102", evidence(live=live(text, http=http), pages={}))
    assert [word for word in words if word not in message] == []
    assert ("ends this Asterisk" in message) is ("ends this Asterisk" in words)


@pytest.mark.parametrize(
    ("text", "where", "fix"),
    [
        (GENERAL, "/etc/asterisk/http.conf", "no into [general] of /etc/asterisk/http.conf, then"),
        (f"{GENERAL}enable_status=yes\n", "/http.conf:5", "no there, then"),
    ],
)
def test_where_the_page_of_the_state_is_turned_off(text: str, where: str, fix: str) -> None:
    """Recorded."""
    found = evidence(live=live(DEBIAN_16, http=STATUS), pages={}, written=written(text))
    (one,) = outcomes(CHECKS, "K102", found)
    assert isinstance(one, Finding)
    assert str(one.place).endswith(where)
    assert f"write enable_status = {fix}" in (one.hint or "")


@pytest.mark.parametrize(
    ("text", "paths"), [(DEBIAN_16, ("/ws",)), (DEBIAN_22, ("/httpstatus", "/phoneprov/..."))]
)
def test_no_such_page_or_a_mended_one(text: str, paths: tuple[str, ...]) -> None:
    """Recorded."""
    here = live(text, http=HttpStatus(secure="0.0.0.0:8089", paths=paths))
    assert messages(CHECKS, "K102", evidence(live=here, pages={})) == []


def test_phone_provisioning_is_asked() -> None:
    """Recorded. What it answers counts, and not its number."""
    here = live(DEBIAN_16, http=HttpStatus(secure="0.0.0.0:8089", paths=("/phoneprov/...",)))
    path = "/phoneprov/%3Ccmp-bundle%3E"
    as_it_was_sent = HttpAnswer(404, None, b"<h1>Not Found</h1><p><cmp-bundle></p>")
    (message,) = messages(CHECKS, "K102", evidence(live=here, pages={path: as_it_was_sent}))
    assert "/phoneprov" in message
    escaped = HttpAnswer(404, None, b"<p>&lt;cmp-bundle&gt;</p>")
    assert messages(CHECKS, "K102", evidence(live=here, pages={path: escaped})) == []
    answers: tuple[dict[str, HttpAnswer] | Missing, ...] = ({}, Missing("HTTPS is dead"))
    for pages in answers:
        assert "/phoneprov" in unknown(CHECKS, "K102", evidence(live=here, pages=pages))


def test_many_connections_of_sip() -> None:
    """Recorded: 22.10.1 with a transport for TCP and 300 endpoints."""
    many = tuple(ListedEndpoint(str(n), whole=True, contacts=1) for n in range(300))
    transports = {"tcp": {"protocol": "tcp"}, "udp": {"protocol": "udp"}}
    here = live(DEBIAN_22, listed=many, transports=transports)
    (message,) = messages(CHECKS, "K103", evidence(live=here))
    assert "300 endpoints" in message
    assert "tcp" in message
    for fine in (
        live(DEBIAN_22, listed=many, transports={"udp": {"protocol": "udp"}}),
        live(DEBIAN_22, listed=many[:3], transports=transports),
        live("Asterisk 22.11.0", listed=many, transports=transports),
    ):
        assert messages(CHECKS, "K103", evidence(live=fine)) == []


def test_a_package_may_be_better_than_its_number() -> None:
    """Recorded."""
    (message,) = messages(CHECKS, "K104", evidence(live=live(DEBIAN_22)))
    assert "4 defects" in message
    assert "asterisk#1946" in message
    for text in ("Asterisk 22.10.1", "Asterisk 22.11.0+dfsg-1"):
        assert messages(CHECKS, "K104", evidence(live=live(text))) == []
