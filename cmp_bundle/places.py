"""Where something stands: a line of a file, or a row of a database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A file, and where that is known and the file has lines, the line from 1."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Row:
    """A row of a database: the database's URL without a password, or where Asterisk has it from; a
    table, and the row's id. ``cache`` is that of Asterisk in which it keeps the row, empty if it has none.
    """

    database: str
    table: str
    id: str
    cache: str = ""

    def __str__(self) -> str:
        return f"{self.database} {self.table} {self.id}"
