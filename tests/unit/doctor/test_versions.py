"""Which versions are known to be bad, by their numbers."""

from __future__ import annotations

import pytest

from cmp_bundle.asterisk.answers.core import Version, version
from cmp_bundle.doctor.versions import DEFECTS, before, caveat, defects, upgrade

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
