"""What is known of one code, for a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmp_bundle.findings import Kind

#: Where the documentation of the project is; pyproject.toml has the same.
DOCUMENTATION = "https://github.com/cmp-bundle/cmp-bundle/tree/main/docs"

_WIDTH = 100
_INDENT = "    "


def explanation(kind: Kind) -> str:
    """All that findings.toml says of it but the sources, which its page has."""
    parts = (
        ("what people see", kind.people_see),
        ("why", kind.why),
        ("how to find out", kind.looks),
        ("what to do", kind.what_to_do),
        ("versions", kind.versions),
        ("page", page(kind)),
    )
    heading = f"{kind.code} {kind.level}: {kind.title}"
    return "\n".join((heading, *(_part(name, text) for name, text in parts if text)))


def page(kind: Kind) -> str:
    """The address of what the documentation says of it."""
    own = f"findings/{kind.code}.md" if kind.on_the_way else f"findings.md#{kind.code}"
    return f"{DOCUMENTATION}/{own}"


def _part(name: str, text: str) -> str:
    # Names of files and options stay whole.
    wrapped = textwrap.fill(
        text,
        _WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"\n{name}\n{wrapped}"
