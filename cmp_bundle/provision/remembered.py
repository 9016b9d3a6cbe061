"""The rows that were provisioned, as the operator's machine remembers them, where nobody else can write.

A row in a database does not say whose it is. It is ours if it is remembered here, and still has the
content that it had when it was written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cmp_bundle.changes import memory
from cmp_bundle.changes.look import look
from cmp_bundle.changes.state import FileState, typed
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Boundary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cmp_bundle.changes.state import State
    from cmp_bundle.files import FileOwnership

FORMAT = 1


class RowKey(NamedTuple):
    """A database's URL, without a password and good in every folder; a table, and the row's id."""

    database: str
    table: str
    id: str


@dataclass(frozen=True)
class Remembered:
    """The file ``path`` as it is, and by the row the SHA-256 (hex) of its content (rows.digest)."""

    path: Path
    state: State
    owner: FileOwnership
    rows: Mapping[RowKey, str]

    @property
    def databases(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key.database for key in self.rows))

    def written(self, rows: Mapping[RowKey, str]) -> State:
        """The file for these; None where there is nothing to remember."""
        if not rows:
            return None
        document = {"format": FORMAT, "rows": [[*key, rows[key]] for key in sorted(rows)]}
        return FileState((json.dumps(document, indent=1) + "\n").encode(), self.owner)


def remembered(subject: Path) -> Remembered:
    """For the server whose configuration folder is ``subject``.

    Raises CmpBundleError where the file cannot be read or understood: what nobody knows any more
    to be ours would never be taken away.
    """
    return remembered_in(memory.folder(str(subject)) / "provisioned.json")


def remembered_in(path: Path) -> Remembered:
    """The same, of the file ``path``."""
    state = look(path, Boundary())
    if not isinstance(state, FileState):
        return Remembered(path, state, memory.owner(), {})
    try:
        document = json.loads(state.data)
        if document["format"] != FORMAT:
            raise CmpBundleError(
                "other-version",
                "was written by another version of cmp-bundle",
                file=path,
                hint="use the version that wrote it",
            )
        rows = {
            RowKey(typed(url, str), typed(table, str), typed(name, str)): typed(sha256, str)
            for url, table, name, sha256 in document["rows"]
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CmpBundleError(
            "memory-damaged",
            f"does not say which rows of a database cmp-bundle made: {error!r}",
            file=path,
            hint="put it back from a copy, or remove it: all rows are then somebody else's, and stay",
        ) from error
    return Remembered(path, state, memory.owner(), rows)
