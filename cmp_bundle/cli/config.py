from __future__ import annotations

from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.settings.model import KEYS, sections
from cmp_bundle.settings.template import literal


@make()
def command(run: Run) -> Result:
    """Show the settings in effect and where each comes from.

    A setting comes from a flag, else from its environment variable, else from cmp-bundle.toml,
    else it is the default. The file is the one that --config names, else CMP_BUNDLE_CONFIG, else
    that of this folder.
    """
    rows = []
    data = {}
    for section, (_, keys) in sections().items():
        rows.append(f"[{section}]")
        for key in keys:
            value = getattr(getattr(run.settings, section), key.name)
            origin = run.loaded.origins[key.dotted]
            rows.append(f"{f'{key.name} = {literal(value)}':<40}  # {origin}")
            data[key.dotted] = {
                "value": value,
                "origin": str(origin),
                "environment": KEYS[key.dotted].variable,
            }
        rows.append("")
    return Result("\n".join(rows), {"file": run.loaded.file, "settings": data})
