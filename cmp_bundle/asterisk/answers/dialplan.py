"""``dialplan show``: what a context has, with all that it includes."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Characters of a line: Asterisk takes no longer ones from a file.
_LONGEST = 8192


@dataclass(frozen=True)
class Dialplan:
    """``applications`` maps each extension or pattern (``_1XX``) to what it runs, in order, as
    ``Answer()``; those of included contexts stand under their own heading and are not in it.
    ``includes`` are the names of those.
    """

    context: str
    applications: dict[str, tuple[str, ...]]
    includes: tuple[str, ...] = ()


def dialplan(text: str, context: str) -> Dialplan | None:
    """Of ``dialplan show CONTEXT``; None where there is no such context."""
    if f"[ Context '{context}'" not in text:
        return None
    _, _, part = text.partition(f"[ Context '{context}'")
    part = re.split(r"^\[ Context '", part, maxsplit=1, flags=re.MULTILINE)[0]
    found: dict[str, list[str]] = {}
    includes = []
    name = ""
    for line in part.splitlines():
        included = re.match(r"  Include => +'([^']+)'", line)
        begun = re.match(r"  '([^']+)' => +(.*)", line)
        if included:
            includes.append(included[1])
            continue
        rest = line
        if begun:
            name, rest = begun[1], begun[2]
        step = re.match(r"\s*(?:\[\S+\]\s*)?\d+\. (.*)", rest[:_LONGEST])
        if name and step:
            found.setdefault(name, []).append(_without_origin(step[1]))
    return Dialplan(context, {n: tuple(steps) for n, steps in found.items()}, tuple(includes))


def _without_origin(step: str) -> str:
    """Behind it stands where it comes from, in brackets: [extensions.conf:12]."""
    step = step.rstrip()
    before, bracket, behind = step.rpartition("[")
    return before.rstrip() if bracket and behind.endswith("]") and behind.count("]") == 1 else step
