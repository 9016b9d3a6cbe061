"""Rows of a realtime database that are written, changed or taken away, all at once, and put back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp_bundle.changes.state import typed
from cmp_bundle.changes.step import LeftError, NotBegunError
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.provision.rows import TABLES, RowChange
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from cmp_bundle.accounts.database import Database
    from cmp_bundle.changes.step import Service
    from cmp_bundle.files import Disk
    from cmp_bundle.provision.rows import Row


@dataclass(frozen=True)
class ProvisionedRows:
    """A step: all of ``changes``, or none. The rows' passwords are in a journal, the database's is not."""

    database: Database
    changes: tuple[RowChange, ...]

    def paths(self) -> tuple[Path, ...]:
        return ()

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "provisioned rows",
            "database": self.database.url,
            "changes": [[c.table, c.id, c.before, c.after] for c in self.changes],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], database: Database) -> ProvisionedRows:
        """``database`` is the one that ``value`` names, with its password."""
        changes = tuple(
            RowChange(typed(table, str), typed(name, str), _row(before), _row(after))
            for table, name, before, after in value["changes"]
        )
        if not {change.table for change in changes} <= TABLES.keys():
            raise ValueError("no table of endpoints")
        return cls(database, changes)

    def carry_out(self, disk: Disk, service: Service) -> None:
        del service
        from cmp_bundle.provision import database  # noqa: PLC0415 - SQLAlchemy takes its time

        disk.announce("rows", Path("ps_endpoints"))
        complete = False
        try:
            with self.database.writing() as connection:
                database.change(connection, self.changes, self.database.url)
                complete = True
        except CmpBundleError as error:
            if complete:
                raise  # whether it was committed, nobody knows
            raise NotBegunError(error.code, error.message, hint=error.hint) from error

    def undo(self, disk: Disk, service: Service) -> None:
        del service
        from cmp_bundle.provision import database  # noqa: PLC0415

        disk.announce("rows", Path("ps_endpoints"))
        with self.database.writing() as connection:
            others = database.put_back(connection, self.changes)
        if others:
            raise LeftError(
                "left-as-is",
                f"{self.database.url}: another program has since changed"
                f" {some(others)}, so cmp-bundle does not put them back",
                hint="look at them in the database: whether anybody needs them",
            )

    def reach(self) -> None:
        """Raises CmpBundleError where the database is down, or does not let this run in."""
        from cmp_bundle.provision import database  # noqa: PLC0415

        with self.database.reading() as connection:
            database.reach(connection, self.changes)


def _row(value: Any) -> Row | None:
    if value is None:
        return None
    return {typed(k, str): typed(v, str) for k, v in typed(value, dict).items()}
