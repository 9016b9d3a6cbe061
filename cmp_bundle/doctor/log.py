"""Asterisk's own log, for its words: what a check finds otherwise, they say in more detail.

No line of it is a finding by itself: what was wrong may have been mended since.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import re
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.values import is_true
from cmp_bundle.doctor.evidence import Live, Log, Missing, Written
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.answers.logger import LogChannel
    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.asterisk.installation import Installation

#: The levels that mean trouble, and that a log has to have.
TROUBLE: Final = ("NOTICE", "WARNING", "ERROR")

#: Bytes of a log that are read: its end.
MOST: Final = 1 << 18
#: Seconds that a line counts for, if Asterisk runs for so long.
_RECENT: Final = 6 * 3600
#: Seconds that times of a log and of Asterisk's start may be wrong by, as they are whole ones.
_COARSE: Final = 2.0
#: What Asterisk writes when it begins a log: at its start, and when logger.conf was read again.
_BEGUN: Final = re.compile(r"\] Asterisk \S+ built by ")
_LEVEL: Final = re.compile(rf"\b({'|'.join(TROUBLE)})\[\d+\]")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun",
                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # fmt: skip
_DATED: Final = re.compile(
    rf"\[?(?:(?P<month>{'|'.join(_MONTHS)}) +(?P<day>\d\d?) |(?P<date>\d{{4}}-\d\d-\d\d)[ T])"
    rf"(?P<time>\d\d:\d\d:\d\d)"
)
#: Characters of a line that are kept.
_LONGEST: Final = 400
_YEAR: Final = dt.timedelta(days=366)


@dataclass(frozen=True)
class LogFile:
    """One that logger.conf names, with the levels that it is to have, in capitals."""

    path: str
    levels: frozenset[str]

    @property
    def tells_trouble(self) -> bool:
        return "*" in self.levels or {"WARNING", "ERROR"} <= self.levels


def log(
    installation: Installation, written: Written | Missing, live: Live | Missing
) -> Log | Missing:
    """The end of the log with the most levels, of those that the running Asterisk writes."""
    if isinstance(live, Missing):
        return Missing(live.reason, live.broken)
    try:
        folder = (installation.control.directories() or {}).get("Log directory", "")
    except CmpBundleError as error:
        return Missing(str(error))
    named = log_files(written.files["logger.conf"], folder) if isinstance(written, Written) else ()
    path = chosen(tuple(named), live.log_channels)
    if path is None:
        return Missing("Asterisk writes no log file that has its warnings and errors")
    try:
        with installation.boundary.entry(
            installation.path(path), follow=True, rights=installation.rights
        ) as (opened, name):
            found = opened.read(name, MOST, tail=True)
    except (OSError, ValueError, CmpBundleError):
        return Missing(f"its log {path} cannot be read")
    now = time.time()
    # Since it was asked, the calls have taken their time.
    started = live.moment - live.process.up if live.process.up is not None else now
    return Log(path, tuple(recent(found.data, found.mtime, max(started, now - _RECENT))))


def log_files(logger: Configuration, folder: str) -> Iterator[LogFile]:
    """Those of logger.conf, as Asterisk names them with ``folder`` for its logs."""
    general = {folded(v.name): v.value for v in logger.browse("general")}
    host = f".{socket.gethostname()}" if is_true(general.get("appendhostname", "")) else ""
    for variable in logger.browse("logfiles"):
        name = variable.name.strip()
        if re.match(r"console$|syslog", name, re.IGNORECASE):
            continue
        formatter, _, levels = variable.value.rpartition("]")
        if "json" in formatter.lower():
            continue
        words = frozenset(word.strip().upper() for word in levels.split(","))
        yield LogFile(posixpath.join(folder, name) + host, words)


def chosen(named: tuple[LogFile, ...], channels: tuple[LogChannel, ...]) -> str | None:
    """The path of the log to read. In the table of ``channels`` long names are cut off, and logger.conf
    may have been changed since it was read: so it is one that is in both, or whole in the table.
    """
    written = [
        c for c in channels if c.kind == "File" and c.enabled and {"WARNING", "ERROR"} <= c.levels
    ]
    written.sort(key=lambda one: "NOTICE" in one.levels, reverse=True)
    for channel in written:
        if channel.whole:
            return channel.name
        for file in named:
            if file.tells_trouble and file.path.startswith(channel.name):
                return file.path
    return None


def recent(data: bytes, mtime: float, since: float) -> Iterator[str]:
    """The lines that mean trouble and were written after ``since``, in seconds since 1970 like ``mtime``,
    at which the last one was written: so it counts for nothing what the clock of a container shows.

    Where no time can be read, those since the log was begun.
    """
    lines = data.decode(errors="replace").splitlines()
    if len(data) >= MOST:
        del lines[:1]  # the rest of one
    times = [_time(line) for line in lines]
    last = next((found for found in reversed(times) if found is not None), None)
    if last is None:
        begun = [number for number, line in enumerate(lines) if _BEGUN.search(line)]
        lines = lines[begun[-1] :] if begun else []
        yield from (_shown(line) for line in lines if _LEVEL.search(line))
        return
    kept: list[str] = []
    for line, found in zip(lines, times, strict=True):
        if found is None:
            continue
        ago = last - found if last >= found else last + _YEAR - found
        written = mtime - ago.total_seconds() - since
        if written >= -_COARSE:
            if written <= _COARSE and _BEGUN.search(line):
                kept.clear()  # so long ago it was another Asterisk's
            kept.append(line)
    yield from (_shown(line) for line in kept if _LEVEL.search(line))


def _time(line: str) -> dt.datetime | None:
    """When a line was written. The usual form has no year, which is a leap year then."""
    found = _DATED.match(line)
    if found is None:
        return None
    date = found["date"] or f"2000-{_MONTHS.index(found['month']) + 1:02}-{int(found['day']):02}"
    try:
        return dt.datetime.fromisoformat(f"{date} {found['time']}")
    except ValueError:
        return None


def _shown(line: str) -> str:
    """Without what is not for a terminal: callers of any kind have their names in it."""
    return "".join(c if c.isprintable() else "?" for c in line.strip())[:_LONGEST]
