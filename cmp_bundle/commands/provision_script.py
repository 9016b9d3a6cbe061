"""The use case of a database that somebody else looks after: the rows of endpoints as a script of SQL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cmp_bundle.changes import memory
from cmp_bundle.commands import server
from cmp_bundle.commands.account_files import read
from cmp_bundle.commands.context import with_notes
from cmp_bundle.commands.loaded_accounts import completed
from cmp_bundle.commands.provisioned_rows import names_a_database, tables_of, wanted_database
from cmp_bundle.commands.provisioning import Provisioned
from cmp_bundle.errors import CmpBundleError, file_exists, refuse
from cmp_bundle.files import Disk
from cmp_bundle.files.rights import is_there
from cmp_bundle.provision import row_plan
from cmp_bundle.provision.plan import phones
from cmp_bundle.provision.realtime import coded, realtime
from cmp_bundle.provision.rows import everywhere
from cmp_bundle.provision.survey import Abilities, abilities
from cmp_bundle.provision.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from cmp_bundle.accounts.database import Database
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.commands.context import Context
    from cmp_bundle.provision.rows import Tables


@with_notes
def provision_script(
    context: Context, path: Path, users: Sequence[str] | None = None
) -> Provisioned:
    """Write the rows that ``provision`` would write into the database of the settings to ``path``
    instead, as SQL. Nothing is changed but that file, which is for its owner alone.

    ``users`` are the accounts that it is for, all without it. The tables are looked at if the
    database can be reached; else the columns are those that the tables of all versions have.
    """
    database = wanted_database(context)
    if database is None:
        raise CmpBundleError(
            "options-conflict",
            "--sql needs to know what kind of database it is for",
            hint="--database mysql://, postgresql:// or sqlite://, with the rest of its URL if it can"
            " be reached from here",
        )
    if is_there(path):
        raise file_exists(path, "name another file, or remove this one: it holds passwords")
    file = read(context)
    if users is not None:
        refuse(file.unknown(users), "nothing was written")
    file = completed(context, file)
    wanted = Wanted(
        everyone=file.accounts,
        settings=context.settings.provision,
        chosen=None if users is None else frozenset(users),
    )
    tables = _tables(context, database, file.accounts)
    known, driver = _asterisk(context)
    if tables is None:
        tables, known = everywhere(database), replace(known, remove_unavailable=False)
    plan = row_plan.to_write(
        wanted,
        wanted.accounts,
        phones(context.settings.provision.context, known),
        tables,
        {},
        coded=coded(database.url, driver),
    )
    from cmp_bundle.provision.sql_script import script  # noqa: PLC0415 - SQLAlchemy takes its time

    changes = [change for _, changed in plan.changes for change in changed]
    if changes:
        Disk().write(path, script(changes, tables).encode(), memory.owner())
    for note in plan.notes:
        context.reporter.note(note)
    for found in plan.findings:
        context.reporter.found(found)
    return Provisioned(
        changed=False,
        made=tuple(plan.made),
        present=(),
        removed=(),
        script=path if changes else None,
    )


def _tables(context: Context, database: Database, accounts: Iterable[Account]) -> Tables | None:
    """What is there already; None where the database cannot be asked."""
    if not names_a_database(database.url):
        return None
    try:
        return tables_of(database, [account.id for account in accounts], {})
    except CmpBundleError as error:
        if error.code not in ("database-error", "no-file"):
            raise
        context.reporter.note(
            f"{error}; so the columns are those that all versions of the tables have"
        )
        return None


def _asterisk(context: Context) -> tuple[Abilities, str | None]:
    """What this machine's Asterisk can do, if there is one, and the driver it has for the tables."""
    where = server.look(context)
    if where is None:
        return Abilities(), None
    known = abilities(where.control) if where.running else Abilities()
    return known, realtime(where.files).driver("ps_auths")
