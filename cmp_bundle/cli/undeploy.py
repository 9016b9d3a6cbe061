from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.cli import changes, options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.releasing import undeploy

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context


@make(options.DRY_RUN, flags=options.SERVER)
def command(context: Context, *, dry_run: bool) -> Result:
    """Take the phone off the server again.

    Asterisk's own files become byte for byte what they were. Changes that others made since then
    stay. All releases are deleted. What provision made stays: cmp-bundle provision --undo takes it
    away.
    """
    done = undeploy(context, dry_run=dry_run)
    if dry_run:
        return Result(changes.dry_run(done), done)
    gone = "removed cmp-bundle's files, and its line in Asterisk's own"
    return Result(gone if done.changed else "nothing of cmp-bundle is deployed here", done)
