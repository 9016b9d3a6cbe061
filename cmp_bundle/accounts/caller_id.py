"""The name in a ``callerid``, after ``ast_callerid_parse`` and its like in main/callerid.c."""

from __future__ import annotations

import re

from cmp_bundle.asterisk.lines import BLANKS, cut

#: The name is kept in 80 bytes, the last of which is a NUL (caller_id_handler).
_LONGEST = 79

#: What is left of a number written for people when Asterisk has shrunk it.
_NUMBER = re.compile(r"[0-9*#+]+")


def name(text: str) -> str:
    """``Alice`` of ``"Alice" <246>``, ``Alice <246>`` and ``Alice``; empty for a number alone."""
    stripped = text.strip(BLANKS)
    inner = _unquoted(stripped)
    before, bracket, _ = inner.rpartition("<")
    if bracket:
        found = _unquoted(before)
    elif inner == stripped and _is_number(inner):
        return ""
    else:
        found = _unquoted(inner)
    return cut(re.sub(r"\\(.?)", r"\1", found, flags=re.DOTALL), _LONGEST)


def _is_number(text: str) -> bool:
    """``ast_shrink_phone_number``, then ``ast_isphonenumber``."""
    shrunk = re.sub(r"[( )-]|\.(?!\Z)", "", text)
    return _NUMBER.fullmatch(shrunk) is not None


def _unquoted(text: str) -> str:
    """``ast_strip_quoted``: one pair of quotes off, if both are there."""
    text = text.strip(BLANKS)
    if text.startswith('"') and text.endswith('"'):
        return text[1:-1]
    return text
