"""Files that a program writes anew at every change: what they say of it at their top."""

from __future__ import annotations

import re

_GENERATED = re.compile(
    rb"^.*(?:do not edit|auto-?generated|generated (?:by|automatically)"
    rb"|(?:ansible|puppet|chef|salt) managed|managed by (?:ansible|puppet|chef|salt)).*$",
    re.IGNORECASE | re.MULTILINE,
)
_TOP = 2048


def says_generated(data: bytes) -> str:
    """The words by which a file says that it is such a one; empty where it does not."""
    found = _GENERATED.search(data[:_TOP])
    return found[0].decode(errors="replace").strip("; #\t\r") if found else ""
