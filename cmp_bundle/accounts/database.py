"""Connecting to a realtime database through SQLAlchemy, and saying what went wrong.

No message holds a password: neither the one to connect with, nor those in the tables.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files.rights import is_there
from cmp_bundle.settings import database_url

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The driver for each kind of database where the URL names none.
_DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgresql": "postgresql+psycopg",
    "sqlite": "sqlite",
}

#: Seconds to wait for a server that does not answer, and for an answer of one that did; a row that
#: somebody else holds takes most of a minute.
_PATIENCE = 10
_ANSWERING = 60

#: Drivers for PostgreSQL that its own library is behind, and its words for TLS with a certificate
#: that is checked.
_LIBPQ = ("psycopg", "psycopg2")
_CHECKED = ("verify-ca", "verify-full")

_MYSQL_TLS = (
    "check its certificate: add ?ssl_ca=/path/to/ca.pem to the URL; or, on this machine, use its"
    " socket: ?unix_socket=/run/mysqld/mysqld.sock"
)
_TLS = {
    "mysql": _MYSQL_TLS,
    "mariadb": _MYSQL_TLS,
    "postgresql": "check its certificate: add ?sslmode=verify-full to the URL; or configure"
    " scram-sha-256 (pg_hba.conf)",
}

_ANSWER = (
    "set the password with --database-password-file, CMP_BUNDLE_DATABASE_PASSWORD,"
    " or a file of the driver, such as ~/.pgpass"
)

#: Where the user is the right one, and may not do that.
_GRANT = (
    "whoever looks after the database has to GRANT this user SELECT on the ps_* tables, and for"
    " provision INSERT, UPDATE and DELETE; or: cmp-bundle provision --sql FILE"
)


@dataclass(frozen=True)
class Database:
    """The database at ``url``, which holds no password. ``password`` is for its user."""

    url: str
    password: str = field(default="", repr=False)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that can change nothing. Raises CmpBundleError."""
        engine = self._engine(writing=False)
        if engine.dialect.name in ("mysql", "mariadb"):
            sa.event.listen(engine, "connect", _read_only)
        with self._connected(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.execution_options(postgresql_readonly=True)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A connection in a transaction, which is undone where the block raises."""
        with self._connected(self._engine(writing=True)) as connection, connection.begin():
            yield connection

    @contextmanager
    def _connected(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        try:
            connection = engine.connect()
        except (SQLAlchemyError, OSError, RuntimeError, TypeError, ValueError) as error:
            # What the URL says behind its question mark goes to the driver as it is.
            raise self._problem(error) from None
        try:
            with connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._problem(error) from None

    def _engine(self, *, writing: bool) -> sa.Engine:
        problem = database_url.problem(self.url)
        if problem:
            # The URL is not repeated: it may hold a password.
            raise CmpBundleError(
                "database-url",
                f"the URL of the database {problem}",
                hint="write mysql://USER@HOST/NAME; put the password into a file:"
                " --database-password-file FILE",
            )
        try:
            url = make_url(self.url)
            if "+" not in url.drivername:
                url = url.set(drivername=_DRIVERS[url.drivername])
            if url.get_backend_name() == "sqlite":
                url = _file(url, writing=writing)
            elif self.password:
                url = url.set(password=self.password)
            # hide_parameters: SQLAlchemy's messages would repeat the values of a statement.
            engine = sa.create_engine(
                url, hide_parameters=True, poolclass=NullPool, connect_args=_ways(url)
            )
        except ImportError as error:
            raise _no_driver(self.url, error) from None
        except (ArgumentError, NoSuchModuleError, ValueError):
            raise CmpBundleError(
                "database-url",
                f"{self.url} is not a database URL",
                hint="write mysql://USER@HOST/NAME, postgresql://USER@HOST/NAME or"
                " sqlite:////path/to/file",
            ) from None
        if engine.driver == "pymysql":
            sa.event.listen(engine, "do_connect", _careful)
        return engine

    def _problem(self, error: Exception) -> CmpBundleError:
        """What went wrong, in one sentence."""
        cause = getattr(error, "orig", None) or error
        text = str(cause.args[-1]) if cause.args else ""
        first = next((line.strip() for line in text.splitlines() if line.strip()), "")
        first = first or type(cause).__name__
        if self.password:
            first = first.replace(self.password, "…")
        refused = any(word in first.lower() for word in ("password", "denied", "authenti"))
        hint = _ANSWER if refused else None
        if re.search(r"permission denied for|command denied to user", first):
            hint = _GRANT
        if "asked for the password itself" in first or "authentication method requirement" in first:
            hint = _TLS[make_url(self.url).get_backend_name()]
        return CmpBundleError("database-error", f"{self.url}: {first}", hint=hint)


def from_anywhere(url: str, folder: Path | None = None) -> str:
    """The same URL, a relative path in it seen from ``folder``, or from the current one: the run that
    comes back to it may be started elsewhere.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return url
    path = (folder or Path()).absolute() / parsed.database
    return parsed.set(database=str(path)).render_as_string(hide_password=False)


def _no_driver(url: str, error: ImportError) -> CmpBundleError:
    """The extra brings the drivers that are used where the URL names none, and no others."""
    scheme = url.partition("://")[0]
    ours = "+" not in scheme or scheme in _DRIVERS.values()
    # A driver that is there, but not the library below it, names no module.
    return CmpBundleError(
        "database-driver",
        f"the driver for {url} is not installed: {error.name or str(error).splitlines()[0]}",
        hint="pip install 'cmp-bundle[database]'"
        if ours
        else f"install it, or leave out the driver: {url.replace(scheme, database_url.kind(url), 1)}",
    )


def _file(url: URL, *, writing: bool) -> URL:
    """SQLite's own URL for a file that has to be there already."""
    path = Path(url.database or "").absolute()
    if not url.database or not is_there(path):
        raise CmpBundleError("no-file", "this database does not exist", file=path)
    query = {"uri": "true", "mode": "rw" if writing else "ro"}
    return url.set(database=f"file:{quote(str(path))}", query=query)


def _ways(url: URL) -> dict[str, Any]:
    """What a driver is told besides the URL. What the URL says itself, somebody has meant."""
    if url.get_backend_name() == "sqlite":
        return {}
    ways: dict[str, Any] = {}
    if "connect_timeout" not in url.query:
        ways["connect_timeout"] = _PATIENCE
    if url.get_driver_name() == "pymysql":
        # A server may answer any question by asking for a file of this machine.
        ways["local_infile"] = False
        # Once there is a connection, it would wait for ever, also for the greeting.
        ways |= {n: _ANSWERING for n in ("read_timeout", "write_timeout") if n not in url.query}
    checked = url.query.get("sslmode") in _CHECKED
    if url.get_driver_name() in _LIBPQ and not checked and "require_auth" not in url.query:
        # The server says whether it wants the password itself, whoever it is.
        ways["require_auth"] = "!password"
    return ways


def _careful(_dialect: object, _record: object, args: list[Any], how: dict[str, Any]) -> Any:
    from cmp_bundle.accounts.mysql import CarefulConnection  # noqa: PLC0415 - where it is installed

    return CarefulConnection(*args, **how)


def _read_only(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("SET SESSION TRANSACTION READ ONLY")
    cursor.close()
