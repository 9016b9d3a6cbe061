from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.bundling import fetch
from cmp_bundle.sizes import kilobytes

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context


@make(
    options.OFFLINE,
    click.option("--refresh", is_flag=True, help="Fetch it again, even if it is in the cache."),
    flags=options.PHONE,
)
def command(context: Context, *, offline: bool, refresh: bool) -> Result:
    """Fetch the phone and check it against its pin.

    The source is one of these: upstream (Cyber Mega Phone 2K, at the commit that cmp-bundle is
    tested with); builtin (the phone that comes with cmp-bundle); a folder; an archive (.tar.gz or
    .zip, by path or https); a git repository (by path or URL). Builds take it from the cache.
    """
    found = fetch(context, offline=offline, refresh=refresh)
    revision = f" at {found.revision[:12]}" if found.revision else ""
    size = kilobytes(sum(found.files.values()))
    lines = [
        f"{found.source}{revision}: {len(found.files)} files, {size}",
        f"git tree {found.tree}",
    ]
    if not found.pinned:
        lines.append(f'to accept this content only: pin = "{found.tree}" under [phone]')
    return Result("\n".join(lines), found)
