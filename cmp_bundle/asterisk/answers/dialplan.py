"""``dialplan show``: what a context has, with all that it includes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: Characters of a line: Asterisk takes no longer ones from a file.
_LONGEST = 8192


@dataclass(frozen=True)
class Dialplan:
    """``applications`` maps each extension or pattern (``_1XX``) to what it runs, in order, as
    ``Answer()``; those of included contexts stand under their own heading and are not in it.
    ``includes`` are the names of those. ``lines`` has for each step of ``applications`` where it stands,
    as ``extensions.conf:23`` without a folder, empty where that is not told. ``looks_elsewhere`` is
    whether a switch asks a database or another server for more.
    """

    context: str
    applications: dict[str, tuple[str, ...]]
    includes: tuple[str, ...] = ()
    lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    looks_elsewhere: bool = False


def dialplan(text: str, context: str) -> Dialplan | None:
    """Of ``dialplan show CONTEXT``; None where there is no such context."""
    if f"[ Context '{context}'" not in text:
        return None
    _, _, part = text.partition(f"[ Context '{context}'")
    part = re.split(r"^\[ Context '", part, maxsplit=1, flags=re.MULTILINE)[0]
    found: dict[str, list[str]] = {}
    lines: dict[str, list[str]] = {}
    includes = []
    switched = False
    name = ""
    for line in part.splitlines():
        included = re.match(r"  Include => +'([^']+)'", line)
        begun = re.match(r"  '([^']+)' => +(.*)", line)
        if included:
            # Behind the name may stand the hours that it is for.
            includes.append(re.split(r"[,|]", included[1], maxsplit=1)[0])
            continue
        switched = switched or line.startswith("  Alt. Switch =>")
        rest = line
        if begun:
            name, rest = begun[1], begun[2]
        step = re.match(r"\s*(?:\[\S+\]\s*)?\d+\. (.*)", rest[:_LONGEST])
        if name and step:
            words, origin = _parted(step[1])
            found.setdefault(name, []).append(words)
            lines.setdefault(name, []).append(origin)
    return Dialplan(
        context,
        {n: tuple(steps) for n, steps in found.items()},
        tuple(includes),
        {n: tuple(places) for n, places in lines.items()},
        switched,
    )


def _parted(step: str) -> tuple[str, str]:
    """What it runs, and what stands behind that in brackets: where it comes from, as
    ``extensions.conf:12``; empty where that is a module alone.
    """
    step = step.rstrip()
    before, bracket, behind = step.rpartition("[")
    if not (bracket and behind.endswith("]") and behind.count("]") == 1):
        return step, ""
    return before.rstrip(), behind[:-1] if ":" in behind else ""
