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
    """Show the settings in effect, and where each comes from.

    The first of these wins: the flag, the environment variable, cmp-bundle.toml, the default.
    The file is the one in --config, else the one in CMP_BUNDLE_CONFIG, else the one in this folder.
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
