from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.phone_links import Links, links
from cmp_bundle.files import Disk, FileOwnership, owned

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context


@make(
    click.option("--csv", "as_csv", is_flag=True, help="As CSV: id, display name, link."),
    click.option(
        "--out", type=options.PATH, help="Write them to this file, which only you can read."
    ),
    flags=("site.url",),
    accounts=True,
)
def command(context: Context, *, as_csv: bool, out: Path | None) -> Result:
    """Show the links of all users.

    Anybody with a link can use that user's phone. --csv is for a mail merge or a spreadsheet.
    """
    found = links(context)
    if not found.links:
        return Result(f"there are no accounts in {found.file}", found)
    if as_csv:
        text = _csv(found)
    else:
        width = max(len(one.id) for one in found.links)
        text = "".join(f"{one.id:<{width}}  {one.link}\n" for one in found.links)
    if out is not None:
        Disk().write(owned.resolved(out), text.encode(), FileOwnership(-1, -1, 0o600))
        text = f"{out}: {len(found.links)} links; only you can read the file"
    return Result(text, found)


def _csv(found: Links) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(("id", "display_name", "link"))
    for one in found.links:
        # A spreadsheet would take a name that begins so for a formula, and run it.
        formula = one.display_name[:1] in tuple("=+-@\t")
        writer.writerow((one.id, f"{chr(39) * formula}{one.display_name}", one.link))
    return written.getvalue()
