"""The endpoints in a realtime database's ``ps_*`` tables, as Asterisk's drivers hand them over.

After res_config_sqlite3.c, res_config_odbc.c and res_config_pgsql.c. Tables may be older than
webrtc, digests or the limit of pictures: what has no column is left out.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cmp_bundle.accounts.endpoint import Auth, Endpoints, Option, aor, auth, endpoint, last
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.lines import BLANKS
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.places import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_COLUMNS = {
    "ps_endpoints": (
        "id",
        "transport",
        "aors",
        "auth",
        "callerid",
        "context",
        "webrtc",
        "media_encryption",
        "dtls_auto_generate_cert",
        "dtls_cert_file",
        "ice_support",
        "rtcp_mux",
        "bundle",
        "max_video_streams",
    ),
    "ps_auths": (
        "id",
        "auth_type",
        "username",
        "password",
        "md5_cred",
        "password_digest",
        "realm",
        "supported_algorithms_uas",
    ),
}

#: Tables that are read where they are and may be read.
_MORE = {"ps_aors": ("id", "max_contacts"), "ps_transports": ("id", "protocol")}

#: Rows that are held at a time while a table is read.
_CHUNK = 1000

#: Where no more follows a ^, the drivers read on behind the end of the value. In small letters it
#: is decoded by the driver for PostgreSQL, and not by that for ODBC, by which both can be read.
_BEHIND_THE_END = r"\^[0-9A-F]?\s*(?:;|\Z)"
_UNCLEAR = {
    "mysql": re.compile(_BEHIND_THE_END),
    "mariadb": re.compile(_BEHIND_THE_END),
    "postgresql": re.compile(
        rf"{_BEHIND_THE_END}|\^(?:[a-f][0-9A-Fa-f]|[0-9A-F][a-f]|[a-f]\s*(?:;|\Z))"
    ),
}

_ENCODED = re.compile(rb"\^([0-9A-F]{2})")


def found(connection: sa.Connection, url: str) -> Endpoints:
    """What the tables hold. ``url`` is what places call the database.

    Raises CmpBundleError where it has no such tables, and SQLAlchemyError.
    """
    require(connection, url, _COLUMNS)
    inspector = sa.inspect(connection)
    auths = {
        row.id: _unless_unclear(auth(row.id, options), unclear)
        for row, options, unclear in _rows(connection, inspector, "ps_auths", url)
    }
    # MySQL compares without case, so that an endpoint finds its auth in spite of it.
    fold = str.lower if connection.dialect.name in ("mysql", "mariadb") else str
    names = {fold(name): name for name in auths}
    endpoints = {}
    for row, options, _ in _rows(connection, inspector, "ps_endpoints", url):
        phone = endpoint(row.id, options, row)
        auth_names = tuple(names.get(fold(name), name) for name in phone.auths)
        endpoints[row.id] = replace(phone, auths=auth_names)
    more = {table: _if_allowed(connection, inspector, table, url) for table in _MORE}
    aors, transports = more["ps_aors"], more["ps_transports"]
    return Endpoints(
        endpoints,
        auths,
        {row.id: _protocol(options) for row, options in transports} if transports else None,
        aors=None if aors is None else {row.id: aor(row.id, o, row) for row, o in aors},
    )


def _if_allowed(
    connection: sa.Connection, inspector: sa.Inspector, table: str, url: str
) -> list[tuple[Row, tuple[Option, ...]]] | None:
    """None where there is no such table, or one that this user may not read: nobody needs it for
    passwords.
    """
    if table not in (*inspector.get_table_names(), *inspector.get_view_names()):
        return None
    try:
        # PostgreSQL does nothing more in a transaction in which something was refused.
        with connection.begin_nested():
            return [(row, options) for row, options, _ in _rows(connection, inspector, table, url)]
    except sa.exc.ProgrammingError:
        return None


def _protocol(options: Iterable[Option]) -> str:
    found = last(options, "protocol")
    return folded(found.value) if found else "udp"


def require(connection: sa.Connection, url: str, names: Iterable[str]) -> None:
    """Raises CmpBundleError where the database lacks one of these tables."""
    inspector = sa.inspect(connection)
    tables = {*inspector.get_table_names(), *inspector.get_view_names()}
    missing = [table for table in names if table not in tables]
    if missing:
        raise CmpBundleError(
            "database-tables",
            f"{url} has no table {' and no '.join(missing)}",
            hint="create the realtime tables with Asterisk's contrib/ast-db-manage",
        )


def _unless_unclear(found: Auth, column: str) -> Auth:
    if not column:
        return found
    text = f"its {column} contains a ^ that Asterisk's drivers decode as something else"
    return replace(found, unusable=found.unusable or text)


def column(connection: sa.Connection, table: str, name: str) -> dict[str, str]:
    """One column of a table by id, as the database holds it."""
    names = {each["name"].lower() for each in sa.inspect(connection).get_columns(table)}
    if name not in names:
        return {}
    return {_text(row[0]): _text(row[1]) for row in _read(connection, table, ("id", name))}


def _rows(
    connection: sa.Connection, inspector: sa.Inspector, table: str, url: str
) -> Iterator[tuple[Row, tuple[Option, ...], str]]:
    """Each row, its columns as sorcery gets them, and one of which nobody knows what it gets."""
    known = {column["name"].lower(): column["name"] for column in inspector.get_columns(table)}
    columns = {name: known[name] for name in (_COLUMNS | _MORE)[table] if name in known}
    unclear = _UNCLEAR.get(connection.dialect.name)
    for values in _read(connection, table, columns.values()):
        cells = dict(zip(columns, values, strict=True))
        where = Row(url, table, _text(cells.pop("id")))
        broken = (name for name, value in cells.items() if unclear and unclear.search(_text(value)))
        options = tuple(_options(cells, where, cut=unclear is not None))
        yield where, options, next(broken, "")


def _read(connection: sa.Connection, table: str, names: Iterable[str]) -> Iterable[Sequence[Any]]:
    columns: list[sa.ColumnElement[Any]] = [sa.column(name) for name in names]
    query = sa.select(*columns).select_from(sa.table(table))
    return connection.execute(query.execution_options(yield_per=_CHUNK))


def _options(cells: Mapping[str, Any], where: Row, *, cut: bool) -> Iterator[Option]:
    """Nothing of NULL and of nothing.

    The drivers for ODBC and PostgreSQL cut a value at semicolons, take the blanks off its end,
    though not off its beginning, and decode ``^3B``. That for SQLite does nothing of it, and what
    is but one space comes to be empty (``ast_load_realtime_fields`` of main/config.c).
    """
    for name, value in cells.items():
        text = _text(value)
        if not cut and text:
            yield Option(name, "" if text == " " else text, where)
        elif cut:
            parts = (part.rstrip(BLANKS) for part in text.split(";"))
            yield from (Option(name, _decoded(part), where) for part in parts if part)


def _decoded(part: str) -> str:
    if "^" not in part:
        return part
    raw = part.encode("utf-8", "surrogateescape")
    return _ENCODED.sub(lambda m: bytes([int(m[1], 16)]), raw).decode("utf-8", "surrogateescape")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)
