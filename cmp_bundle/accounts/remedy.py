"""How an option of an object of PJSIP is set to what it should be: the line for a file, or the statement
for a row of a database. Both are exact, for whoever copies them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.reloads import PJSIP
from cmp_bundle.places import Place, Row
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Names that need no quotes, in whatever kind of database.
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")


def remedy(
    kind: str, name: str, where: Place | Row | None, options: Mapping[str, str | None]
) -> str:
    """What to do so that the object ``name`` of a ``kind`` (endpoint) has these ``options``; None takes
    one away. ``where`` is where the object stands: of rows that are not told apart by it alone, and where
    that is not known, it is said in words.
    """
    if isinstance(where, Row):
        statement = _statement(where, options)
        if statement is not None:
            return f"in the database {where.database}: {statement}{_cached(where)}"
        return f"{_in_words(kind, name, None, options)} of {where.table}{_cached(where)}"
    return f"{_in_words(kind, name, where, options)}; then {PJSIP}"


def _statement(row: Row, options: Mapping[str, str | None]) -> str | None:
    """SQL that all kinds of databases take alike; None where there is none."""
    texts = (row.id, *filter(None, options.values()))
    # What a backslash means depends on the kind of database, and on how it is set up.
    if any("\\" in text or not text.isprintable() for text in texts):
        return None
    if not all(map(_PLAIN.fullmatch, (row.table, *options))):
        return None
    columns = ", ".join(f"{n} = {'NULL' if v is None else _text(v)}" for n, v in options.items())
    # Nobody here runs it.
    return f"UPDATE {row.table} SET {columns} WHERE id = {_text(row.id)};"  # noqa: S608


def _text(value: str) -> str:
    """As a literal, which is taken for a number as well where a column is for numbers."""
    return "'" + value.replace("'", "''") + "'"


def _cached(row: Row) -> str:
    """Rows are read for each question, but where Asterisk keeps them."""
    if not row.cache:
        return ""
    return f" then asterisk -rx {word(f'sorcery memory cache expire {row.cache} {row.id}')}"


def _in_words(kind: str, name: str, where: Place | None, options: Mapping[str, str | None]) -> str:
    """An option that goes may stand in a template: its line is in the place. One that comes counts
    in the object itself.
    """
    gone = [option for option, value in options.items() if value is None]
    new = [f"{option}={value}" for option, value in options.items() if value is not None]
    there = f"the {kind} {name}"
    parts = []
    if gone:
        parts.append(f"take {' and '.join(gone)} out of {there}" + (f" ({where})" if where else ""))
    if new:
        section = f"[{name}], type={kind}, of {where.file}" if where else there
        parts.append(f"write {' and '.join(new)} into {section}")
    return ", and ".join(parts)
