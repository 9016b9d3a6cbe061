"""The databases that endpoints are provisioned into."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp_bundle.accounts.open_source import database
from cmp_bundle.changes.described import PathChange, changed_paths
from cmp_bundle.commands.account_files import database_password
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.provision.remembered import remembered
from cmp_bundle.provision.row_step import ProvisionedRows
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cmp_bundle.accounts.database import Database
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.changes.step import Step
    from cmp_bundle.commands.context import Context
    from cmp_bundle.provision.remembered import Remembered, RowKey
    from cmp_bundle.provision.rows import Tables


def wanted_database(context: Context) -> Database | None:
    """The one that the settings name, its path seen from them; None where they name none."""
    url = context.settings.provision.database
    if not url:
        return None
    opened = database(url, database_password(context))
    from cmp_bundle.accounts.database import from_anywhere  # noqa: PLC0415 - SQLAlchemy takes its time

    return replace(opened, url=from_anywhere(url, context.loaded.base("provision.database")))


def names_a_database(url: str) -> bool:
    """Whether more than its kind is told."""
    parts = urlsplit(url)
    return bool(parts.netloc or parts.path.strip("/"))


def wanted_tables(
    context: Context, accounts: Iterable[Account], remembered: Remembered
) -> Tables | None:
    """What is in the tables of that database, of ``accounts`` and of those whose rows are ours; None
    where there is no such database. Raises CmpBundleError.
    """
    opened = wanted_database(context)
    if opened is None:
        return None
    if not names_a_database(opened.url):
        raise CmpBundleError(
            "database-url",
            f"{opened.url} names no database, which is enough for --sql alone",
            hint="write mysql://USER@HOST/NAME, postgresql://USER@HOST/NAME or sqlite:////path/to/file",
        )
    return tables_of(opened, [account.id for account in accounts], remembered.rows)


def provisioned_databases(where: Installation) -> tuple[str, ...]:
    """The URLs of those that rows of ours for this server are in. Raises CmpBundleError."""
    return remembered(where.boundary.resolved(where.etc_folder)).databases


def remembered_tables(context: Context, remembered: Remembered) -> tuple[Tables, ...]:
    """What is in the tables of each database that rows of ours are in. Raises CmpBundleError."""
    password = database_password(context) if remembered.rows else ""
    found = []
    for url in remembered.databases:
        try:
            found.append(tables_of(database(url, password), (), remembered.rows))
        except CmpBundleError as error:
            gone = f"if that database is gone for good, remove {remembered.path}"
            hint = f"{error.hint}; {gone}" if error.hint else gone
            raise CmpBundleError(error.code, error.message, hint=hint, file=error.file) from error
    return tuple(found)


def tables_of(opened: Database, ids: Iterable[str], remembered: Mapping[RowKey, str]) -> Tables:
    """What is in the tables of ``ids``, and of the rows that are ours. Raises CmpBundleError."""
    from cmp_bundle.provision.database import look  # noqa: PLC0415 - SQLAlchemy

    return look(opened, ids, remembered)


def row_changes(steps: Iterable[Step]) -> Iterator[PathChange]:
    """What ``steps`` change in databases, a line for each table and each kind of change, and what is
    remembered of it.
    """
    for step in steps:
        if not isinstance(step, ProvisionedRows):
            continue
        alike: dict[tuple[str, bool, bool], list[str]] = {}
        for one in step.changes:
            key = (one.table, one.before is not None, one.after is not None)
            alike.setdefault(key, []).append(one.id)
        for (table, before, after), ids in alike.items():
            text = f"{'rows' if len(ids) > 1 else 'row'} of {some(ids)}"
            where = f"{step.database.url} {table}"
            yield PathChange(where, text if before else None, text if after else None)
        if step.remembering.before != step.remembering.after:
            yield from changed_paths([step.remembering])
