"""The records of a CSV text and where each field stands (RFC 4180, and what spreadsheets write).

Between fields stand commas, semicolons or tabs, whichever the first line shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_DELIMITERS = ",;\t"
_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Cell:
    """A field: its value without quotes, and the span that it takes with them."""

    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Record:
    """One record. ``end`` lies behind its last field, ``next`` behind its line break."""

    cells: tuple[Cell, ...]
    line: int
    start: int
    end: int
    next: int


class CsvError(Exception):
    """Quotes that do not match, on the line ``line``."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def delimiter(text: str) -> str:
    """What parts the fields: the one that the first line has most of."""
    first = _BREAK.split(text.lstrip("\ufeff\r\n"), maxsplit=1)[0]
    return max(_DELIMITERS, key=first.count)


def records(text: str, between: str) -> list[Record]:
    """All records but the empty ones. Raises CsvError."""
    found = []
    at = 1 if text.startswith("\ufeff") else 0
    line = 1
    plain = re.compile(rf"[^{re.escape(between)}\r\n]*")
    while at < len(text):
        start, cells = at, []
        while True:
            cell = _cell(text, at, plain, line)
            cells.append(cell)
            at = cell.end
            if text[at : at + 1] != between:
                break
            at += 1
        found_break = _BREAK.match(text, at)
        if found_break is None and at < len(text):
            raise CsvError("there is text after a closing quote", line)
        after = found_break.end() if found_break else at
        if len(cells) > 1 or cells[0].end > cells[0].start:
            found.append(Record(tuple(cells), line, start, at, after))
        line += len(_BREAK.findall(text[start:after]))
        at = after
    return found


def quoted(value: str, between: str) -> str:
    """``value`` as a field."""
    if value and not re.search(rf'["\r\n{re.escape(between)}]|^\s|\s$', value):
        return value
    return f'"{value.replace(chr(34), chr(34) * 2)}"' if value else ""


def _cell(text: str, at: int, plain: re.Pattern[str], line: int) -> Cell:
    if text[at : at + 1] != '"':
        found = plain.match(text, at)
        end = found.end() if found else at
        return Cell(text[at:end].strip(), at, end)
    end = at + 1
    while True:
        quote = text.find('"', end)
        if quote == -1:
            raise CsvError("a quote is never closed", line)
        if text[quote + 1 : quote + 2] != '"':
            return Cell(text[at + 1 : quote].replace('""', '"'), at, quote + 1)
        end = quote + 2
