from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import changes, options
from cmp_bundle.cli.asking import YES, asking
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.bundle_checks import PUBLIC
from cmp_bundle.commands.releasing import deploy

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context


@make(
    click.argument("bundle", type=options.PATH, required=False),
    options.DRY_RUN,
    click.option(
        PUBLIC, "public", is_flag=True, help="Confirm that the bundle was built with --plain."
    ),
    YES,
    flags=("deploy.keep", *options.SERVER),
    accounts=True,
)
def command(
    context: Context,
    *,
    bundle: Path | None,
    dry_run: bool,
    public: bool,
    yes: bool,
) -> Result:
    """Put the bundle on Asterisk's web server.

    BUNDLE is the folder that a build wrote, or an archive of it. By default it is the folder in the
    settings. Each changed file of Asterisk's own gets one line, at its end. If Asterisk is running,
    it is told to reload, and then the live server is checked. If it does not serve what was
    deployed, everything is put back.

    The bundle is searched for private keys first. If the account file is here, the bundle is also
    searched for the passwords in it. Links of removed accounts stop working with the deploy, and a
    rollback does not bring them back. If many links would stop working, it asks first, or needs --yes.
    """
    done = deploy(context, bundle, asking(yes=yes), public=public, dry_run=dry_run)
    if dry_run:
        return Result("\n".join((changes.dry_run(done), *changes.looked_over(done))), done)
    text = (
        f"deployed release {done.release}"
        if done.changed
        else f"release {done.release} is already deployed; nothing was changed"
    )
    return Result("\n".join((text, changes.active(done), *changes.looked_over(done))), done)
