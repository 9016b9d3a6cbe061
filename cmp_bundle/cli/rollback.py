from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import server
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.deploy.describe import describe
from cmp_bundle.deploy.plan import to_roll_back
from cmp_bundle.deploy.survey import survey

if TYPE_CHECKING:
    from cmp_bundle.deploy.plan import Planned


@make(
    click.argument("release", required=False),
    click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
    flags=server.FLAGS,
)
def command(run: Run, *, release: str | None, dry_run: bool) -> Result:
    """Go back to the release before, or to RELEASE.

    RELEASE is an id that "cmp-bundle releases" lists, or the last part of one.
    """
    where = server.installation(run)
    at = server.server(run, where)

    def plan() -> Planned:
        return to_roll_back(survey(where, run.settings.site.name), release)

    if dry_run:
        planned = plan()
        return Result(describe(planned), {"changed": False, "release": planned.release})
    engine = server.engine(run, at)
    with engine.alone():
        planned = plan()
        url = engine.carry_out(planned, lambda: at.look(planned.expected))
    active = server.when_active(url, planned.expected.redirect)
    return Result(
        f"release {planned.release} is current again\n{active}",
        {"changed": True, "release": planned.release, "url": url},
    )
