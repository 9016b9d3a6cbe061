"""The notices of copyright and licence in source files, which minifiers drop."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOTICE = re.compile(r"copyright|licen[sc]e|\(c\)|©", re.IGNORECASE)
#: Comments that their authors marked to be kept, wherever they stand.
_MARKED = re.compile(
    r"/\*(?:!|(?=(?:(?!\*/).)*@(?:license|preserve|cc_on)))(?:(?!\*/).)*\*/", re.DOTALL
)
#: Comments before the first code: blocks, or lines that follow one another.
_LEADING = re.compile(r"\s*(/\*.*?\*/|(?://[^\n]*\n?[ \t]*)+|<!--.*?-->)", re.DOTALL)


def notices(text: str) -> list[str]:
    """The notices in a script, style sheet or page: plain text, without comment marks."""
    found = []
    doctype = re.match(r"\s*<!doctype[^>]*>", text, re.IGNORECASE)
    at = doctype.end() if doctype else 0
    while leading := _LEADING.match(text, at):
        if _NOTICE.search(leading[1]):
            found.append(leading[1])
        at = leading.end()
    found += _MARKED.findall(text, at)
    return [_bare(comment) for comment in found]


def banner(found: Iterable[str]) -> str:
    """One comment with every different notice once; empty where there is none."""
    unique = list(dict.fromkeys(n.strip() for n in found if n.strip()))
    if not unique:
        return ""
    return "/*!\n" + "\n\n".join(unique).replace("*/", "* /") + "\n*/\n"


def _bare(comment: str) -> str:
    body = re.sub(r"^(?:/\*+!?|<!--)|(?:\*+/|-->)$", "", comment.strip())
    lines = [re.sub(r"^\s*(?://+|\*+)? ?", "", line).rstrip(" */") for line in body.splitlines()]
    return "\n".join(line for line in lines if line.strip())
