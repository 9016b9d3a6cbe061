from __future__ import annotations

import csv
import io
from pathlib import Path

import click

from cmp_bundle.accounts.link import link
from cmp_bundle.cli import address, people
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.files import Disk, FileOwnership, owned


@make(
    click.option("--csv", "as_csv", is_flag=True, help="As CSV: id, display name, link."),
    click.option(
        "--out", type=click.Path(path_type=Path), help="Write them to this file, for you alone."
    ),
    people.ALLOW_LOOSE,
    flags=(*people.FLAGS, "site.url"),
)
def command(run: Run, *, as_csv: bool, out: Path | None, allow_loose: bool) -> Result:
    """Show the links of all users.

    Whoever has a link has that user's phone. --csv is for a mail merge or a spreadsheet.
    """
    book = people.read(run, allow_loose=allow_loose)
    if not book.accounts:
        return Result(f"there are no accounts in {book.path}", {"links": []})
    base, ring = address.base(run), people.key(run)
    rows = [
        (a.id, a.display_name, link(base, run.settings.site.redirect, ring.token(a.id)))
        for a in book.accounts
    ]
    if as_csv:
        text = _csv(rows)
    else:
        width = max(len(name) for name, _, _ in rows)
        text = "".join(f"{name:<{width}}  {url}\n" for name, _, url in rows)
    data = [{"id": name, "display_name": shown, "link": url} for name, shown, url in rows]
    if out is not None:
        Disk().write(owned.resolved(out), text.encode(), FileOwnership(-1, -1, 0o600))
        text = f"{out}: {len(rows)} links; nobody else can read the file"
    return Result(text, {"links": data})


def _csv(rows: list[tuple[str, str, str]]) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(("id", "display_name", "link"))
    for name, shown, url in rows:
        # A spreadsheet would take a name that begins so for a formula, and run it.
        writer.writerow((name, f"'{shown}" if shown[:1] in tuple("=+-@\t") else shown, url))
    return written.getvalue()
