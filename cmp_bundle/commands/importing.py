"""The use case of an import: accounts taken over from what Asterisk has."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.accounts import import_plan, source_name
from cmp_bundle.accounts.source import placed
from cmp_bundle.accounts.source_name import PJSIP, is_database
from cmp_bundle.asterisk.sorcery import conf_files
from cmp_bundle.checks.endpoints import surprises
from cmp_bundle.checks.sorcery import elsewhere, file_uncounted, not_counted
from cmp_bundle.commands.account_files import database_password, read
from cmp_bundle.commands.loaded_accounts import sources_of, with_files
from cmp_bundle.errors import CmpBundleError, refuse
from cmp_bundle.files import Disk
from cmp_bundle.settings import database_url
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.accounts.store import AccountFile
    from cmp_bundle.asterisk.conf_files import ConfFolder
    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding


@dataclass(frozen=True)
class ImportedAccounts:
    """The result for the endpoints of ``source``, by their ids; in a dry run, what it would be.

    ``kept`` are accounts that are different here and were not changed.
    """

    file: Path
    source: str
    changed: bool
    dry_run: bool
    added: tuple[str, ...]
    updated: tuple[str, ...]
    kept: tuple[str, ...]
    same: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def offered(self) -> int:
        """How many endpoints are for browsers."""
        return len(self.added) + len(self.updated) + len(self.kept) + len(self.same)


def import_accounts(
    context: Context,
    source: str = PJSIP,
    *,
    database: str | None = None,
    only: Collection[str] = (),
    copy: bool = False,
    update: bool = False,
    dry_run: bool = False,
) -> ImportedAccounts:
    """Take over every endpoint for browsers, or those in ``only``. Trunks are left out unless named.

    ``source`` is pjsip.conf or pjsip_wizard.conf of this machine's Asterisk, or a path to such a
    file; ``database`` the URL of a realtime database instead. With ``copy`` their passwords are
    copied, else they stay there; with ``update`` accounts that are in the file already are changed.
    Raises CmpBundleError with all that is wrong; nothing is written then.
    """
    file = read(context, new=True)
    name = _name(database, source, file)
    password = database_password(context) if is_database(name) else ""
    sources = sources_of(context, file, (name,), password)
    opened = sources.source(name)
    found = with_files(name, sources)
    if sources.asterisk is not None and name == PJSIP:
        refuse(_uncounted(sources.asterisk, found))
    offered = import_plan.candidates(opened, found, only, sources.default_realm())
    refuse(offered.findings)
    rows = [import_plan.row(account, copy=copy) for account in offered.accounts]
    plan = import_plan.plan(file.accounts, rows, update=update)
    changed = bool(plan.added or plan.updated)
    if changed:
        after = file.edited(plan.edits)
        if not dry_run:
            after.write(Disk())
    findings = list(offered.left_out)
    findings += [
        placed(opened, one)
        for account in offered.accounts
        for one in surprises(found.endpoints[account.id], found)
    ]
    if sources.asterisk is not None and name == PJSIP:
        findings += elsewhere(sources.asterisk)
    return ImportedAccounts(
        file.path,
        opened.name,
        changed,
        dry_run,
        _ids(plan.added),
        _ids(plan.updated),
        _ids(plan.kept),
        _ids(plan.same),
        tuple(findings),
    )


def _uncounted(files: ConfFolder, found: Endpoints) -> list[Finding]:
    """That the endpoints of pjsip.conf are none, where sorcery.conf leads elsewhere alone."""
    line = not_counted(files)
    ids = [one.id for one in found.endpoints.values() if one.webrtc]
    if line is None or not ids:
        return []
    others = [word(files.real(f"{files.etc}/{name}")) for name in conf_files(files)]
    place = others[0] if others else "--database mysql://USER@HOST/NAME"
    return [replace(file_uncounted(ids, line), hint=f"cmp-bundle accounts import {place}")]


def _ids(accounts: Iterable[Account]) -> tuple[str, ...]:
    return tuple(account.id for account in accounts)


def _name(database: str | None, source: str, file: AccountFile) -> str:
    """The source as the file says it: paths are seen from the file's folder there."""
    if database is not None:
        problem = database_url.problem(database)
        if problem:
            # The URL is not repeated: it may hold a password.
            raise CmpBundleError(
                "database-url",
                f"the URL of the database {problem}",
                hint="write mysql://USER@HOST/NAME; the password comes from"
                " --database-password-file FILE",
            )
        return database
    if is_database(source):
        raise CmpBundleError(
            "options-conflict", "SOURCE must be a file", hint="for a database: --database URL"
        )
    if "/" not in source and source not in (PJSIP, source_name.WIZARD):
        if not Path(source).exists():
            raise CmpBundleError(
                "account-source",
                f"SOURCE {source_name.problem(source)}",
                hint="cmp-bundle accounts import --help",
            )
        source = f"./{source}"
    if "/" not in source or Path(source).is_absolute():
        return source
    return f"./{os.path.relpath(Path(source).absolute(), file.path.parent.absolute())}"
