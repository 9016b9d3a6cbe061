"""What others sent, as it may be shown: no longer than it should be, and nothing in it acts."""

from __future__ import annotations

import re

_UNUSUAL = re.compile(r"[^\t\n -~]")


def readable(text: str, most: int) -> str:
    r"""``text`` in one piece of at most ``most`` characters and a mark where it was cut.

    What cannot be seen is written as Python writes it (``\x1b``): a terminal would obey it, and
    marks of direction would show a text in another order than it was sent. Lines and tabs stay.
    """
    cut = f"{text[:most]}…" if len(text) > most else text
    return _UNUSUAL.sub(_written, cut)


def _written(found: re.Match[str]) -> str:
    character = found[0]
    return character if character.isprintable() else character.encode("unicode_escape").decode()
