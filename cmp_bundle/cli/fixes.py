from __future__ import annotations

import textwrap
from dataclasses import asdict

from cmp_bundle.bundle.client import fixes
from cmp_bundle.bundle.fixes import chosen
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.errors import CmpBundleError


def left_out(run: Run) -> tuple[str, ...]:
    """The fixes that the settings leave out. Raises CmpBundleError with the place of a wrong one."""
    try:
        return chosen(run.settings.build.without)
    except CmpBundleError as error:
        origin = run.loaded.origins["build.without"]
        if origin.kind != "file":
            raise
        raise CmpBundleError(
            error.code, error.message, hint=error.hint, file=origin.name, line=origin.line
        ) from None


@make(flags=("build.without",))
def command(run: Run) -> Result:
    """List what is fixed in upstream's phone, and why.

    The phone itself is kept as it is: a script that the build adds fixes it in the browser. The
    built-in phone has none of these defects. A build leaves one out with --without, all of them
    with --pristine.
    """
    without = left_out(run)
    lines, data = [], []
    for fix in fixes():
        instead = f" Nothing is done about it: {fix.instead}." if fix.instead else ""
        off = " (left out)" if fix.id in without else ""
        lines.append(f"{fix.id:4} {fix.name}{off}")
        lines.append(textwrap.indent(textwrap.fill(f"{fix.reason}{instead}", 94), "     "))
        data.append({**asdict(fix), "left_out": fix.id in without})
    return Result("\n".join(lines), {"fixes": data})
