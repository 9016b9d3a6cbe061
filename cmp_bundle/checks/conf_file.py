"""What keeps Asterisk from reading a configuration file, or the end of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.asterisk.configuration import REFUSED, UNKNOWN
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.findings import Finding


def refused(read: Configuration) -> Finding | None:
    """Whether Asterisk would have nothing of the file."""
    if not read.refused:
        return None
    problem = next(p for p in reversed(read.problems) if p.code in (REFUSED, UNKNOWN))
    text = f"Asterisk would refuse this file: {problem.message}"
    return finding("conf-refused", text, problem.place, "fix this first; nothing was changed")


def open_comment(read: Configuration) -> Finding | None:
    """Whether Asterisk would not see what is added at the end of the file."""
    if read.open_comment is None:
        return None
    text = (
        "a block comment that begins here is never closed, so Asterisk reads nothing that is"
        " added at the end of the file"
    )
    return finding("open-comment", text, read.open_comment, "close it with --;")
