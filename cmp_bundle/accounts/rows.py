"""Passwords in the tables of a database, changed in one transaction, and put back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cmp_bundle.accounts.database import Database, from_anywhere
from cmp_bundle.changes.state import typed
from cmp_bundle.changes.step import LeftError, NotBegunError
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from cmp_bundle.changes.step import Service
    from cmp_bundle.files import Disk


@dataclass(frozen=True)
class Value:
    """A column of a row of ``ps_auths``, its value, and the one that it shall have."""

    id: str
    column: str
    before: str = field(repr=False)
    after: str = field(repr=False)


@dataclass(frozen=True)
class Rows:
    """A step: all these values, or none."""

    database: Database
    values: tuple[Value, ...]

    def paths(self) -> tuple[Path, ...]:
        return ()

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "rows",
            "database": from_anywhere(self.database.url),
            "values": [[v.id, v.column, v.before, v.after] for v in self.values],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], database: Database) -> Rows:
        """``database`` is the one that ``value`` names, with its password; no journal holds that."""
        values = tuple(Value(*(typed(part, str) for part in row)) for row in value["values"])
        if not {v.column for v in values} <= {"password", "md5_cred"}:
            raise ValueError("no column of passwords")
        return cls(database, values)

    def carry_out(self, disk: Disk, service: Service) -> None:
        del service
        disk.announce("rows", Path("ps_auths"))
        with self.database.writing() as connection:
            for value in self.values:
                if not _set(connection, value, value.before, value.after):
                    # The transaction ends here, and with it all that was changed in it.
                    raise NotBegunError(
                        "file-changed",
                        f"{self.database.url}: the password of {value.id} in ps_auths"
                        " was changed by somebody else at the same time",
                        hint="cmp-bundle changed nothing; run it again",
                    )

    def undo(self, disk: Disk, service: Service) -> None:
        del service
        disk.announce("rows", Path("ps_auths"))
        with self.database.writing() as connection:
            # They were changed all at once or not at all; somebody may have gone on since.
            others = [
                value.id
                for value in self.values
                if not _set(connection, value, value.after, value.before)
                and _now(connection, value) != value.before
            ]
        if others:
            raise LeftError(
                "left-as-is",
                f"{self.database.url}: another program has since changed the passwords of"
                f" {some(others)} in ps_auths, so cmp-bundle does not change them back",
                hint="check them, or give these accounts new ones: cmp-bundle accounts rotate",
            )

    def reach(self) -> None:
        """Raises CmpBundleError where the database is down, or does not let this run in."""
        with self.database.reading() as connection:
            for value in self.values[:1]:
                _now(connection, value)


def _set(connection: sa.Connection, value: Value, before: str, after: str) -> bool:
    statement = (
        sa.update(_table(value))
        .where(sa.column("id") == value.id, sa.column(value.column) == before)
        .values({value.column: after})
    )
    return bool(connection.execute(statement).rowcount == 1)


def _now(connection: sa.Connection, value: Value) -> str | None:
    statement: sa.Select[Any] = (
        sa.select(sa.column(value.column))
        .select_from(_table(value))
        .where(sa.column("id") == value.id)
    )
    found: str | None = connection.execute(statement).scalar()
    return found


def _table(value: Value) -> sa.TableClause:
    return sa.table("ps_auths", sa.column("id"), sa.column(value.column))
