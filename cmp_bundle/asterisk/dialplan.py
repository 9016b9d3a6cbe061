"""Which line of extensions.conf an extension of a context is answered by.

After ``pbx_load_config`` (pbx/pbx_config.c) and ``ext_cmp_exten`` (main/pbx.c). What AEL, Lua or a
database add to a context is not seen here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.configuration import folded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.configuration import Configuration, Variable

#: What the letters of a pattern stand for.
_SETS = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}


def answered_by(plan: Configuration, context: str, extension: str) -> Variable | None:
    """The line that ``extension`` is answered by in ``context``, or in what it includes; None where
    there is none.
    """
    for name in _reachable(plan, context):
        for variable in _lines(plan, name):
            if folded(variable.name) == "exten" and _begins(variable.value, extension):
                return variable
    return None


def matches(pattern: str, extension: str) -> bool:
    """Whether a line for ``pattern`` answers ``extension``. Dashes in either count for nothing."""
    if not pattern.startswith("_"):
        return pattern.replace("-", "") == extension.replace("-", "")
    return re.fullmatch(_expression(pattern[1:]), extension.replace("-", "")) is not None


def _expression(pattern: str) -> str:
    found = []
    for part in re.finditer(r"\[([^\]]*)\]|(.)", pattern, re.DOTALL):
        letter = part[2]
        if letter is None:
            found.append(f"[{_set(part[1])}]" if part[1] else "(?!)")
        elif letter.upper() in _SETS:
            found.append(_SETS[letter.upper()])
        elif letter == ".":
            return "".join((*found, ".+"))
        elif letter == "!":
            return "".join((*found, ".*"))
        elif letter not in "- ":
            found.append(re.escape(letter))
    return "".join(found)


def _set(text: str) -> str:
    """``1-59`` as a regular expression has it."""
    found = []
    for part in re.finditer(r"(.)-(.)|(.)", text, re.DOTALL):
        if part[3] is None and part[1] <= part[2]:
            found.append(f"{re.escape(part[1])}-{re.escape(part[2])}")
        else:
            found.append(re.escape(part[3] or part[1] + part[2]))
    return "".join(found)


def _begins(value: str, extension: str) -> bool:
    """Whether a line is where Asterisk begins with ``extension``: a hint answers nobody, nor does what
    only others go to.
    """
    name, _, rest = value.partition(",")
    priority = re.split(r"[,(+]", rest, maxsplit=1)[0].strip()
    return priority == "1" and matches(_name(name), extension)


def _name(value: str) -> str:
    """The extension of ``101/100,1,Answer()``, without the caller that it is for."""
    return value.partition(",")[0].partition("/")[0].strip()


def _reachable(plan: Configuration, context: str) -> Iterator[str]:
    """``context`` and all that it includes, each once."""
    waiting, seen = [context], {context}
    while waiting:
        name = waiting.pop(0)
        yield name
        for variable in _lines(plan, name):
            other = variable.value.partition(",")[0].partition("|")[0].strip()
            if folded(variable.name) == "include" and other not in seen:
                seen.add(other)
                waiting.append(other)


def _lines(plan: Configuration, context: str) -> Iterator[Variable]:
    # Unlike most modules, pbx_config takes every category, and its names with their case.
    for category in plan.categories:
        if not category.template and category.name == context:
            yield from category.variables
