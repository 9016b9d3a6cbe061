"""The one line that an admin's file gets, and gives back. Bytes in, bytes out.

``#tryinclude``, unlike ``#include``, does no harm when the file it names is gone (seen on
Asterisk 16 and 22).
"""

from __future__ import annotations

import re


def line_for(name: str) -> bytes:
    """The line that ``name`` (http.conf) gets, without its end."""
    return f"#tryinclude cmp-bundle/{name}".encode()


def _pattern(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"^" + re.escape(line_for(name)) + rb"[ \t]*(\r?\n|\Z)", re.MULTILINE)


def has_line(data: bytes, name: str) -> bool:
    return _pattern(name).search(data) is not None


def add_line(data: bytes, name: str) -> bytes:
    """``data`` with the line at its end; unchanged where it is there already.

    A file that ends without a newline gets one before the line and none behind it: that is how
    ``remove_line`` knows that the newline was ours.
    """
    if has_line(data, name):
        return data
    if data and not data.endswith(b"\n"):
        return data + b"\n" + line_for(name)
    return data + line_for(name) + (b"\r\n" if data.endswith(b"\r\n") else b"\n")


def remove_line(data: bytes, name: str) -> bytes:
    """``data`` as it was before ``add_line``, whatever was written around the line since."""
    found = _pattern(name).search(data)
    if found is None:
        return data
    before, behind = data[: found.start()], data[found.end() :]
    if not found[1] and before.endswith(b"\n"):
        before = before[:-1]
    return before + behind
