"""Rows of a realtime database that are written, changed or taken away, all at once, and put back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp_bundle.changes import memory
from cmp_bundle.changes import state as states
from cmp_bundle.changes.state import typed
from cmp_bundle.changes.step import Change, LeftError, NotBegunError
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.provision.remembered import Remembered, RowKey, remembered_in
from cmp_bundle.provision.rows import TABLES, RowChange
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.accounts.database import Database
    from cmp_bundle.changes.step import Service
    from cmp_bundle.files import Disk
    from cmp_bundle.provision.rows import Row


@dataclass(frozen=True)
class ProvisionedRows:
    """A step: all of ``changes``, or none. The rows' passwords are in a journal, the database's is not.

    ``file`` is what is remembered before it, and ``rows`` what shall be then, but for the rows that are
    written here: what those hold is known once they are there. The file is written before they are
    committed, so whoever undoes this knows by it which of them are ours.
    """

    database: Database
    changes: tuple[RowChange, ...]
    file: Remembered
    rows: Mapping[RowKey, str]

    @property
    def remembering(self) -> Change:
        """What becomes of the file, as far as it is known before the rows are there."""
        return self._remembering({})

    def paths(self) -> tuple[Path, ...]:
        return (self.file.path,)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "provisioned rows",
            "database": self.database.url,
            "changes": [[c.table, c.id, c.before, c.after] for c in self.changes],
            "path": str(self.file.path),
            "before": states.to_json(self.file.state, whole=True),
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
        state = states.from_json(value["before"])
        file = Remembered(Path(typed(value["path"], str)), state, memory.owner(), {})
        return cls(database, changes, file, {})

    def carry_out(self, disk: Disk, service: Service) -> None:
        from cmp_bundle.provision import database  # noqa: PLC0415 - SQLAlchemy takes its time

        disk.announce("rows", Path("ps_endpoints"))
        complete = False
        try:
            with self.database.writing() as connection:
                written = database.change(connection, self.changes, self.database.url)
                complete = True
                self._remembering(written).carry_out(disk, service)
        except CmpBundleError as error:
            if complete and not isinstance(error, NotBegunError):
                raise  # whether it was committed, nobody knows
            raise NotBegunError(error.code, error.message, hint=error.hint) from error

    def undo(self, disk: Disk, service: Service) -> None:
        from cmp_bundle.provision import database  # noqa: PLC0415

        disk.announce("rows", Path("ps_endpoints"))
        known = remembered_in(self.file.path).rows.items()
        written = {
            (k.table, k.id): sha256 for k, sha256 in known if k.database == self.database.url
        }
        with self.database.writing() as connection:
            others = database.put_back(connection, self.changes, written)
        self.remembering.undo(disk, service)
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

    def _remembering(self, written: Mapping[tuple[str, str], str]) -> Change:
        """``written`` are the digests of the rows that were written, by table and id."""
        url = self.database.url
        known = {RowKey(url, *key): sha256 for key, sha256 in written.items()}
        after = self.file.written({**self.rows, **known})
        return Change(self.file.path, self.file.state, after)


def _row(value: Any) -> Row | None:
    if value is None:
        return None
    return {typed(k, str): typed(v, str) for k, v in typed(value, dict).items()}
