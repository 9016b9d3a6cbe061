"""A realtime database that endpoints go into, and all that is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cmp_bundle.accounts.database import Database
from tests.testbed import realtime
from tests.testbed.databases import Realtime
from tests.unit.accounts.realtime import in_file


def empty(path: Path) -> Realtime:
    """The tables as Asterisk's migrations leave them, in a file."""
    path.touch()
    one = in_file(path)
    realtime.fill(one.engine(), {})
    return one


def database(held: Realtime) -> Database:
    return Database(held.url, held.password)


def content(held: Realtime) -> dict[str, dict[str, dict[str, Any]]]:
    """By the table, its rows by their ids, without NULLs."""
    with held.engine().connect() as connection:
        return {
            name: {
                row["id"]: {k: v for k, v in row.items() if v is not None}
                for row in connection.execute(sa.text(f"select * from {name}")).mappings()
            }
            for name in realtime.METADATA.tables
        }


def execute(held: Realtime, *statements: str) -> None:
    """What somebody else does meanwhile."""
    with held.engine().begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
