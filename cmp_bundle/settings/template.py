"""The commented cmp-bundle.toml that ``init`` writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp_bundle.settings.doctor_skips import Skip
from cmp_bundle.settings.model import sections

if TYPE_CHECKING:
    from collections.abc import Mapping


def render(found: Mapping[str, tuple[Any, str]]) -> str:
    """The file's text: every setting as a comment, and those in ``found`` set.

    ``found`` maps dotted keys to a value and where it was found, for the comment beside it.
    """
    lines = [
        "# What cmp-bundle does on this machine. Lines that begin with # show the defaults.",
        "# Paths are seen from this file's folder. cmp-bundle config shows what is in effect.",
    ]
    for section, (text, keys) in sections().items():
        lines += ["", f"[{section}]  # {text.rstrip('.')}"]
        for key in keys:
            if key.dotted in found:
                value, origin = found[key.dotted]
                lines.append(f"{key.name} = {literal(value)}  # {key.help}; {origin}")
            else:
                lines.append(f"# {key.name} = {literal(key.default)}  # {key.help}")
    return "\n".join(lines) + "\n"


def literal(value: Any) -> str:
    """``value`` as TOML writes it."""
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, Skip):
        code, why = literal(value.code), literal(value.why)
        return f"{{code = {code}, why = {why}, until = {value.until}}}"
    if isinstance(value, tuple):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    # TOML's basic strings are JSON's, but for the delete character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
