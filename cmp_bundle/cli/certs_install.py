from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import changes, options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.certificate_hooks import KINDS, certificate_hook
from cmp_bundle.commands.given_certificate import named, renewed
from cmp_bundle.commands.installed_certificate import OLD, install_certificate, renew_certificate
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context
    from cmp_bundle.commands.installed_certificate import InstalledCertificate


@make(
    *options.CERTIFICATE,
    options.DRY_RUN,
    flags=options.SERVER,
    name="install",
)
def install(
    context: Context, *, cert: Path | None, key: Path | None, certbot: str | None, dry_run: bool
) -> Result:
    """Give Asterisk's HTTPS a new certificate, and check that it shows it.

    This is for HTTPS that "cmp-bundle provision" has set up. Certificate and key are tested first.
    Then they are put in the place of the old ones, in one step, and Asterisk is told to reload.
    Calls and open phones stay. If the live server does not show the new certificate, everything is
    put back.

    To run this at every renewal: "cmp-bundle certs hook". When certbot calls it, no option is
    needed.
    """
    pair = named(cert, key, certbot) or renewed()
    if pair is None:
        raise CmpBundleError(
            "options-conflict",
            "nothing says which certificate",
            hint="name it: --cert FILE --key FILE, or --certbot NAME",
        )
    done = install_certificate(context, pair, dry_run=dry_run)
    return Result(changes.dry_run(done) if dry_run else "\n".join(_lines(done)), done)


def _age(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> dt.timedelta | float:
    """A number of days, or a share of a lifetime: 60, 2/3, 0.5."""
    if text is None:
        return OLD
    if re.fullmatch(r"[0-9]{1,5}", text):
        return dt.timedelta(days=int(text))
    if re.fullmatch(r"[0-9]{1,5}/[0-9]{1,5}|[0-9]?\.[0-9]{1,9}", text):
        with suppress(ZeroDivisionError):
            share = float(Fraction(text))
            if share <= 1:
                return share
    raise click.BadParameter(
        f"{text!r} is neither a number of days (60) nor a share of the lifetime (2/3)"
    )


@make(
    click.option(
        "--if-older",
        callback=_age,
        metavar="DAYS|SHARE",
        help="From which age on: days (60), or a share of its lifetime (0.5); by default 2/3.",
    ),
    options.DRY_RUN,
    options.FOLDER,
    flags=options.SERVER,
    name="renew",
)
def renew(
    context: Context,
    *,
    if_older: dt.timedelta | float,
    dry_run: bool,
    folder: Path | None,
) -> Result:
    """Renew the certificate of Asterisk's HTTPS if it is time.

    This is for certificates of the local certificate authority. When a third of the time is left, it
    makes a new one for the same hosts, and installs it as "cmp-bundle certs install" does. To run
    this every day: "cmp-bundle certs hook systemd".
    """
    done = renew_certificate(context, if_older=if_older, folder=folder, dry_run=dry_run)
    if dry_run:
        return Result(changes.dry_run(done), done)
    lines = _lines(done)
    if dt.datetime.fromisoformat(done.due) > dt.datetime.now(dt.UTC):
        lines.insert(1, f"it will be renewed from {_day(done.due)} on")
    return Result("\n".join(lines), done)


@make(
    click.argument("kind", type=click.Choice(KINDS)),
    click.argument("name", required=False),
    options.FOLDER,
    name="hook",
)
def hook(context: Context, *, kind: str, name: str | None, folder: Path | None) -> Result:
    """Show what makes each renewal reach Asterisk.

    With certbot: a script for its folder of hooks. With acme.sh: a command to run once. NAME is what
    they call the certificate; by default it is the host of [site] url. With systemd: a service and
    its timer, which renew the certificate of the local certificate authority every day that it is
    time. It goes to standard output; how to use it goes to standard error.
    """
    done = certificate_hook(context, kind, name, folder=folder)
    context.reporter.note(done.instructions)
    return Result(done.text, done)


def _lines(done: InstalledCertificate) -> list[str]:
    first = f"{', '.join(done.names)}: valid until {_day(done.not_after)}"
    lines = [f"{first}, signed by {done.signed_by}"]
    if not done.changed:
        lines.append("it was there already; nothing was changed")
    if done.url is None:
        return [*lines, "Asterisk is not running here: this takes effect when it starts"]
    return [*lines, f"checked on the live server: {done.url} shows it"]


def _day(moment: str) -> str:
    return moment.partition("T")[0]
