"""An account's endpoint, aor and auth as rows of a realtime database. Values in, values out.

They hold what ``pjsip`` puts into a file, in the words that the tables' types have: Asterisk's own
migrations (contrib/ast-db-manage) allow no ``timers=always``, for which ``forced`` is another word.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from cmp_bundle.accounts.model import Account
from cmp_bundle.findings import finding
from cmp_bundle.places import Row as RowPlace
from cmp_bundle.provision import pjsip
from cmp_bundle.provision.pjsip import Phones

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp_bundle.accounts.database import Database
    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.findings import Finding

#: The tables, each with the kind of objects in it.
TABLES = {"ps_endpoints": "endpoint", "ps_aors": "aor", "ps_auths": "auth"}
ENDPOINTS = "ps_endpoints"

#: What a password is in. Somebody may give a phone another one, and the row is still ours.
SECRETS = frozenset({"password", "md5_cred", "password_digest"})

#: Columns without which no phone works.
_NEEDED = {
    "ps_endpoints": ("id", "aors", "auth", "context", "webrtc", "allow"),
    "ps_aors": ("id", "max_contacts"),
    "ps_auths": ("id", "auth_type", "username"),
}

#: What the tables have of all Asterisks from 16 on, and how much each column takes at the least.
_EVERYWHERE = {
    "ps_endpoints": {
        "id": 40,
        "aors": 200,
        "auth": 40,
        "context": 40,
        "disallow": 200,
        "allow": 200,
        "callerid": 40,
        **dict.fromkeys(("webrtc", "direct_media", "dtmf_mode", "timers", "timers_sess_expires")),
        **dict.fromkeys(("max_audio_streams", "max_video_streams")),
    },
    "ps_aors": {
        "id": 40,
        **dict.fromkeys(("max_contacts", "remove_existing", "qualify_frequency")),
        **dict.fromkeys(("default_expiration", "minimum_expiration", "maximum_expiration")),
        "qualify_timeout": None,
    },
    "ps_auths": {
        "id": 40,
        "auth_type": None,
        "username": 40,
        "password": 80,
        "md5_cred": 40,
        "realm": 40,
    },
}

#: What a phone comes to miss without a column, where it is more than that a default counts.
_MISSED = {
    "max_video_streams": "a call has one picture",
    "direct_media": "sound may be sent past Asterisk, where it does not arrive",
    "timers": "the call of a browser that was closed may never end",
    "remove_existing": "a phone that comes back too often is refused",
    "remove_unavailable": "a phone that is gone keeps its place for a while",
}
_UPGRADE = "in Asterisk's contrib/ast-db-manage: alembic -c config.ini upgrade head"

#: Numbers of an aor that are Asterisk's defaults, and that its driver for SQLite has to be told: where it
#: reads many rows, NULL is an empty text to it, which is no number, and the aor is not there. Asterisk
#: then does not know it beforehand, and reads all endpoints for its first phone.
_TOLD = {
    "default_expiration": "3600",
    "minimum_expiration": "60",
    "maximum_expiration": "7200",
    "qualify_timeout": "3",
}

#: What a value is in a row, where it is not what it is in a file.
_WORDS = {("timers", "always"): "forced"}

#: A row without its NULLs: values as text, by the names of columns in small letters.
Row = Mapping[str, str]


@dataclass(frozen=True)
class Column:
    """``name`` as the database has it; ``length`` in characters, None where there is no limit;
    ``values`` are all that it takes, empty for any; ``default`` is what the database puts into it where
    nothing else is said, and ``filled`` whether that is something that nobody knows beforehand (a
    number, a time).
    """

    name: str
    length: int | None = None
    values: tuple[str, ...] = ()
    default: str | None = None
    filled: bool = False


@dataclass(frozen=True)
class Table:
    """``columns`` by their names in small letters, ``rows`` by their ids: those that were asked for."""

    columns: Mapping[str, Column]
    rows: Mapping[str, Row] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Tables:
    """What was found in ``database``. ``folds`` is whether it takes ids for the same that differ in
    case alone. Where there are others' endpoints among those asked for, ``endpoints`` are all that
    there are, and ``deletes`` is whether we may take rows away.
    """

    database: Database
    tables: Mapping[str, Table]
    folds: bool = False
    endpoints: Endpoints | None = None
    deletes: bool = False

    @property
    def url(self) -> str:
        return self.database.url

    def place(self, table: str, name: str) -> RowPlace:
        return RowPlace(self.url, table, name)


def everywhere(database: Database) -> Tables:
    """Tables as all Asterisks from 16 on have them, without a look at those of ``database``."""
    tables = {
        table: Table({name: Column(name, length) for name, length in columns.items()})
        for table, columns in _EVERYWHERE.items()
    }
    return Tables(database, tables)


@dataclass(frozen=True)
class RowChange:
    """The row ``id`` of ``table`` is ``before`` and shall be ``after``; None is no row."""

    table: str
    id: str
    before: Row | None = field(repr=False)
    after: Row | None = field(repr=False)


def encoded(text: str) -> str:
    """A value for Asterisk's drivers that cut at semicolons (ODBC, MySQL and PostgreSQL)."""
    return text.replace("^", "^5E").replace(";", "^3B")


