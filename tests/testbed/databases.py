"""MariaDB and PostgreSQL from Debian's packages, each in a folder of its own, and SQLite.

A server runs as a user who is nobody else, listens on a free loopback port, and is gone with
all that it held when it is no longer wanted.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from .server import free_ports

KINDS = ("sqlite", "mariadb", "postgresql")

#: Seconds that a server may take until it answers.
PATIENCE = 60.0

#: Ports are free when they are chosen, but may be taken a moment later.
_TRIES = 3

#: Debian's servers lie where only root's PATH leads.
_PATH = ":".join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))

_MARIADB_SHARE = Path("/usr/share/mysql")
_MARIADB_TABLES = (
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
)


class DatabaseError(Exception):
    """A server that did not start."""


@dataclass(frozen=True)
class Realtime:
    """A database that Asterisk may read. ``url`` holds no password; a file has none."""

    kind: str
    url: str
    host: str = ""
    port: int = 0
    user: str = "asterisk"
    name: str = "asterisk"
    password: str = field(default="", repr=False)
    path: Path | None = None

    def engine(self) -> sa.Engine:
        """For whoever fills it."""
        if self.path is not None:
            return sa.create_engine(self.url, poolclass=NullPool)
        driver = {"mariadb": "mariadb+pymysql", "postgresql": "postgresql+psycopg"}[self.kind]
        url = URL.create(driver, self.user, self.password, self.host, self.port, self.name)
        return sa.create_engine(url, poolclass=NullPool)


def why_not(kind: str) -> str | None:
    """Why there can be no database of this kind on this machine; None where there can."""
    if kind == "mariadb" and (_mariadbd() is None or not _MARIADB_SHARE.is_dir()):
        return "no MariaDB server: apt-get install mariadb-server-core"
    if kind == "postgresql" and _postgres() is None:
        return "no PostgreSQL server: apt-get install postgresql"
    return None


@contextlib.contextmanager
def running(kind: str) -> Iterator[Realtime]:
    """A database of this kind, empty, for as long as the block runs. Raises DatabaseError."""
    with tempfile.TemporaryDirectory(prefix=f"cmp-bundle-{kind}-") as name:
        folder = Path(name)
        if kind == "sqlite":
            path = folder / "realtime.sqlite3"
            path.touch()
            yield Realtime(kind, f"sqlite:///{path}", path=path)
            return
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        with (_mariadb if kind == "mariadb" else _postgresql)(folder) as server:
            yield server


@contextlib.contextmanager
def _mariadb(folder: Path) -> Iterator[Realtime]:
    password = secrets.token_urlsafe(12)
    data = folder / "data"
    program = [str(_mariadbd()), "--no-defaults", f"--datadir={data}", "--skip-name-resolve"]
    _run(["mkdir", str(data)], folder)
    # What mariadb-install-db does, which takes programs of other packages.
    tables = "".join((_MARIADB_SHARE / name).read_text() for name in _MARIADB_TABLES)
    account = (
        "flush privileges;\n"
        "create database asterisk character set utf8mb4;\n"
        f"create user asterisk@'%' identified by '{password}';\n"
        "grant all on asterisk.* to asterisk@'%';\n"
        f"create user reader@'%' identified by '{password}';\n"
        "grant select on asterisk.* to reader@'%';\n"
    )
    statements = f"create database mysql;\nuse mysql;\n{tables}\n{account}"
    _run([*program, "--bootstrap"], folder, statements)

    def command(port: int) -> list[str]:
        return [
            *program,
            f"--socket={folder}/socket",
            f"--pid-file={folder}/pid",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            "--innodb-flush-log-at-trx-commit=0",
        ]

    with _serving("mariadb", folder, command, password) as server:
        yield server


@contextlib.contextmanager
def _postgresql(folder: Path) -> Iterator[Realtime]:
    password = secrets.token_urlsafe(12)
    programs = _postgres()
    assert programs is not None
    data = folder / "data"
    secret = folder / "password"
    secret.write_text(password)
    if os.geteuid() == 0:
        shutil.chown(secret, "nobody", "nogroup")
    _run(
        [
            str(programs / "initdb"),
            f"--pgdata={data}",
            "--username=asterisk",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ],
        folder,
    )

    def command(port: int) -> list[str]:
        return [
            str(programs / "postgres"),
            *("-D", str(data), "-k", str(folder), "-p", str(port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
        ]

    with _serving("postgresql", folder, command, password, "postgres") as server:
        with server.engine().connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(sa.text("create database asterisk"))
        yield replace(server, name="asterisk", url=_url(server, "asterisk"))


@contextlib.contextmanager
def _serving(
    kind: str,
    folder: Path,
    command: Callable[[int], list[str]],
    password: str,
    name: str = "asterisk",
) -> Iterator[Realtime]:
    output = ""
    for _ in range(_TRIES):
        [port] = free_ports(1)
        server = Realtime(kind, "", "127.0.0.1", port, name=name, password=password)
        server = replace(server, url=_url(server, name))
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command(port), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, **_nobody(),
            )  # fmt: skip
        try:
            if _answers(server, process):
                yield server
                return
        finally:
            _stop(process)
        output = (folder / "log").read_text(errors="replace")
    raise DatabaseError(f"{kind} did not start: {output}")


def _answers(server: Realtime, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            server.engine().connect().close()
        except SQLAlchemyError:
            time.sleep(0.05)
        else:
            return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    # SIGKILL alone would leave PostgreSQL's shared memory behind.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _url(server: Realtime, name: str) -> str:
    return f"{server.kind}://{server.user}@{server.host}:{server.port}/{name}"


def _run(command: list[str], folder: Path, text: str = "") -> None:
    done = subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, check=False, **_nobody()
    )
    if done.returncode:
        raise DatabaseError(f"{' '.join(command)}: {done.stdout}{done.stderr}")


def _nobody() -> dict[str, Any]:
    """What starts a program as nobody: neither server runs as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


def _mariadbd() -> str | None:
    return shutil.which("mariadbd", path=_PATH)


def _postgres() -> Path | None:
    """The folder of the newest PostgreSQL's programs; Debian keeps each version's apart."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3])
    )
    return found[-1].parent if found else None
