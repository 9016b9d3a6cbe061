"""Rows as a script of SQL, for databases that only somebody else may write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from cmp_bundle.provision.rows import TABLES
from cmp_bundle.settings import database_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp_bundle.provision.rows import RowChange, Tables

#: How the script is run.
_RUN = {
    "mysql": "mysql DATABASE < FILE",
    "mariadb": "mariadb DATABASE < FILE",
    "postgresql": "psql DATABASE -f FILE",
    "sqlite": "sqlite3 DATABASE < FILE",
}

#: What makes sure that the values arrive as they are written, and all or none of them. MySQL's own
#: client stops at the first error, PostgreSQL commits nothing after one; SQLite's has to be told.
_BEFORE = {
    "mysql": ("SET NAMES utf8mb4;", "SET SESSION sql_mode = 'STRICT_ALL_TABLES';"),
    "mariadb": ("SET NAMES utf8mb4;", "SET SESSION sql_mode = 'STRICT_ALL_TABLES';"),
    "postgresql": ("SET client_encoding = 'UTF8';", "SET standard_conforming_strings = on;"),
    "sqlite": (".bail on",),
}


def script(changes: Sequence[RowChange], tables: Tables) -> str:
    """The rows of ``changes`` that are new, for the kind of database that ``tables`` are in."""
    kind = database_url.kind(tables.url)
    fresh = [one for one in changes if one.before is None]
    lines = [
        "-- Written by cmp-bundle: endpoints, aors and auths for browser phones. It holds passwords.",
        f"-- To run it, all or nothing: {_RUN[kind]}",
        "-- To take it back:",
        *(f"--   {statement}" for statement in _taking_back(fresh, tables)),
        *_BEFORE[kind],
        "BEGIN;",
        *(_literal(_insert(one, tables), kind) for one in fresh),
        "COMMIT;",
    ]
    return "\n".join([*lines, ""])


def _insert(one: RowChange, tables: Tables) -> sa.Insert:
    columns = tables.tables[one.table].columns
    values = {columns[name].name: value for name, value in (one.after or {}).items()}
    table = sa.table(one.table, *(sa.column(name, sa.String()) for name in values))
    return sa.insert(table).values(values)


def _taking_back(fresh: Sequence[RowChange], tables: Tables) -> Iterator[str]:
    for table in TABLES:
        ids = [one.id for one in fresh if one.table == table]
        key = sa.column(tables.tables[table].columns["id"].name, sa.String())
        if ids:
            delete = sa.delete(sa.table(table, key)).where(key.in_(ids))
            yield _literal(delete, database_url.kind(tables.url))


def _literal(statement: sa.Insert | sa.Delete, kind: str) -> str:
    # Another style of parameters would have each % doubled, also where there are no parameters.
    dialect = make_url(f"{kind}://").get_dialect()(paramstyle="named")  # type: ignore[call-arg]
    compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return f"{' '.join(str(compiled).splitlines())};"
