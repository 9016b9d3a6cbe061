"""The file of accounts that the settings name, and the password of its databases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.accounts import store
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files.rights import is_there

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.accounts.store import AccountFile
    from cmp_bundle.commands.context import Context

#: The password for databases, where it does not come from a file.
DATABASE_PASSWORD = "CMP_BUNDLE_DATABASE_PASSWORD"  # noqa: S105 - the name of a variable


def read(context: Context, *, new: bool = False) -> AccountFile:
    """The file of accounts; an empty one where there is none.

    Raises CmpBundleError, also where the operator named one that is not there, unless it may be
    ``new``.
    """
    named = context.loaded.origins["accounts.file"].kind != "default"
    path = store.find(context.settings.accounts.file, named=named)
    if named and not is_there(path) and not new:
        raise CmpBundleError(
            "no-file",
            "this account file does not exist",
            file=path,
            hint="create it: cmp-bundle accounts add USER; or name another: [accounts] file",
        )
    return store.read(path, allow_loose=context.allow_loose)


def named(accounts: Iterable[Account], name: str, file: AccountFile) -> Account:
    """The account called ``name``. Raises CmpBundleError."""
    for account in accounts:
        if account.id == name:
            return account
    raise CmpBundleError(
        "no-account",
        f"there is no account {name!r}",
        file=file.path,
        hint="cmp-bundle accounts list",
    )


def database_password(context: Context) -> str:
    """What the operator said; empty leaves it to the driver. Raises CmpBundleError."""
    named = context.settings.accounts.database_password_file
    if named:
        base = context.loaded.base("accounts.database_password_file")
        return store.read_password(base / Path(named).expanduser())
    return os.environ.get(DATABASE_PASSWORD, "")
