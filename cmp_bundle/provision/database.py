"""The realtime tables themselves: what is in them, and changing it in one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cmp_bundle.accounts import from_database
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.provision.row_owners import others
from cmp_bundle.provision.rows import ENDPOINTS, TABLES, Column, Table, Tables, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp_bundle.accounts.database import Database
    from cmp_bundle.provision.remembered import RowKey
    from cmp_bundle.provision.rows import Row, RowChange

#: Ids in one question.
_CHUNK = 500

#: Rows that may come of one id: there is one, or few that differ in case.
_MOST = 4

#: Seconds to wait for a row that somebody else holds.
_PATIENCE = 10

#: What keeps MySQL from undoing half of a change.
_WITHOUT_TRANSACTIONS = ("myisam", "aria", "memory", "csv", "archive")

_MYSQL = ("mysql", "mariadb")

#: A default as databases tell it: a text, in PostgreSQL with its type, or a number; and none.
_LITERAL = re.compile(r"\(*'((?:[^']|'')*)'(?:::[^']*)?\)*|\(*(-?\d+(?:\.\d+)?)\)*")
_NOTHING = re.compile(r"NULL(?:::.*)?", re.IGNORECASE)


def look(database: Database, ids: Iterable[str], remembered: Mapping[RowKey, str]) -> Tables:
    """What the tables have of ``ids``, and of the rows that are ours. Raises CmpBundleError."""
    ours = [key for key in remembered if key.database == database.url]
    ids = {*ids, *(key.id for key in ours)}
    with database.reading() as connection:
        from_database.require(connection, database.url, TABLES)
        found = {}
        for name in TABLES:
            live = _Live.reflected(connection, name)
            live.refuse_without_transactions(database.url)
            found[name] = Table(live.described(), live.rows(ids))
        tables = Tables(database, found, connection.dialect.name in _MYSQL)
        strange = found[ENDPOINTS].rows.keys() - {k.id for k in ours if k.table == ENDPOINTS}
        if not strange and not others(tables, remembered):
            return tables
        tables = replace(tables, endpoints=from_database.found(connection, database.url))
    return replace(tables, deletes=_deletes(database))


def _deletes(database: Database) -> bool:
    """Whether rows may be taken away: databases answer that also where it is about no row."""
    try:
        with database.writing() as connection:
            for name in TABLES:
                connection.execute(sa.delete(sa.table(name)).where(sa.false()))
    except CmpBundleError:
        return False
    return True


def change(
    connection: sa.Connection, changes: Sequence[RowChange], url: str
) -> dict[tuple[str, str], str]:
    """Make all of ``changes``, and see that the tables then hold what they shall.

    By table and id, the digests (rows.digest) of the rows that are there then: the database may have
    put more into them than it was told. Raises CmpBundleError; the transaction is then not to be
    committed.
    """
    _begin(connection)
    digests: dict[tuple[str, str], str] = {}
    for name, own in _by_table(changes):
        live = _Live.reflected(connection, name)
        before = live.rows((one.id for one in own), lock=True)
        other = next((one.id for one in own if before.get(one.id) != one.before), None)
        if other is not None:
            raise CmpBundleError(
                "file-changed",
                f"{url}: {name} {other} was changed by somebody else at the same time",
                hint="cmp-bundle changed nothing; run it again",
            )
        live.make([(one.id, one.before, one.after) for one in own])
        after = live.rows(one.id for one in own)
        columns = live.described()
        for one in own:
            row = after.get(one.id)
            _compare(url, one, row)
            if row is not None:
                digests[name, one.id] = digest(row, name, columns)
    return digests


def put_back(
    connection: sa.Connection,
    changes: Sequence[RowChange],
    digests: Mapping[tuple[str, str], str],
) -> list[str]:
    """Undo what of ``changes`` was done; the rows that are somebody else's by now, which stay, and
    with one of them all that are new of the same account. ``digests`` are those of ``change``.
    """
    _begin(connection)
    theirs: dict[str, list[str]] = {}
    found = []
    for name, own in _by_table(changes):
        live = _Live.reflected(connection, name)
        columns = live.described()
        now = live.rows((one.id for one in own), lock=True)
        back = []
        for one in own:
            row = now.get(one.id)
            made = row is not None and digests.get((name, one.id)) == digest(row, name, columns)
            wanted, whole = _before(one, row, made=made)
            if not whole:
                theirs.setdefault(one.id, []).append(f"{name} {one.id}")
            if wanted != row:
                back.append((one.id, row, wanted))
        found.append((live, back))
    for live, back in found:
        live.make([one for one in back if one[2] is not None or one[0] not in theirs])
    return [row for rows in theirs.values() for row in rows]


def reach(connection: sa.Connection, changes: Sequence[RowChange]) -> None:
    """Ask for the first of the rows. Raises SQLAlchemyError."""
    for one in changes[:1]:
        _Live.reflected(connection, one.table).rows([one.id])


def _before(one: RowChange, row: Row | None, *, made: bool) -> tuple[Row | None, bool]:
    """What ``row`` has to be for ``one`` never to have been, and whether all of it could be told.
    ``made`` is whether it is as ``one`` left it, but for its secrets.
    """
    if row == one.before:
        return row, True
    if one.after is None:
        # It was taken away, and is there: somebody made another.
        return (one.before, True) if row is None else (row, False)
    if row is None:
        return None, one.before is None
    if one.before is None:
        # Another password is no other row.
        return (None, True) if made else (row, False)
    wanted = dict(row)
    whole = True
    names = {*one.before, *one.after}
    for name in (n for n in names if one.before.get(n) != one.after.get(n)):
        was = one.before.get(name)
        if row.get(name) != one.after.get(name):
            whole = whole and row.get(name) == was
        elif was is None:
            del wanted[name]
        else:
            wanted[name] = was
    return wanted, whole


def _compare(url: str, one: RowChange, row: Row | None) -> None:
    """MySQL shortens what is too long, unless it is told to be strict, and makes no word of it."""
    wanted = one.after
    if (row is None) != (wanted is None):
        raise CmpBundleError(
            "row-altered",
            f"{url}: {one.table} {one.id} {'did not stay' if wanted else 'did not go'}",
            hint="nothing was changed; look for a trigger or a rule of that table",
        )
    if row is None or wanted is None:
        return
    for name, value in wanted.items():
        if row.get(name) != value:
            raise CmpBundleError(
                "row-altered",
                f"{url}: the {name} of {one.id} in {one.table} did not stay as it was written",
                hint="nothing was changed; look at the type of that column, and its character set",
            )


def _by_table(changes: Iterable[RowChange]) -> Iterator[tuple[str, list[RowChange]]]:
    order = list(TABLES)
    chosen = sorted(changes, key=lambda one: order.index(one.table))
    return ((name, list(own)) for name, own in groupby(chosen, key=lambda one: one.table))


def _begin(connection: sa.Connection) -> None:
    """Nobody else writes the rows from here on, and nobody is waited for for ever."""
    kind = connection.dialect.name
    if kind == "sqlite":
        # Python begins a transaction with the first change only, when all is looked at.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif kind == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}s'")
    elif kind in _MYSQL:
        connection.exec_driver_sql(f"SET SESSION innodb_lock_wait_timeout = {_PATIENCE}")


@dataclass(frozen=True)
class _Live:
    """A table of a connection; ``columns`` as SQLAlchemy's inspector tells them, by small letters."""

    connection: sa.Connection
    name: str
    columns: Mapping[str, Any]

    @classmethod
    def reflected(cls, connection: sa.Connection, name: str) -> _Live:
        columns = {c["name"].lower(): c for c in sa.inspect(connection).get_columns(name)}
        return cls(connection, name, columns)

    def described(self) -> dict[str, Column]:
        return {name: _described(column) for name, column in self.columns.items()}

    def refuse_without_transactions(self, url: str) -> None:
        if self.connection.dialect.name not in _MYSQL:
            return
        options = sa.inspect(self.connection).get_table_options(self.name)
        engine = str(options.get("mysql_engine") or options.get("mariadb_engine") or "")
        if engine.lower() in _WITHOUT_TRANSACTIONS:
            raise CmpBundleError(
                "database-engine",
                f"{url}: {self.name} is a table of {engine}, which cannot undo half of a change",
                hint=f"ALTER TABLE {self.name} ENGINE=InnoDB",
            )

    def rows(self, ids: Iterable[str], *, lock: bool = False) -> dict[str, Row]:
        """Those of ``ids`` that are there, and in MySQL those that differ in case alone."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Row] = {}
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            columns = [self._column(name) for name in self.columns]
            query: sa.Select[Any] = (
                sa.select(*columns)
                .select_from(sa.table(self.name))
                .where(self._column("id").in_(chunk))
                .limit(_MOST * len(chunk))
            )
            query = query.with_for_update() if lock else query
            for values in self.connection.execute(query):
                told = zip(self.columns, map(_text, values), strict=True)
                row = {name: text for name, text in told if text is not None}
                found[row["id"]] = row
        return found

    def make(self, changes: Sequence[tuple[str, Row | None, Row | None]]) -> None:
        """Each row by its id, what it is, and what it shall be."""
        fresh = [after for _, before, after in changes if before is None and after is not None]
        for columns, group in groupby(
            sorted(fresh, key=sorted), key=lambda row: tuple(sorted(row))
        ):
            values = {self._spelled(name): self._parameter(name) for name in columns}
            insert = sa.insert(self._table(columns)).values(values)
            self.connection.execute(insert, [_parameters(row) for row in group])
        for name, before, after in changes:
            if before is None:
                continue
            if after is None:
                self._execute_for(name, sa.delete(self._table(("id",))))
                continue
            columns = tuple(n for n in {*before, *after} if before.get(n) != after.get(n))
            values = {self._spelled(n): self._parameter(n) for n in columns}
            update = sa.update(self._table(("id", *columns))).values(values)
            parameters = {_key(n): after.get(n) for n in columns}
            self._execute_for(name, update, parameters)

    def _execute_for(
        self,
        name: str,
        statement: sa.Delete | sa.Update,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        this = self._column("id") == sa.bindparam("this_id", type_=sa.String())
        self.connection.execute(statement.where(this), {"this_id": name, **(parameters or {})})

    def _spelled(self, name: str) -> str:
        """As the database has it; a name that it no longer has is its own word for what is wrong."""
        return str(self.columns[name]["name"]) if name in self.columns else name

    def _column(self, name: str) -> sa.ColumnClause[Any]:
        return sa.column(self._spelled(name))

    def _table(self, names: Iterable[str]) -> sa.TableClause:
        return sa.table(self.name, *(self._column(name) for name in names))

    def _parameter(self, name: str) -> sa.ColumnElement[Any]:
        """A value of text. PostgreSQL alone wants to be told that it is to be of another type."""
        parameter = sa.bindparam(_key(name), type_=sa.String())
        kind = self.columns[name]["type"] if name in self.columns else sa.String()
        plain = isinstance(kind, sa.String) and not isinstance(kind, sa.Enum)
        if plain or self.connection.dialect.name != "postgresql":
            return parameter
        return sa.cast(parameter, kind)


def _key(name: str) -> str:
    """A parameter's name, which is not to be a column's."""
    return f"new_{name}"


def _parameters(row: Row) -> dict[str, str]:
    return {_key(name): value for name, value in row.items()}


def _described(column: Mapping[str, Any]) -> Column:
    kind = column["type"]
    values = tuple(map(str, kind.enums)) if isinstance(kind, sa.Enum) else ()
    length = kind.length if isinstance(kind, sa.String) and not values else None
    told = str(column.get("default") or "NULL")
    literal = _LITERAL.fullmatch(told)
    default = (literal[1] or literal[2] or "").replace("''", "'") if literal else None
    numbered = column.get("autoincrement") is True or (
        column.get("primary_key") and isinstance(kind, sa.Integer)
    )
    # MySQL does not tell of a time that each change of a row sets.
    timed = isinstance(kind, sa.Date | sa.DateTime | sa.Time)
    own = numbered or timed or column.get("identity") or column.get("computed")
    filled = bool(own) or not (literal or _NOTHING.fullmatch(told))
    return Column(str(column["name"]), length, values, default, filled)


def _text(value: Any) -> str | None:
    """A value as it can be written again."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, float | Decimal) and value == value // 1:
        return str(int(value))
    return str(value)
