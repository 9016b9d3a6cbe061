from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmp_bundle.accounts import import_plan, source_name
from cmp_bundle.accounts.open_source import Opener
from cmp_bundle.accounts.source import placed
from cmp_bundle.accounts.source_name import PJSIP, is_database
from cmp_bundle.checks.endpoints import surprises
from cmp_bundle.cli import people
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.cli.sizes import count
from cmp_bundle.errors import CmpBundleError, refuse
from cmp_bundle.files import Disk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.accounts.store import AccountFile
    from cmp_bundle.findings import Finding

#: So many warnings of a kind are told one by one.
_WARNED = 3


@make(
    click.argument("source", required=False),
    click.option("--database", metavar="URL", help="Import from a realtime database instead."),
    click.option("--only", multiple=True, metavar="USER", help="Just this one; may be repeated."),
    click.option("--copy", is_flag=True, help="Copy names and passwords; else they stay there."),
    click.option("--update", is_flag=True, help="Change accounts that are in the file already."),
    click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
    people.ALLOW_LOOSE,
    flags=people.FLAGS,
    name="import",
)
def import_(
    run: Run,
    *,
    source: str | None,
    database: str | None,
    only: tuple[str, ...],
    copy: bool,
    update: bool,
    dry_run: bool,
    allow_loose: bool,
) -> Result:
    """Take accounts over from Asterisk: every endpoint with webrtc=yes.

    SOURCE is pjsip.conf (the default) or pjsip_wizard.conf of the Asterisk of this machine, or a
    path to such a file. --database URL reads the ps_* tables instead: mysql://USER@HOST/NAME,
    mariadb://…, postgresql://… or sqlite:////path; its password comes from
    --database-password-file or from CMP_BUNDLE_DATABASE_PASSWORD.

    The file of accounts then names the source, and every build takes the passwords from there:
    nobody has to keep two copies alike. With --copy they are copied, as HA1 where the realm is
    known. If anything in the source is wrong, all of it is listed and nothing is written.
    """
    if source is not None and database is not None:
        raise CmpBundleError(
            "options-conflict", "SOURCE and --database are two sources", hint="import one at a time"
        )
    book = people.read(run, allow_loose=allow_loose, new=True)
    name = _name(database, source or PJSIP, book)
    asterisk = people.asterisk(run, needed=name in (PJSIP, source_name.WIZARD))
    password = people.database_password(run) if is_database(name) else ""
    opened = Opener(book.path.parent, asterisk, password)(name)
    realm = run.settings.accounts.realm or people.default_realm(asterisk)
    found = opened.found()
    offered = import_plan.candidates(opened, found, only, realm)
    refuse(offered.findings)
    rows = [import_plan.row(a, copy=copy) for a in offered.accounts]
    plan = import_plan.plan(book.accounts, rows, update=update)
    warnings = [
        placed(opened, one)
        for account in offered.accounts
        for one in surprises(found.endpoints[account.id], found)
    ]
    _warn(run, warnings)
    changed = bool(plan.added or plan.updated)
    if changed:
        after = book.edited(plan.edits)
        if not dry_run:
            after.write(Disk())
    lines = [f"{opened.name}: {count(len(offered.accounts), 'account')} for browsers"]
    lines += _told("added", plan.added)
    lines += _told("changed", plan.updated)
    lines += _told("the same already", plan.same)
    lines += _told("different here, and left so (--update changes them)", plan.kept)
    if not offered.accounts:
        lines.append("an endpoint is for browsers when it says webrtc=yes")
    elif dry_run:
        lines.append("nothing was written: this was a dry run")
    elif changed:
        lines.append(f"wrote {book.path}; next: cmp-bundle build")
    return Result(
        "\n".join(lines),
        {
            "file": book.path,
            "source": opened.name,
            "written": changed and not dry_run,
            "added": [a.id for a in plan.added],
            "changed": [a.id for a in plan.updated],
            "kept": [a.id for a in plan.kept],
            "same": [a.id for a in plan.same],
            "warnings": [one.to_json() for one in warnings],
        },
    )


def _warn(run: Run, warnings: Sequence[Finding]) -> None:
    """The first of each code, and how many more: endpoints of one template are all alike."""
    number = Counter(one.code for one in warnings)
    told: Counter[str] = Counter()
    for one in warnings:
        told[one.code] += 1
        if told[one.code] <= _WARNED:
            run.reporter.found(one)
        elif told[one.code] == number[one.code]:
            more = number[one.code] - _WARNED
            run.reporter.warn(f"and {more} more like it ({one.code}); all of them: --json")


def _name(database: str | None, source: str, book: AccountFile) -> str:
    """The source as the file says it: paths are seen from the file's folder there."""
    if database is not None:
        problem = source_name.database_problem(database)
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
            "options-conflict", "SOURCE is a file", hint="a database is named with --database URL"
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
    return f"./{os.path.relpath(Path(source).absolute(), book.path.parent.absolute())}"


def _told(what: str, accounts: tuple[Account, ...]) -> list[str]:
    """A line on accounts: their ids, as many as one can take in."""
    if not accounts:
        return []
    shown = ", ".join(a.id for a in accounts[:8])
    more = f" and {len(accounts) - 8} more" if len(accounts) > 8 else ""  # noqa: PLR2004 - likewise
    return [f"{what}: {shown}{more}"]
