from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import changes, options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.releasing import rollback

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context


@make(click.argument("release", required=False), options.DRY_RUN, flags=options.SERVER)
def command(context: Context, *, release: str | None, dry_run: bool) -> Result:
    """Go back to the previous release, or to RELEASE.

    RELEASE is an id from "cmp-bundle releases", or the last part of one.
    """
    done = rollback(context, release, dry_run=dry_run)
    if dry_run:
        return Result(changes.dry_run(done), done)
    return Result(f"release {done.release} is current again\n{changes.active(done)}", done)
