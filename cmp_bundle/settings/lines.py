"""On which line of a TOML text a key stands. tomllib tells what a file says, but not where."""

from __future__ import annotations

import re

_TABLE = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_PAIR = re.compile(
    r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)


def line_of(text: str, table: str, key: str | None = None) -> int | None:
    """The line (from 1) of ``key`` in ``[table]``, or of the table's header or first mention.

    None where the text writes it in a way that this does not follow (inside an inline table,
    say): the caller then names the file alone.
    """
    current: list[str] = []
    first = None
    for number, line in enumerate(text.splitlines(), 1):
        header = _TABLE.match(line)
        if header:
            current = _parts(header[1])
            if current[:1] == [table] and first is None:
                first = number
            continue
        pair = _PAIR.match(line)
        if not pair:
            continue
        path = current + _parts(pair[1])
        if path[:1] == [table] and first is None:
            first = number
        if key is not None and path[:2] == [table, key]:
            return number
    return first if key is None else None


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
