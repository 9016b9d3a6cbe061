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

    The phone's own files stay unchanged: the build adds a script that fixes it in the browser. The
    built-in phone has none of these defects. build --without leaves one fix out, build --pristine
    leaves all of them out.
    """
    listed = list_fixes(context)
    lines = []
    for fix in listed.fixes:
        instead = f" Nothing is done about it: {fix.instead}." if fix.instead else ""
        off = " (left out)" if fix.left_out else ""
        lines.append(f"{fix.id:4} {fix.name}{off}")
        lines.append(textwrap.indent(textwrap.fill(f"{fix.reason}{instead}", 94), "     "))
    return Result("\n".join(lines), listed)
