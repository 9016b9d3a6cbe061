"""File name patterns as glob(3) of the GNU C library expands them for Asterisk's ``#include``.

Asterisk asks for ``GLOB_BRACE`` and ``GLOB_NOMAGIC`` and for nothing else (include/asterisk/
compat.h): braces come first, ``*`` and ``?`` leave a leading dot alone, and what is found is
sorted by its bytes, for the server's locale is C or C.UTF-8 (main/asterisk.c).
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.conf_files import Absence
from cmp_bundle.asterisk.lines import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp_bundle.asterisk.conf_files import Files

#: What one character class of a bracket expression holds, in ASCII.
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


#: What looking for one alternative costs, in names.
_LOOK = 100

_NOTHING = re.compile("(?!)")


def expand(pattern: str, files: Files, charge: Callable[[int], None]) -> list[str]:
    """The paths that ``pattern`` stands for, in the order in which Asterisk reads them.

    A pattern without wildcards stands for itself, there or not. ``charge`` is told how much work
    is about to be done, one for each name looked at, and may raise to stop it.
    """
    found: list[str] = []
    for alternative in _alternatives(pattern):
        found += _existing(alternative, files, charge)
    # Where nothing matches, the braces may be part of a name.
    return found or _wildcards(pattern, files, charge)


def _existing(pattern: str, files: Files, charge: Callable[[int], None]) -> list[str]:
    charge(_LOOK)
    alternatives = _alternatives(pattern)
    if alternatives:
        return [path for part in alternatives for path in _existing(part, files, charge)]
    found = _wildcards(pattern, files, charge)
    return [path for path in found if files.content(path) is not Absence.MISSING]


def _alternatives(pattern: str) -> list[str]:
    """One pattern for each part of the first ``{a,b}``, the braces within it left for later."""
    start = _find(pattern, 0, "{")
    if start is None:
        return []
    parts = []
    position = start + 1
    while True:
        end = _part_end(pattern, position)
        if end is None:
            return []
        parts.append(pattern[position:end])
        if pattern[end] == "}":
            return [pattern[:start] + part + pattern[end + 1 :] for part in parts]
        position = end + 1


def _find(pattern: str, position: int, wanted: str) -> int | None:
    """The next character out of ``wanted`` without a backslash before it."""
    while position < len(pattern):
        if pattern[position] in wanted:
            return position
        position += 2 if pattern[position] == "\\" else 1
    return None


def _part_end(pattern: str, position: int) -> int | None:
    """Where the part of a brace expression ends that begins at ``position``."""
    depth = 0
    while (found := _find(pattern, position, "{,}")) is not None:
        if pattern[found] == "{":
            depth += 1
        elif pattern[found] == "}":
            if depth == 0:
                return found
            depth -= 1
        elif depth == 0:
            return found
        position = found + 1
    return None


def _wildcards(pattern: str, files: Files, charge: Callable[[int], None]) -> list[str]:
    if _ends_open(pattern):
        return []
    stripped = _without_slashes(pattern)
    name = posixpath.basename(stripped)
    if stripped != pattern and (_is_wild(name) or "\\" in name):
        # Only folders then, and there is nothing to read in a folder.
        return []
    if not _is_wild(stripped):
        return [_plain(stripped)]
    return sorted(_matches(stripped, files, charge), key=encoded)


def _matches(pattern: str, files: Files, charge: Callable[[int], None]) -> Iterator[str]:
    folder, name = posixpath.split(pattern)
    if _ends_open(folder):
        # As above.
        folder = folder[:-1]
    folders = _matches(folder, files, charge) if _is_wild(folder) else iter([_plain(folder)])
    steps = _steps(name)
    for parent in folders:
        if not _is_wild(name):
            yield posixpath.join(parent, _plain(name))
            continue
        names = (".", "..", *files.names(parent))
        charge(len(names))
        yield from (
            posixpath.join(parent, entry)
            for entry in names
            if (name.startswith((".", "\\.")) or not entry.startswith("."))
            and _is_match(steps, entry)
        )


def _is_wild(pattern: str) -> bool:
    if _find(pattern, 0, "*?") is not None:
        return True
    bracket = _find(pattern, 0, "[")
    return bracket is not None and _find(pattern, bracket + 1, "]") is not None


def _without_slashes(pattern: str) -> str:
    while pattern.endswith("/") and pattern != "/":
        pattern = pattern[:-1]
        if _ends_open(pattern):
            # The backslash was for the slash.
            pattern = pattern[:-1]
    return pattern


def _ends_open(pattern: str) -> bool:
    """Whether there is a backslash at the end that has nothing to protect."""
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1


def _plain(pattern: str) -> str:
    """A pattern without wildcards, its backslashes gone."""
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)


def _steps(pattern: str) -> list[re.Pattern[str] | None]:
    """What each character of a name must be; None for any number of them."""
    steps: list[re.Pattern[str] | None] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            steps.append(None)
            continue
        expression = re.escape(char)
        if char == "?":
            expression = "(?s:.)"
        elif char == "[" and (bracket := _bracket(pattern, position)) is not None:
            expression, position = bracket
        elif char == "\\" and position < len(pattern):
            expression = re.escape(pattern[position])
            position += 1
        steps.append(re.compile(expression))
    return steps


def _is_match(steps: list[re.Pattern[str] | None], name: str) -> bool:
    """Step by step, going back to the last star only, so that no pattern takes for ever."""
    step = position = 0
    star: tuple[int, int] | None = None
    while position < len(name):
        wanted = steps[step] if step < len(steps) else _NOTHING
        if wanted is None:
            star = (step, position)
            step += 1
        elif wanted.match(name, position):
            step += 1
            position += 1
        elif star is None:
            return False
        else:
            star = (star[0], star[1] + 1)
            step, position = star[0] + 1, star[1]
    return all(remaining is None for remaining in steps[step:])


def _bracket(pattern: str, position: int) -> tuple[str, int] | None:
    """The expression for ``[…]`` from behind its first character, and where it ends.

    None where it has no end; the bracket is then a character like any other.
    """
    negated = pattern[position : position + 1] in ("!", "^")
    position += negated
    first = position
    out = ""
    while position < len(pattern):
        char = pattern[position]
        if char == "]" and position > first:
            # An empty set, as a reversed range gives, matches nothing.
            return (f"[^{out}]" if negated else f"[{out}]") if out else "(?!)", position + 1
        named = re.compile(r"\[:([a-z]+):\]").match(pattern, position)
        if named:
            out += _CLASSES.get(named[1], "")
            position = named.end()
            continue
        low, position = _member(pattern, position)
        high = low
        if pattern[position : position + 1] == "-" and pattern[position + 1 : position + 2] not in (
            "]",
            "",
        ):
            high, position = _member(pattern, position + 1)
        if low <= high:
            out += f"{re.escape(low)}-{re.escape(high)}"
    return None


def _member(pattern: str, position: int) -> tuple[str, int]:
    if pattern[position] == "\\" and position + 1 < len(pattern):
        position += 1
    return pattern[position], position + 1
