from __future__ import annotations

import textwrap
from dataclasses import asdict

from cmp_bundle.bundle.client import mends
from cmp_bundle.bundle.mends import chosen
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result


@make(flags=("build.without",))
def command(run: Run) -> Result:
    """List what is mended in upstream's phone, and why.

    The phone itself is kept as it is: a script that the build adds mends it in the browser. The
    built-in phone has none of these defects. A build leaves one out with --without, all of them
    with --pristine.
    """
    without = chosen(run.settings.build.without)
    lines, data = [], []
    for mend in mends():
        instead = f" Nothing is done about it: {mend.instead}." if mend.instead else ""
        off = " (left out)" if mend.id in without else ""
        lines.append(f"{mend.id:4} {mend.name}{off}")
        lines.append(textwrap.indent(textwrap.fill(f"{mend.reason}{instead}", 94), "     "))
        data.append({**asdict(mend), "left_out": mend.id in without})
    return Result("\n".join(lines), {"mends": data})
