from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.accounts.link import qr_for_terminal
from cmp_bundle.cli import changes, options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.phone_links import link

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context


@make(
    click.argument("user"),
    click.option("--qr", is_flag=True, help="Also show it as a QR code."),
    click.option("--svg", type=options.PATH, help="Write the QR code to this file, as SVG."),
    click.option("--renew", is_flag=True, help="Make a new link; the old one stops working."),
    flags=("site.url",),
    accounts=True,
)
def command(context: Context, *, user: str, qr: bool, svg: Path | None, renew: bool) -> Result:
    """Show the link that opens a user's phone, ready to use.

    Anybody with the link can use the phone: give it only to its user. The link stays the same in
    every build, until you renew it. Then the old link stops working: at once on this machine's
    server, elsewhere with the next deploy. The address in the link comes from [site] url, else
    from Asterisk's certificate.
    """
    found = link(context, user, renew=renew, svg=svg)
    lines = [*(changes.republished(found) if renew else ()), found.link]
    if qr:
        lines.append(qr_for_terminal(found.link))
    if svg is not None:
        lines.append(f"{svg}: the QR code")
    return Result("\n".join(lines), found)
