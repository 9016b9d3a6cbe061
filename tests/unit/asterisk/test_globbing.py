"""Patterns, against the C library's own glob(3) where it is GNU's."""

from __future__ import annotations

import ctypes
import os
import platform
import re
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.asterisk.globbing import expand

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    *("a", "b", ".h", "{a,b}", "[a]", "a-b", "x*", "1", "]", "\\", "d/a", "d/b", "d/.h", "d/1"),
    *("e/a", "e/f/a", ".g/a"),
)

BRACE, NOMAGIC = 1 << 10, 1 << 11


class Glob(ctypes.Structure):
    """``glob_t`` of glob.h, with room for the functions that are not used."""

    _fields_: ClassVar = [
        ("count", ctypes.c_size_t),
        ("paths", ctypes.POINTER(ctypes.c_char_p)),
        ("offset", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("functions", ctypes.c_void_p * 5),
    ]


def by_the_library(pattern: str) -> list[str]:
    library = ctypes.CDLL("libc.so.6")
    found = Glob()
    library.glob(pattern.encode(), BRACE | NOMAGIC, None, ctypes.byref(found))
    return [(found.paths[i] or b"").decode() for i in range(found.count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("glob")
    for name in NAMES:
        (top / name).parent.mkdir(exist_ok=True, parents=True)
        (top / name).touch()
    return top


#: Without "[.", which begins a collating symbol: nobody names files by those.
PATTERNS = st.lists(
    st.sampled_from([*"abdeh1*?[]!^-{},/.\\", "*", "{a,b}", "[a-d]", "[[:alpha:]]", "[!a]"]),
    max_size=12,
).map(lambda parts: re.sub(r"\[\.+", "[", "".join(parts)))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not the GNU C library")
@given(pattern=PATTERNS)
@example("{{a,b}")
@example("{}")
@example("{a}")
@example("[]]")
@example("[!]]*")
@example("[b-a]*")
@example("[a")
@example("*/*")
@example(".*/a")
@example("*/")
@example("\\[a]")
@example("\\*")
@example("\\")
@example("d\\/*")
def test_expands_as_the_library_does(folder: Path, pattern: str) -> None:
    path = f"{folder}/{pattern}"
    expanded = expand(path, ConfFolder(folder), lambda _amount: None)
    assert files(folder, expanded) == files(folder, by_the_library(path))


def files(folder: Path, paths: list[str]) -> list[str]:
    """Those that Asterisk would read, ``//`` and the like aside."""
    # Not pathlib's is_file, for which "file/." is a file.
    there = (path for path in paths if os.path.isfile(path))  # noqa: PTH113
    return [str((folder / path).resolve()) for path in there]


class EnoughError(Exception):
    """Stop."""


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["{a,b}" * 50, "{" * 120 + "a" + ",b}" * 120, "/*/*/*/*/*/*"])
def test_can_be_stopped(folder: Path, pattern: str) -> None:
    left = 10_000

    def charge(amount: int) -> None:
        nonlocal left
        left -= amount
        if left < 0:
            raise EnoughError

    with pytest.raises(EnoughError):
        expand(
            pattern if pattern.startswith("/") else f"{folder}/{pattern}",
            ConfFolder(folder),
            charge,
        )


def test_many_stars_take_no_time(folder: Path) -> None:
    assert expand(f"{folder}/{'*a' * 100}*b", ConfFolder(folder), lambda _amount: None) == []
