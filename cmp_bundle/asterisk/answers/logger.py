"""``logger show channels``: where Asterisk's log goes."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class LogChannel:
    """``name`` is a path for a ``File``; cut off where ``whole`` is false, to the width of the table.
    ``levels`` are in capitals, such as WARNING.
    """

    name: str
    whole: bool
    kind: str
    enabled: bool
    levels: frozenset[str]


#: The columns of a name.
_WIDTH = 35


def log_channels(text: str) -> tuple[LogChannel, ...]:
    """The one without a name, which is the console, included."""
    found = []
    for line in text.splitlines():
        row = re.match(r"(.{35}) (File|Console|Syslog)\b(.*?)(Enabled|Disabled)(.*)", line)
        if row:
            name = row[1].strip()
            levels = frozenset(re.findall(r"\b[A-Z]+\b", row[5]))
            whole = len(row[1].rstrip()) < _WIDTH
            found.append(LogChannel(name, whole, row[2], row[4] == "Enabled", levels))
    return tuple(found)
