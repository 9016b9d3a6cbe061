"""The tables of ``name : value`` that PJSIP prints for one object, and how it says that there is none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = re.compile(r"^ (\S+) +: ?(.*?) *$", re.MULTILINE)
_HEADING = "ParameterName"


def options(text: str) -> Mapping[str, str] | None:
    """Each option of ``pjsip show endpoint NAME`` and its like by its name in small letters; None where
    there is no such object.

    Contacts and channels stand before the options, so what comes before the heading counts for nothing.
    """
    _, heading, table = text.partition(_HEADING)
    if not heading:
        return None
    pairs = ((m[1].lower(), m[2]) for m in _LINE.finditer(table))
    return {name: value for name, value in pairs if name != _HEADING.lower()}


def is_unknown(text: str) -> bool:
    """Whether Asterisk does not know the command: a module that is not loaded, another version."""
    return text.startswith("No such command")
