from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.setting_up import init

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context

#: A value that is longer stands for itself: it moves no column.
_WIDE = 60


@make(
    click.option("--force", is_flag=True, help="Replace an existing cmp-bundle.toml."),
    flags=("asterisk.root",),
)
def command(context: Context, *, force: bool) -> Result:
    """Detect this machine's Asterisk and write cmp-bundle.toml.

    Shows each value that was found, and where. Without an Asterisk the file holds the defaults.
    You may commit cmp-bundle.toml. Files that must not be committed, such as passwords and keys,
    are added to .gitignore.
    """
    done = init(context, force=force)
    lines = ["no Asterisk was found here: the file holds the defaults"]
    if done.found:
        width = max(len(fact.value) for fact in done.found if len(fact.value) < _WIDE)
        lines = [f"{f'{f.what}:':<15}{f.value:<{width}}  ({f.origin})" for f in done.found]
    lines += done.notes
    ready = not any(fact.what == "HTTPS" and fact.value == "off" for fact in done.found)
    next_ = (
        "cmp-bundle build && cmp-bundle deploy --dry-run"
        if ready
        else "cmp-bundle accounts add USER --extension NUMBER, then: cmp-bundle provision"
    )
    lines.append(f"wrote {done.file}; next: {next_}")
    return Result("\n".join(lines), done)
