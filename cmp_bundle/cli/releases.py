from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cmp_bundle.cli import options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.kept_releases import KeptRelease, releases
from cmp_bundle.sizes import kilobytes

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context


@make(flags=options.SERVER)
def command(context: Context) -> Result:
    """List the releases on the server: the current one (*) and those to roll back to."""
    found = releases(context)
    rows = [_row(one) for one in found.releases]
    if found.problem is not None:
        context.reporter.found(found.problem)
    return Result("\n".join(rows) or "nothing of cmp-bundle is deployed here", found)


def _row(one: KeptRelease) -> str:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(one.made_at))
    about = f"{one.phone}, {kilobytes(one.visit_bytes or 0)} a visit"
    if one.problem:
        about = f"damaged: {one.problem.text}"
    return f"{'*' if one.current else ' '} {one.release}  {when}  {about}"
