"""Files of which Asterisk reads nothing, or nothing from a line on: one #include of a file that is not
there is enough (seen on 16 and 22; a pattern that no file matches is the same).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.configuration import CUT, REFUSED
from cmp_bundle.asterisk.reloads import BY_FILE, RESTART, typed
from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.evidence import Log, Missing
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Written
    from cmp_bundle.findings import Finding


#: What is wrong with a line by the reader's words, and the file that it includes.
_ABSENT: Final = re.compile(r"#include of (.*), which is not there")


def refused(written: Written, log: Log | Missing) -> Iterator[Finding]:
    for name, read in written.files.items():
        again = typed(name) if name in BY_FILE else RESTART
        for problem in read.problems:
            what = problem.message.partition("; ")[0]
            absent = _ABSENT.fullmatch(what)
            hint = f"correct the line; then {again}"
            if absent:
                hint = f"put a file there, an empty one will do, or write #tryinclude; then {again}"
            if read.refused and problem.code == REFUSED:
                text = f"Asterisk reads nothing of {name}: {what}"
            elif problem.code == CUT:
                text = f"Asterisk reads nothing of this file from here on: {what}"
            else:
                continue
            seen = _line(log, absent[1]) if absent else ""
            yield finding(problem.code, text, problem.place, hint, name, seen=seen)


def _line(log: Log | Missing, file: str) -> str:
    words = rf"The file '{re.escape(file)}' was listed as a #include but it does not exist"
    return "" if isinstance(log, Missing) else log.last(words)


CHECKS = (Check((REFUSED, CUT), ("written",), refused, also=("log",)),)
