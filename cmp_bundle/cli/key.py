from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import changes, options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.command import group
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.link_key import backup_key, restore_key, rotate_key, unasked
from cmp_bundle.commands.sizes import some

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cmp_bundle.commands.context import Context

_FILE = click.argument("file", type=options.PATH)
_YES = click.option("--yes", is_flag=True, help="Do it without asking.")


@make(
    _FILE,
    click.option("--force", is_flag=True, help="Replace a file that is there."),
    name="backup",
)
def backup(context: Context, *, file: Path, force: bool) -> Result:
    """Copy the key of all links to FILE.

    Keep the copy where nobody finds it: whoever has it has every link. It holds as well which
    links were renewed, so make a new one after that.
    """
    done = backup_key(context, file, force=force)
    text = f"{file}: the key of all links; keep it away from this machine, and from everybody else"
    return Result(text, done)


@make(_FILE, _YES, accounts=True, name="restore")
def restore(context: Context, *, file: Path, yes: bool) -> Result:
    """Put the key of all links back from FILE, which a backup wrote.

    The links of the time of the backup work again, with the next build and deploy at the latest.
    Links made with another key since then are dead from then on. Where it is the key that is there
    already, a link that was renewed since the backup stays renewed: the old one opens nothing.
    """
    done = restore_key(context, file, _asking(yes=yes))
    lines = [f"{done.key}: the key from {file} is back"]
    if not done.changed:
        lines = [f"{done.key} is the same key already"]
    if done.kept:
        whose = some(done.kept)
        lines.append(f"newer than in {file}, and left as they are: the links of {whose}")
    if done.changed:
        lines += changes.republished(done)
    return Result("\n".join(lines), done)


@make(_YES, accounts=True, name="rotate")
def rotate(context: Context, *, yes: bool) -> Result:
    """Make a new key, and with it a new link for everybody.

    For the day on which somebody may have read the key, or on which it is lost. All links that
    were given out are dead then: at once on the server of this machine, elsewhere with the next
    build and deploy.
    """
    done = rotate_key(context, _asking(yes=yes))
    lines = [f"{done.key}: a new key", *changes.republished(done)]
    return Result("\n".join([*lines, "the new links: cmp-bundle links"]), done)


command = group(
    """Keep, restore or replace the key of all links.

    All links are derived from one key, which is made with the first of them. Without it the links
    that were given out go on working where they are deployed, but no build can make the same
    again: everybody would need a new one.
    """,
    backup,
    restore,
    rotate,
)


def _asking(*, yes: bool) -> Callable[[str], None]:
    """What asks whether a loss is meant. It raises CmpBundleError where nobody can be asked,
    click.Abort where the answer is no.
    """

    def ask(loss: str) -> None:
        if yes:
            return
        if not sys.stdin.isatty():
            unasked(loss)
        click.confirm(f"{loss}. Go on?", abort=True, err=True)

    return ask
