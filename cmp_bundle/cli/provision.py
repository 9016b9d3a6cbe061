from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import changes, options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.given_certificate import named
from cmp_bundle.commands.provision_script import provision_script
from cmp_bundle.commands.provisioning import provision, undo_provision
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.provision.proxy import KINDS
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context
    from cmp_bundle.commands.provisioning import Provisioned


#: More than these are counted, not named.
_MOST_NAMED = 5


@make(
    click.argument("users", nargs=-1, metavar="[USER...]"),
    options.DRY_RUN,
    click.option("--undo", is_flag=True, help="Take away all that provision has made."),
    click.option("--update", is_flag=True, help="Write what is in cmp-bundle's own files anew."),
    click.option("--restart", is_flag=True, help="Restart Asterisk, if it takes a restart."),
    *options.CERTIFICATE,
    click.option("--firewall", is_flag=True, help="Open this machine's firewall for phones."),
    click.option(
        "--proxy",
        type=click.Choice(KINDS),
        help="A proxy on this machine has the certificate: show the lines for it.",
    ),
    click.option(
        "--sql",
        type=options.PATH,
        metavar="FILE",
        help="Write the rows for --database to a script of SQL, and change nothing.",
    ),
    flags=(
        "provision.context",
        "provision.echo",
        "provision.conference",
        "provision.https_address",
        "provision.database",
        *options.SERVER,
    ),
    accounts=True,
)
def command(
    context: Context,
    *,
    users: tuple[str, ...],
    dry_run: bool,
    undo: bool,
    update: bool,
    restart: bool,
    cert: Path | None,
    key: Path | None,
    certbot: str | None,
    proxy: str | None,
    firewall: bool,
    sql: Path | None,
) -> Result:
    """Make Asterisk ready for browser phones: endpoints, dialplan, certificate, HTTPS.

    Every account of the account file that has no endpoint yet gets one, or only each USER named.
    What is missing is added, and the endpoints go of accounts that have left the file. It goes into
    cmp-bundle's own files, and each changed file of Asterisk's own gets one line, at its end. If
    Asterisk is running, it is told to reload, and then each account is tried on the live server. If
    one with a new endpoint cannot register or call, or none can, everything is put back.

    If Asterisk has its endpoints in a realtime database, --database URL writes them there. The
    database's password comes from --database-password-file or from CMP_BUNDLE_DATABASE_PASSWORD. If
    only somebody else may write there, --sql FILE writes a script for them.
    """
    if sql:
        if undo or update or restart or dry_run or cert or key or certbot or proxy or firewall:
            raise CmpBundleError(
                "options-conflict",
                "--sql writes a script and nothing else, and goes with --database and USER alone",
                hint="leave out the others",
            )
        return _script(provision_script(context, sql, users or None))
    if undo:
        if users or update or cert or key or certbot or proxy or firewall:
            raise CmpBundleError(
                "options-conflict",
                "--undo takes everything away, and goes with --restart and --dry-run alone",
                hint="leave out the others",
            )
        done = undo_provision(context, restart=restart, dry_run=dry_run)
        text = "took away what provision had made" if done.changed else "there is nothing to undo"
        text = "\n".join([*_firewalls(done), text])
        return Result(changes.dry_run(done) if dry_run else text, done)
    done = provision(
        context,
        users or None,
        update=update,
        pair=named(cert, key, certbot),
        proxy=proxy,
        firewall=firewall,
        restart=restart,
        dry_run=dry_run,
    )
    if dry_run:
        return Result("\n\n".join(filter(None, (changes.dry_run(done), done.proxy))), done)
    return Result("\n".join(_lines(done)), done, failed=bool(done.failed))


def _script(done: Provisioned) -> Result:
    if done.script is None:
        return Result("all accounts have rows already; nothing was written", done)
    lines = (
        f"wrote the rows of {_people(list(done.made))}: {done.script}, which holds their passwords",
        "next: have it run, remove it, then: cmp-bundle provision --database URL",
    )
    return Result("\n".join(lines), done)


def _lines(done: Provisioned) -> list[str]:
    tried = _tried(done)
    lines = [*tried]
    if done.made and not tried:
        lines.append(f"made endpoints for {_people(list(done.made))}")
    if done.removed:
        lines.append(f"removed the endpoints of {some(done.removed)}")
    lines += _firewalls(done)
    if not done.changed:
        lines.append("everything was there already; nothing was changed")
    if done.proxy:
        lines += ["", done.proxy]
    if done.media:
        lines.append(f"sound and pictures go to {some(done.media)}")
    if done.url is None:
        lines.append(
            "Asterisk is not running here, so nothing was tried: run this again once it runs"
        )
    else:
        lines.append(f"checked on the live server: phones can connect to {done.url}")
    lines += changes.looked_over(done)
    if done.failed:
        return [*lines, f"next: what is said above of {_people(list(done.failed))}"]
    if not (done.present or tried):
        return [*lines, "next: cmp-bundle accounts add USER --extension NUMBER"]
    return [*lines, "next: cmp-bundle build && cmp-bundle deploy"]


def _firewalls(done: Provisioned) -> list[str]:
    """Which ports are open now: what decides that is not the operator's alone."""
    return [
        f"opened {one.kind} for {one.opened}" + (f", instead of {one.closed}" if one.closed else "")
        if one.opened
        else f"closed {one.kind} for {one.closed}"
        for one in done.firewalls
    ]


def _tried(done: Provisioned) -> list[str]:
    """How it went, in one line for all with whom it went alike."""
    made = set(done.made)
    alike: dict[str, list[str]] = {}

    def note(account: str, *words: str) -> None:
        endpoint = f"endpoint {'written' if account in made else 'as it was'}"
        alike.setdefault(", ".join((endpoint, *words)), []).append(account)

    for one in done.tried:
        words = ["registers" if one.registered else "does not register"]
        if one.answered is not None:
            words.append(f"calls {done.echo}" if one.answered else f"cannot call {done.echo}")
        note(one.id, *words)
    for account in done.not_tried:
        note(account, "not tried")
    return [f"{_people(ids)}: {words}" for words, ids in alike.items()]


def _people(ids: list[str]) -> str:
    return some(ids) if len(ids) <= _MOST_NAMED else f"{some(ids, 2)} ({len(ids)} accounts)"
