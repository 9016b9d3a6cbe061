"""Where things stand in a TOML text: tomllib tells what it says, but not where.

For texts that tomllib has read without complaint; of others nothing is promised but an end.
Offsets count characters from 0, lines are counted from 1.
"""

from __future__ import annotations

import bisect
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A quoted key or string, whichever of TOML's four kinds.
_QUOTED = (
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)
_COMMENT = r"#[^\n]*"
_BLANK = re.compile(r"[ \t]*")
_KEY = re.compile(rf"(?:[A-Za-z0-9_-]+|{_QUOTED})(?:[ \t]*\.[ \t]*(?:[A-Za-z0-9_-]+|{_QUOTED}))*")
_PART = re.compile(rf"[A-Za-z0-9_-]+|{_QUOTED}", re.DOTALL)
_STRING = re.compile(_QUOTED, re.DOTALL)
_BARE = re.compile(r"[^#\n\r]*")
_NESTED = re.compile(rf"{_QUOTED}|{_COMMENT}|[\[\]{{}}]|[^\[\]{{}}\"'#]+|.", re.DOTALL)


@dataclass(frozen=True)
class Pair:
    """``key = value``: from the beginning of its first line to behind the end of its last."""

    path: tuple[str, ...]
    line: int
    start: int
    indent: str
    value_start: int
    value_end: int
    end: int


@dataclass(frozen=True)
class Table:
    """A header and the pairs below it. The first table is the text before any header."""

    path: tuple[str, ...]
    array: bool
    line: int
    start: int
    end: int
    indent: str = ""
    pairs: list[Pair] = field(default_factory=list)

    @property
    def last(self) -> int:
        """Behind the end of its last pair, or of its header."""
        return self.pairs[-1].end if self.pairs else self.end


def tables(text: str) -> list[Table]:
    """Every table of a text, in order."""
    return _Scan(text).tables


def line_of(text: str, table: str, key: str | None = None) -> int | None:
    """The line (from 1) of ``key`` in ``[table]``, or of the table's header or first mention.

    None where it stands inside a value, such as an inline table.
    """
    first = None
    for one in tables(text):
        places = [(one.path, one.line), *((one.path + pair.path, pair.line) for pair in one.pairs)]
        for path, line in places:
            if path[:1] == (table,) and first is None:
                first = line
            if key is not None and path[:2] == (table, key):
                return line
    return first if key is None else None


def entry_lines(text: str, table: str, key: str) -> list[int]:
    """The line of each table in the list ``key`` of ``[table]``, however it is written."""
    found = []
    for one in tables(text):
        if one.array and one.path == (table, key):
            found.append(one.line)
        for pair in one.pairs:
            if one.path + pair.path == (table, key):
                value = text[pair.value_start : pair.value_end]
                first = text.count("\n", 0, pair.value_start) + 1
                found += [first + value.count("\n", 0, at) for at in _braces(value)]
    return found


def _braces(value: str) -> Iterator[int]:
    """Where the tables of a list begin that stand in it, and in no other."""
    depth = 0
    for token in _NESTED.finditer(value):
        if token[0] == "{" and depth == 1:
            yield token.start()
        depth += (token[0] in ("[", "{")) - (token[0] in ("]", "}"))


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text
        self._breaks = [found.start() for found in re.finditer("\n", text)]
        self.tables = [Table((), array=False, line=1, start=0, end=0)]
        at = 1 if text.startswith("\ufeff") else 0
        while at < len(text):
            at = self._line(at)

    def _line(self, start: int) -> int:
        """Take in what begins on this line; the beginning of the next."""
        text = self._text
        at = self._after_blanks(start)
        indent = text[start:at]
        if text[at : at + 1] == "[":
            array = text[at : at + 2] == "[["
            at += 2 if array else 1
            found = _KEY.match(text, self._after_blanks(at))
            if found:
                end = self._next_line(found.end())
                path, line = _parts(found[0]), self._number(start)
                self.tables.append(Table(path, array, line, start, end, indent))
                return end
        elif found := _KEY.match(text, at):
            equals = self._after_blanks(found.end())
            if text[equals : equals + 1] == "=":
                value = self._after_blanks(equals + 1)
                value_end = self._value_end(value)
                end = self._next_line(value_end)
                line = self._number(start)
                pair = Pair(_parts(found[0]), line, start, indent, value, value_end, end)
                self.tables[-1].pairs.append(pair)
                return end
        return self._next_line(at)

    def _value_end(self, at: int) -> int:
        text = self._text
        if text[at : at + 1] in ("[", "{"):
            depth = 0
            for token in _NESTED.finditer(text, at):
                depth += (token[0] in ("[", "{")) - (token[0] in ("]", "}"))
                if depth == 0:
                    return token.end()
            return len(text)
        found = _STRING.match(text, at)
        if found:
            return found.end()
        bare = _BARE.match(text, at)
        return at + len(bare[0].rstrip(" \t")) if bare else at

    def _after_blanks(self, at: int) -> int:
        found = _BLANK.match(self._text, at)
        return found.end() if found else at

    def _next_line(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end == -1 else end + 1

    def _number(self, at: int) -> int:
        return bisect.bisect_left(self._breaks, at) + 1


def _parts(key: str) -> tuple[str, ...]:
    return tuple(_plain(part) for part in _PART.findall(key))


def _plain(part: str) -> str:
    if part[0] not in "\"'":
        return part
    try:
        return str(tomllib.loads(f"x = {part}")["x"])
    except tomllib.TOMLDecodeError:
        return part
