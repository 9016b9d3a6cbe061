from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.effective_settings import show_settings
from cmp_bundle.settings.model import sections
from cmp_bundle.settings.template import literal

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context


@make()
def command(context: Context) -> Result:
    """Show the settings in effect and where each comes from.

    A setting comes from a flag, else from its environment variable, else from cmp-bundle.toml,
    else it is the default. The file is the one that --config names, else CMP_BUNDLE_CONFIG, else
    that of this folder.
    """
    effective = show_settings(context)
    rows = []
    for section, (_, keys) in sections().items():
        rows.append(f"[{section}]")
        for key in keys:
            setting = effective.settings[key.dotted]
            rows.append(f"{f'{key.name} = {literal(setting.value)}':<40}  # {setting.origin}")
        rows.append("")
    return Result("\n".join(rows), effective)
