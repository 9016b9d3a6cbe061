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
    click.option("--force", is_flag=True, help="Replace a cmp-bundle.toml that is there already."),
    flags=("asterisk.root",),
)
def command(context: Context, *, force: bool) -> Result:
    """Look at this machine's Asterisk and write cmp-bundle.toml.

    Tells what was found and where it says so. Without an Asterisk the file holds the defaults.
    cmp-bundle.toml may be committed; what may not, passwords and keys above all, gets its lines in
    .gitignore.
    """
    done = init(context, force=force)
    lines = ["no Asterisk was found here: the defaults it is"]
    if done.found:
        width = max(len(fact.value) for fact in done.found if len(fact.value) < _WIDE)
        lines = [f"{f'{f.what}:':<15}{f.value:<{width}}  ({f.origin})" for f in done.found]
    lines += done.notes
    lines.append(f"wrote {done.file}; next: cmp-bundle build && cmp-bundle deploy --dry-run")
    return Result("\n".join(lines), done)
