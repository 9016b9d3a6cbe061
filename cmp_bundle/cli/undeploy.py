from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import server
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.deploy.describe import describe
from cmp_bundle.deploy.plan import to_undeploy
from cmp_bundle.deploy.survey import survey

if TYPE_CHECKING:
    from cmp_bundle.deploy.plan import Planned


@make(
    click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
    flags=server.FLAGS,
)
def command(run: Run, *, dry_run: bool) -> Result:
    """Take everything of cmp-bundle off the server again.

    Asterisk's own files become what they were, byte for byte, apart from what others changed in
    them since. All releases go.
    """
    where = server.installation(run)
    at = server.server(run, where)

    def plan() -> Planned:
        return to_undeploy(survey(where, run.settings.site.name))

    if dry_run:
        planned = plan()
        return Result(describe(planned), {"changed": False})
    engine = server.engine(run, at)
    with engine.alone():
        planned = plan()
        engine.carry_out(planned, lambda: at.look(planned.expected))
    changed = bool(planned)
    text = "cmp-bundle's files and its line in Asterisk's own are gone"
    return Result(text if changed else "nothing of cmp-bundle is deployed here",
                  {"changed": changed})  # fmt: skip
