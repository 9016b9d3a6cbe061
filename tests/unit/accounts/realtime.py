"""A small realtime database in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.database_source import DatabaseSource
from tests.testbed import realtime
from tests.testbed.databases import Realtime

ENDPOINT = {"webrtc": "yes", "max_video_streams": 4}


def filled(path: Path, *names: str, **auths: dict[str, Any]) -> DatabaseSource:
    """A database with a phone for each of ``names``, whose password is ``of-NAME``.

    ``auths`` are more of the phones, by name, with what is special about their auths.
    """
    path.touch()
    fill(in_file(path), *names, **auths)
    return DatabaseSource(Database(f"sqlite:///{path}"))


def in_file(path: Path) -> Realtime:
    return Realtime("sqlite", f"sqlite:///{path}", path=path)


def fill(database: Realtime, *names: str, **auths: dict[str, Any]) -> None:
    """The same in any database."""
    rows: dict[str, dict[str, Any]] = {name: {"password": f"of-{name}"} for name in names} | auths
    realtime.fill(
        database.engine(),
        {
            "ps_endpoints": [ENDPOINT | {"id": name, "auth": name} for name in rows],
            "ps_auths": [
                {"id": n, "username": n, "auth_type": "userpass"} | a for n, a in rows.items()
            ],
        },
    )


def execute(path: Path, *statements: str) -> None:
    """Run SQL in a database in a file."""
    with sa.create_engine(f"sqlite:///{path}").begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    connection.engine.dispose()


def passwords(path: Path) -> dict[str, str | None]:
    """What the database holds, digests where there are such."""
    with sa.create_engine(f"sqlite:///{path}").connect() as connection:
        query = sa.select(
            realtime.AUTHS.c.id,
            sa.func.coalesce(realtime.AUTHS.c.md5_cred, realtime.AUTHS.c.password),
        )
        found = {row[0]: row[1] for row in connection.execute(query)}
    connection.engine.dispose()
    return found
