"""From an account's ``source`` to what is behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cmp_bundle.accounts import source_name
from cmp_bundle.accounts.conf_source import ConfSource
from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.accounts.source import AccountSource


@dataclass(frozen=True)
class Opener:
    """Opens sources by name.

    ``folder`` is where relative paths start, ``asterisk`` the configuration of the Asterisk
    there is, if any, ``database_password`` what its databases ask for, and ``realm`` what its
    challenges say, where that is known.
    """

    folder: Path
    asterisk: ConfFolder | None = None
    database_password: str = field(default="", repr=False)
    realm: str = ""

    def __call__(self, name: str) -> AccountSource:
        """Raises CmpBundleError where it cannot even be looked for."""
        if source_name.is_database(name):
            # SQLAlchemy takes a quarter of a second to import.
            from cmp_bundle.accounts.database import Database  # noqa: PLC0415
            from cmp_bundle.accounts.database_source import DatabaseSource  # noqa: PLC0415

            return DatabaseSource(Database(name, self.database_password), self.realm)
        if "/" in name:
            path = (self.folder / name).absolute()
            return ConfSource(name, ConfFolder(path.parent), path.name)
        if self.asterisk is None:
            raise CmpBundleError(
                "no-asterisk",
                f"accounts come from {name}, and no Asterisk was found on this machine",
                hint="name its folder: [asterisk] etc_dir, or --asterisk-etc-dir",
            )
        return ConfSource(name, self.asterisk, name)