def rows(
    account: Account, phones: Phones, tables: Mapping[str, Table], *, coded: bool
) -> dict[str, Row]:
    """By the table, what the account's rows shall hold, as far as there are columns for it. Columns that
    we may write, and have nothing for, have their default.

    ``coded`` is whether Asterisk reads them through a driver that cuts at semicolons: all do but that
    for SQLite.
    """
    result: dict[str, Row] = {}
    for name, values in _values(account, phones).items():
        columns = tables[name].columns
        if "callerid" in values and "callerid" in columns:
            values["callerid"] = _caller_id(account, columns["callerid"].length, coded=coded)
        unsaid = {
            column: columns[column].default
            for column in ours(name) & columns.keys() - values.keys()
        }
        result[name] = {
            column: encoded(value) if coded else value
            for column, value in values.items()
            if column in columns
        } | {column: default for column, default in unsaid.items() if default is not None}
    if not coded:
        result["ps_aors"] = {**result["ps_aors"], **_told(tables["ps_aors"].columns)}
    return result


def _told(columns: Mapping[str, Column]) -> Row:
    """What an aor's row has to say besides; what the database puts there itself is as good."""
    return {
        name: columns[name].default or number for name, number in _TOLD.items() if name in columns
    }


def _values(account: Account, phones: Phones) -> dict[str, dict[str, str]]:
    """All values of each table, whatever columns there are."""
    result = {}
    for table, options in zip(TABLES, pjsip.options(account, phones), strict=True):
        words = {name: _WORDS.get((name, value), value) for name, value in options.items()}
        del words["type"]
        result[table] = {"id": account.id} | words
    return result


def _caller_id(account: Account, length: int | None, *, coded: bool) -> str:
    """As a file has it, and the name cut where the column is too short for all of it."""
    name = account.display_name or account.id
    text = pjsip.caller_id(account)
    while length and len(encoded(text) if coded else text) > length and len(name) > 1:
        name = name[:-1]
        text = pjsip.caller_id(replace(account, display_name=name))
    return text


@cache
def ours(table: str) -> frozenset[str]:
    """The columns of a table that we may write, or make empty."""
    phones = Phones("", (), remove_unavailable=True)
    samples = (Account("a", password="b"), Account("a", ha1="b", realm="c"))  # noqa: S106
    both = (_values(account, phones)[table] for account in samples)
    return frozenset().union(*both, SECRETS if table == "ps_auths" else ())


def merged(before: Row | None, goal: Row, table: str) -> Row:
    """``goal``, with what stands in columns of ``before`` that are not ours."""
    kept = {name: value for name, value in (before or {}).items() if name not in ours(table)}
    return {**goal, **kept}


def digest(row: Row, table: str, columns: Mapping[str, Column]) -> str:
    """The SHA-256 (hex) of a row but for its secrets, and for what the database filled in itself."""
    told = sorted(
        (name, value)
        for name, value in row.items()
        if value
        and name not in SECRETS
        and (name in ours(table) or name not in columns or not _filled(columns[name], value))
    )
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _filled(column: Column, value: str) -> bool:
    return column.filled or value == column.default


def lacking(accounts: Iterable[Account], found: Tables) -> Iterator[Finding]:
    """The columns without which a phone of one of ``accounts`` would not work."""
    secrets = {"password" for a in accounts if a.password}
    secrets |= {name for a in accounts if a.ha1 for name in ("md5_cred", "realm")}
    for table, needed in _NEEDED.items():
        wanted = (*needed, *(sorted(secrets) if table == "ps_auths" else ()))
        missing = [name for name in wanted if name not in found.tables[table].columns]
        if missing:
            text = f"{table} has no column {' and no '.join(missing)}, so no phone would work"
            yield finding("database-columns", f"{found.url}: {text}", None, _UPGRADE)


def left_out(accounts: Iterable[Account], phones: Phones, found: Tables) -> Iterator[str]:
    """Sentences on what has no column."""
    missing: dict[tuple[str, str], None] = {}
    for account in accounts:
        for table, values in _values(account, phones).items():
            there = found.tables[table].columns
            missing |= dict.fromkeys((table, name) for name in values if name not in there)
    for table, name in missing:
        so = _MISSED.get(name, "Asterisk's default counts")
        yield f"{name} has no column in {table}, so {so}; {_UPGRADE}"


def misfits(row: Row, table: str, found: Tables) -> Iterator[Finding]:
    """Values of ``row`` that its columns do not take. None of them is shown: it may be a secret."""
    for name, value in row.items():
        column = found.tables[table].columns[name]
        where = found.place(table, row["id"])
        if column.length is not None and len(value) > column.length:
            text = (
                f"its {name} is {len(value)} characters long, but the column takes {column.length}"
            )
            hint = f"make it shorter, or the column longer: {_UPGRADE}"
            yield finding("database-value", text, where, hint, row["id"])
        elif column.values and value not in column.values:
            text = f"its {name} would be {value}, but the column takes {', '.join(column.values)}"
            yield finding("database-value", text, where, _UPGRADE, row["id"])
