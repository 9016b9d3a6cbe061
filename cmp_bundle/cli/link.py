from __future__ import annotations

from pathlib import Path

import click

from cmp_bundle.accounts import keyring as keyrings
from cmp_bundle.accounts.link import link, qr_as_svg, qr_for_terminal
from cmp_bundle.cli import address, people, republish, server
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.files import Disk, FileOwnership, owned


@make(
    click.argument("user"),
    click.option("--qr", is_flag=True, help="Show it as a QR code as well."),
    click.option(
        "--svg", type=click.Path(path_type=Path), help="Write the QR code to this file, as SVG."
    ),
    click.option("--renew", is_flag=True, help="Make a new link; the old one opens nothing then."),
    people.ALLOW_LOOSE,
    flags=(*people.FLAGS, "site.url"),
)
def command(
    run: Run, *, user: str, qr: bool, svg: Path | None, renew: bool, allow_loose: bool
) -> Result:
    """Show the link that opens a user's phone, filled in and connected.

    Whoever has the link has the phone: hand it to its user alone. It stays the same in every
    build, until it is renewed: then the old one is dead, at once on the server of this machine,
    elsewhere with the next deploy. Where people open the phone comes from [site] url, else from
    Asterisk's certificate.
    """
    base = address.base(run)
    lines, done = [], republish.NOTHING
    if renew:
        done = _renewed(run, user, allow_loose=allow_loose)
        lines += done.lines
    book = people.read(run, allow_loose=allow_loose)
    account = people.named(book.accounts, user, book)
    ring = people.key(run)
    url = link(base, run.settings.site.redirect, ring.token(account.id))
    lines.append(url)
    if qr:
        lines.append(qr_for_terminal(url))
    if svg is not None:
        # It holds the link: nobody else is to read it.
        Disk().write(owned.resolved(svg), qr_as_svg(url), FileOwnership(-1, -1, 0o600))
        lines.append(f"{svg}: its QR code")
    return Result("\n".join(lines), {"user": user, "link": url, "svg": svg, **done.data})


def _renewed(run: Run, user: str, *, allow_loose: bool) -> republish.Done:
    """What was done to give ``user`` a new link."""
    at = republish.here(run)
    work = server.engine(run, at)
    with work.alone(), work.transaction("link --renew") as changes:
        # What was cut off before may have changed what is read here.
        book = people.read(run, allow_loose=allow_loose)
        people.named(book.accounts, user, book)
        after = people.key(run).renewed(user)
        changes.do([keyrings.change(after, run.settings.links.key)])
        everybody = people.everyone(run, allow_loose=allow_loose)
        return republish.republish(run, everybody, at, changes)
