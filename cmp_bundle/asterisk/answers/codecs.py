"""``core show translation paths CODEC``."""

from __future__ import annotations

import re


def translations(text: str) -> frozenset[str] | None:
    """The names of the codecs that one can be turned into, such as ulaw and slin; None where the answer
    is none of that.
    """
    found = re.findall(r"^[ \t]*\S+[ \t]+To (\w+):\d+[ \t]*: ([^\n]*)$", text, re.MULTILINE)
    if not found:
        return None
    return frozenset(name for name, path in found if path.strip() != "No Translation Path")
