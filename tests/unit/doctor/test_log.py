"""Which lines of a log count, and which log it is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.answers.core import Process
from cmp_bundle.asterisk.answers.logger import LogChannel
from cmp_bundle.asterisk.conf_files import ConfFolder, Overlaid
from cmp_bundle.doctor.evidence import Log, Missing
from cmp_bundle.doctor.log import MOST, TROUBLE, LogFile, chosen, log, log_files, recent
from cmp_bundle.files import Boundary
from cmp_bundle.files.open_folder import NoFileError

from .servers import live

if TYPE_CHECKING:
    from cmp_bundle.asterisk.installation import Installation

#: As 22.10.1 and 16.28.0 write it. The last line was written at the second 10,000.
RECORDED = """\
[Nov 28 08:00:00] Asterisk 22.10.1 built by nobody @ buildd.debian.org on a unknown running Linux
[Nov 28 10:43:57] ERROR[15481] iostream.c: SSL_shutdown() failed: Internal SSL error
[Nov 28 10:43:58] VERBOSE[1] asterisk.c: Remote UNIX connection
[Nov 28 10:44:00] WARNING[19409][C-00000002] chan.c: no more than \x1b[31mred\x1b[0m
  and a second line
[Nov 28 10:44:07] NOTICE[19409] res_pjsip/pjsip_distributor.c: Request 'REGISTER' from '<sip:a@b>'
"""
AT = 10_000.0


def said(text: str, since: float) -> list[str]:
    return [line.split("]")[0][-8:] for line in recent(text.encode(), AT, since)]


def test_the_recent_ones() -> None:
    assert said(RECORDED, 0) == ["10:43:57", "10:44:00", "10:44:07"]
    assert said(RECORDED, AT - 7) == ["10:44:00", "10:44:07"]
    assert said(RECORDED, AT + 3) == []


def test_the_first_ones_after_a_start() -> None:
    """Within the same second as the last ones of the Asterisk before."""
    text = (
        "[Nov 28 10:43:57] ERROR[1] a.c: old\n"
        "[Nov 28 10:43:57] Asterisk 22.10.1 built by nobody @ buildd\n"
        "[Nov 28 10:43:57] ERROR[2] a.c: new\n"
        "[Nov 28 10:43:59] Asterisk 22.10.1 built by nobody @ buildd\n"
        "[Nov 28 10:44:07] ERROR[2] a.c: newer\n"
    )
    assert [one.split()[-1] for one in recent(text.encode(), AT, AT - 7)] == ["newer"]
    assert [one.split()[-1] for one in recent(text.encode(), AT, AT - 10.5)] == ["new", "newer"]


def test_what_a_terminal_is_not_shown() -> None:
    (line,) = [one for one in recent(RECORDED.encode(), AT, 0) if "red" in one]
    assert line.endswith("no more than ?[31mred?[0m")


def test_over_new_year() -> None:
    text = "[Dec 31 23:59:50] ERROR[1] a.c: old\n[Jan  1 00:00:10] ERROR[1] a.c: new\n"
    assert said(text, AT - 30) == ["23:59:50", "00:00:10"]
    assert said(text, AT - 10) == ["00:00:10"]


@pytest.mark.parametrize("form", ["[2026-11-28 10:44:07]", "[2026-11-28T10:44:07.123]"])
def test_other_forms_of_the_time(form: str) -> None:
    text = f"{form} ERROR[7] a.c: new\n"
    assert list(recent(text.encode(), AT, AT - 5)) == [text.strip()]


def test_where_no_time_can_be_read() -> None:
    """What stands before its beginning may be of another day."""
    text = (
        "[today] ERROR[1] a.c: old\n[today] Asterisk 16.28.0 built by nobody @ x\n"
        "[today] ERROR[1] a.c: new\n"
    )
    assert list(recent(text.encode(), AT, 0)) == ["[today] ERROR[1] a.c: new"]
    assert list(recent(b"[today] ERROR[1] a.c: old\n", AT, 0)) == []


def test_the_rest_of_a_line() -> None:
    line = "[Nov 28 10:43:57] ERROR[1] a.c: whole\n"
    text = "ERROR[1] half".ljust(MOST - len(line) - 1) + "\n" + line
    assert len(text) == MOST
    assert list(recent(text.encode(), AT, 0)) == [line.strip()]


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"[Feb 31 99:00:00] ERROR[1] x\n" * 3])
def test_nonsense(data: bytes) -> None:
    assert list(recent(data, AT, 0)) == []


def test_the_newest_line() -> None:
    log = Log("/log", ("ERROR[1] a.c: one 1", "ERROR[1] a.c: one 2", "NOTICE[1] b.c: two"))
    assert log.last(r"a\.c: one \d") == "ERROR[1] a.c: one 2"
    assert log.last("three") == ""


def files(text: str) -> list[LogFile]:
    nothing = ConfFolder(Path("/nowhere/etc"), Path("/nowhere"))
    read = reader.read("logger.conf", Overlaid(nothing, {"/etc/logger.conf": text.encode()}))
    return list(log_files(read, "/var/log/asterisk"))


def test_the_files_of_logger_conf() -> None:
    assert files("""\
[general]
[logfiles]
console => notice,warning,error
syslog.local0 => error
messages.log => notice, warning ,error
json.log => [json]warning,error
full => [default]*
/srv/other => debug
""") == [
        LogFile("/var/log/asterisk/messages.log", frozenset({"NOTICE", "WARNING", "ERROR"})),
        LogFile("/var/log/asterisk/full", frozenset({"*"})),
        LogFile("/srv/other", frozenset({"DEBUG"})),
    ]


def channel(name: str, *levels: str, whole: bool = True, enabled: bool = True) -> LogChannel:
    return LogChannel(name, whole, "File", enabled, frozenset(levels or ("WARNING", "ERROR")))


def test_which_of_them() -> None:
    trouble = frozenset({"WARNING", "ERROR"})
    cut = channel("/srv/cmp-bundle/pbx-pcjaif_t/log/me", whole=False)
    named = LogFile("/srv/cmp-bundle/pbx-pcjaif_t/log/messages", trouble)
    assert chosen((named,), (cut,)) == named.path
    assert chosen((), (cut,)) is None, "a part of a name is none"
    assert chosen((LogFile(named.path, frozenset({"DEBUG"})),), (cut,)) is None
    assert chosen((), (channel("/a"), channel("/b", "NOTICE", "WARNING", "ERROR"))) == "/b"
    assert chosen((), (channel("/a", enabled=False), channel("/b", "NOTICE"))) is None


def test_the_end_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.write_bytes(b"0123456789")
    with Boundary().entry(path) as (folder, name):
        assert folder.read(name, 4, tail=True).data == b"6789"
        assert folder.read(name, 99, tail=True).data == b"0123456789"


def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "messages")
    (tmp_path / "folder").mkdir()
    with Boundary().entry(tmp_path / "messages") as (folder, name):
        for one in (name, "folder"):
            with pytest.raises(NoFileError):
                folder.read(one, 4, tail=True)


def test_what_came_soon_after_the_start_counts_however_long_all_else_took(tmp_path: Path) -> None:
    """Asterisk was asked a minute ago, five seconds after its start."""
    path = tmp_path / "messages.log"
    path.write_text(RECORDED)
    asked = path.stat().st_mtime - 60
    here = SimpleNamespace(
        control=SimpleNamespace(directories=dict),
        boundary=Boundary(tmp_path),
        path=Path,
        rights=None,
    )
    writes = (channel(str(path), *TROUBLE),)
    answered = replace(live(), moment=asked, process=Process(up=5), log_channels=writes)
    found = log(cast("Installation", here), Missing("nothing"), answered)
    assert isinstance(found, Log)
    assert [line.split("]")[0][-8:] for line in found.lines] == ["10:43:57", "10:44:00", "10:44:07"]
