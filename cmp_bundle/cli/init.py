from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cmp_bundle.cli import changes
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.setting_up import init
from cmp_bundle.settings.template import literal
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context

#: A value that is longer stands for itself: it moves no column.
_WIDE = 60


@make(
    click.option(
        "--force", is_flag=True, help="Look anew, and write an existing cmp-bundle.toml anew."
    ),
    flags=("asterisk.root",),
    replaces_settings=True,
)
def command(context: Context, *, force: bool) -> Result:
    """Detect this machine's Asterisk and write cmp-bundle.toml.

    Shows each value that was found, and where. Without an Asterisk the file holds the defaults.
    The file is the one in --config or in CMP_BUNDLE_CONFIG, else the one in this folder. With --force,
    what it says of Asterisk's folders and user is replaced by what is found now; your other settings
    stay, and the file as it was is kept beside it, as cmp-bundle.toml.old.

    You may commit cmp-bundle.toml. Files that must not be committed, such as passwords and keys,
    are added to .gitignore.
    """
    done = init(context, force=force)
    lines = ["no Asterisk was found here: the file holds the defaults"]
    if done.found:
        width = max(len(fact.value) for fact in done.found if len(fact.value) < _WIDE)
        lines = [f"{f'{f.what}:':<15}{f.value:<{width}}  ({f.origin})" for f in done.found]
    lines += [
        f"changed: {one.setting} = {_value(one.before)} -> {_value(one.after)}  ({one.origin})"
        for one in done.changes
    ]
    if done.kept:
        lines.append(f"kept: {', '.join(done.kept)}")
    if done.before:
        lines.append(f"the file as it was, with its comments: {done.before}")
    lines += done.notes
    lines += changes.found_here(done.findings)
    did = "wrote" if done.written else "nothing has changed since"
    # Whoever named a file would otherwise go on with the defaults.
    config = click.get_current_context().params["config"]
    each = f" (each time with --config {word(config)})" if config else ""
    lines.append(f"{did} {done.file}; next{each}: {done.next}")
    return Result("\n".join(lines), done)


def _value(value: Any) -> str:
    return "not set" if value is None else literal(value)
