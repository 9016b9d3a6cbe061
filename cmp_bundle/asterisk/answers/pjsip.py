"""What PJSIP tells of its objects."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class ListedEndpoint:
    """A line of ``pjsip show endpoints``. ``name`` may be cut off where ``whole`` is false: long ones
    are, to the width of the table. ``contacts`` are how many phones are registered.
    """

    name: str
    whole: bool
    contacts: int


def transports(text: str) -> tuple[str, ...]:
    """The names of those of ``pjsip show transports``, which is not cut off."""
    return tuple(re.findall(r"^Transport:  ([^\s<]\S*)", text, re.MULTILINE))


#: The columns of a name with its caller id.
_WIDTH = 48


def endpoints(text: str) -> tuple[ListedEndpoint, ...]:
    """Those of ``pjsip show endpoints``."""
    found: list[ListedEndpoint] = []
    for line in text.splitlines():
        header = re.match(r" Endpoint:  (?!<)(.{1,48})", line)
        if header:
            shown = header[1]
            name = shown.rstrip().partition("/")[0]
            found.append(ListedEndpoint(name, "/" in shown or len(shown.rstrip()) < _WIDTH, 0))
        elif found and re.match(r"      Contact:  (?!<)", line):
            last = found[-1]
            found[-1] = ListedEndpoint(last.name, last.whole, last.contacts + 1)
    return tuple(found)
