from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import changes, options
from cmp_bundle.cli.asking import YES, asking
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.command import group
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.link_key import backup_key, restore_key, rotate_key
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context

_FILE = click.argument("file", type=options.PATH)


@make(
    _FILE,
    click.option("--force", is_flag=True, help="Replace an existing file."),
    name="backup",
)
def backup(context: Context, *, file: Path, force: bool) -> Result:
    """Copy the link key to FILE.

    Keep the copy in a safe place: anybody who has it can make every link. The copy also holds
    which links were renewed: make a new copy after you renew one.
    """
    done = backup_key(context, file, force=force)
    text = f"{file}: a copy of the key of all links; keep it secret, and not on this machine"
    return Result(text, done)


@make(_FILE, YES, accounts=True, name="restore")
def restore(context: Context, *, file: Path, yes: bool) -> Result:
    """Restore the link key from FILE, which a backup wrote.

    The links from the time of the backup work again, at the latest after the next build and
    deploy. Links that were made with another key stop working. If FILE holds the current key,
    links that were renewed since the backup stay renewed: the old ones still open nothing.
    """
    done = restore_key(context, file, asking(yes=yes))
    lines = [f"{done.key}: restored from {file}"]
    if not done.changed:
        lines = [f"{done.key} already holds this key"]
    if done.kept:
        names = some(done.kept)
        lines.append(f"kept, because they are newer than {file}: the links of {names}")
    if done.changed:
        lines += changes.republished(done)
    return Result("\n".join(lines), done)


@make(YES, accounts=True, name="rotate")
def rotate(context: Context, *, yes: bool) -> Result:
    """Make a new link key, and with it a new link for everybody.

    Use it if the key is lost, or if somebody may have read it. All links that were given out stop
    working: at once on this machine's server, elsewhere with the next build and deploy.
    """
    done = rotate_key(context, asking(yes=yes))
    lines = [f"{done.key}: a new key", *changes.republished(done)]
    return Result("\n".join([*lines, "the new links: cmp-bundle links"]), done)


command = group(
    """Back up, restore or replace the key of all links.

    All links are derived from one key, the link key. It is made with the first link. If the key is
    lost, links that are deployed still work, but no build can make the same links again:
    everybody needs a new link.
    """,
    backup,
    restore,
    rotate,
)
