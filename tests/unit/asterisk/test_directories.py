"""Where asterisk.conf says that things are."""

from __future__ import annotations

from pathlib import Path

from cmp_bundle.asterisk.conf_files import ConfFolder, Overlaid
from cmp_bundle.asterisk.directories import Directories, read_directories

NOTHING = ConfFolder(Path("/nowhere/etc/asterisk"), Path("/nowhere"))


def directories(text: bytes) -> Directories:
    return read_directories(Overlaid(NOTHING, {"/etc/asterisk/asterisk.conf": text}))


def test_what_counts() -> None:
    found = directories(
        b"[Directories]\nAstDataDir => /a\nastdatadir => /b\n[options]\nrunuser=x\n"
    )
    assert {name: v.value for name, v in found.effective.items()} == {"astdatadir": "/b"}
    assert found.effective["astdatadir"].line == 3
    assert found.ignored == {}
    assert found.run_user is not None
    assert found.run_user.value == "x"


def test_a_template_does_not_count_but_is_told() -> None:
    found = directories(b"[directories](!)\nastdatadir => /usr/share/asterisk\n[options]\n")
    assert found.effective == {}
    assert found.ignored["astdatadir"].value == "/usr/share/asterisk"
    assert found.run_user is None


def test_a_template_can_be_made_to_count() -> None:
    found = directories(b"[directories](!)\nastdatadir => /a\n[directories](directories)\n")
    assert found.effective["astdatadir"].value == "/a"
    assert found.effective["astdatadir"].inherited


def test_no_file() -> None:
    found = read_directories(NOTHING)
    assert found.configuration.missing
    assert (found.effective, found.ignored, found.run_user) == ({}, {}, None)
