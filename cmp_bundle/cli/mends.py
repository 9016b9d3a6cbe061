from __future__ import annotations

import textwrap
from dataclasses import asdict

from cmp_bundle.bundle.client import mends
from cmp_bundle.bundle.mends import chosen
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.errors import CmpBundleError


def left_out(run: Run) -> tuple[str, ...]:
    """The mends that the settings leave out. Raises CmpBundleError with the place of a wrong one."""
    try:
        return chosen(run.settings.build.without)
    except CmpBundleError as error:
        origin = run.loaded.origins["build.without"]
        if origin.kind != "file":
            raise
        raise CmpBundleError(
            error.message, hint=error.hint, file=origin.name, line=origin.line
        ) from None


@make(flags=("build.without",))
def command(run: Run) -> Result:
    """List what is mended in upstream's phone, and why.

    The phone itself is kept as it is: a script that the build adds mends it in the browser. The
    built-in phone has none of these defects. A build leaves one out with --without, all of them
    with --pristine.
    """
    without = left_out(run)
    lines, data = [], []
    for mend in mends():
        instead = f" Nothing is done about it: {mend.instead}." if mend.instead else ""
        off = " (left out)" if mend.id in without else ""
        lines.append(f"{mend.id:4} {mend.name}{off}")
        lines.append(textwrap.indent(textwrap.fill(f"{mend.reason}{instead}", 94), "     "))
        data.append({**asdict(mend), "left_out": mend.id in without})
    return Result("\n".join(lines), {"mends": data})
