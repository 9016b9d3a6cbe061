from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.bundling import list_fixes

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context


@make(flags=("build.without",))
def command(context: Context) -> Result:
    """List what is fixed in upstream's phone, and why.

    The phone itself is kept as it is: a script that the build adds fixes it in the browser. The
    built-in phone has none of these defects. A build leaves one out with --without, all of them
    with --pristine.
    """
    listed = list_fixes(context)
    lines = []
    for fix in listed.fixes:
        instead = f" Nothing is done about it: {fix.instead}." if fix.instead else ""
        off = " (left out)" if fix.left_out else ""
        lines.append(f"{fix.id:4} {fix.name}{off}")
        lines.append(textwrap.indent(textwrap.fill(f"{fix.reason}{instead}", 94), "     "))
    return Result("\n".join(lines), listed)
