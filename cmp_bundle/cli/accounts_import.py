from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.importing import import_accounts
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.sizes import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding

#: So many findings of a kind are told one by one, and so many ids stand on a line.
_TOLD = 3
_SHOWN = 8


@make(
    click.argument("source", required=False),
    click.option("--database", metavar="URL", help="Import from a realtime database."),
    click.option(
        "--only", multiple=True, metavar="USER", help="Import only this one; may be repeated."
    ),
    click.option(
        "--copy", is_flag=True, help="Copy names and passwords instead of naming the source."
    ),
    click.option(
        "--update", is_flag=True, help="Also change accounts that are already in the account file."
    ),
    options.DRY_RUN,
    accounts=True,
    name="import",
)
def import_(
    context: Context,
    *,
    source: str | None,
    database: str | None,
    only: tuple[str, ...],
    copy: bool,
    update: bool,
    dry_run: bool,
) -> Result:
    """Import accounts from Asterisk: every endpoint for browsers.

    That is one with webrtc=yes, or with the options that this stands for. Trunks are left out.

    SOURCE is pjsip.conf (the default) or pjsip_wizard.conf of this machine's Asterisk, or a path to
    such a file. --database URL reads the ps_* tables instead: mysql://USER@HOST/NAME, mariadb://…,
    postgresql://… or sqlite:////path. The database's password comes from --database-password-file
    or from CMP_BUNDLE_DATABASE_PASSWORD.

    The account file then names the source, and every build reads the passwords from there: you
    have only one copy to maintain. With --copy they are copied, as HA1 if the realm is known. If
    anything in the source is wrong, every error is listed and nothing is written.
    """
    if source is not None and database is not None:
        raise CmpBundleError(
            "options-conflict",
            "SOURCE and --database are two sources",
            hint="import one at a time",
        )
    done = import_accounts(
        context,
        source or "pjsip.conf",
        database=database,
        only=only,
        copy=copy,
        update=update,
        dry_run=dry_run,
    )
    _tell(context, done.findings)
    lines = [f"{done.source}: {count(done.offered, 'account')} for browsers"]
    lines += _ids("added", done.added)
    lines += _ids("changed", done.updated)
    lines += _ids("already the same", done.same)
    lines += _ids("different here, and not changed (--update changes them)", done.kept)
    if not done.offered:
        lines.append("an endpoint is for browsers if it has webrtc=yes, or media_encryption=dtls")
    elif dry_run:
        lines.append("nothing was written: this was a dry run")
    elif done.changed:
        lines.append(f"wrote {done.file}; next: cmp-bundle build")
    return Result("\n".join(lines), done)


def _tell(context: Context, findings: Sequence[Finding]) -> None:
    """The first of each code, and how many more: endpoints of one template are all alike."""
    number = Counter(one.code for one in findings)
    seen: Counter[str] = Counter()
    for one in findings:
        seen[one.code] += 1
        if seen[one.code] <= _TOLD:
            context.reporter.found(one)
        elif seen[one.code] == number[one.code]:
            more = number[one.code] - _TOLD
            context.reporter.note(f"and {more} more like it ({one.code}); all of them: --json")


def _ids(what: str, ids: Sequence[str]) -> list[str]:
    """A line on accounts, as many as one can take in."""
    if not ids:
        return []
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return [f"{what}: {', '.join(ids[:_SHOWN])}{more}"]
