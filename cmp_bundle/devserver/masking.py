"""SIP messages without what proves an identity or encrypts media: before anything is kept.

Line by line and generous: what a PBX may take for a header or an attribute is one here too,
however it is written. Line ends are LF already.
"""

from __future__ import annotations

import re

#: Blanks before the name and before the colon, a name that is folded away from its colon.
_HEADER = re.compile(
    r"\s*(?P<name>(?:proxy-)?auth(?:orization|entication-info))\s*(?::|$)", re.IGNORECASE
)

#: Also where they are offered among the capabilities of RFC 5939 (``a=acap:1 crypto:…``).
_KEY = re.compile(
    r"\s*(?:a\s*=(?:[^:]*:[^:]*?\s)?\s*(?:ice-pwd|crypto|key-mgmt)\s*:|k\s*=)", re.IGNORECASE
)

#: RFC 3261 has passwords in addresses, and advises against them. Bounded: a hostile line would
#: have each of its beginnings tried to its end.
_ADDRESS = re.compile(r"(sips?:[^\s:@<>]{0,200}):[^\s@<>]{0,200}@", re.IGNORECASE)

MASKED = "(masked)"


def masked(text: str) -> str:
    """``text``, whose lines end in LF, with every secret replaced."""
    kept: list[str] = []
    hidden = False
    for line in text.split("\n"):
        if hidden and line[:1].isspace():
            continue  # the header goes on
        low = line.lower()
        header = _HEADER.match(line) if "auth" in low else None
        hidden = header is not None
        if header is not None:
            kept.append(f"{header['name']}: {MASKED}")
            continue
        key = _KEY.match(line) if low.lstrip()[:1] in ("a", "k") else None
        if key:
            line = f"{key[0]}{MASKED}"  # noqa: PLW2901 - what is left of it
        kept.append(_ADDRESS.sub(rf"\1:{MASKED}@", line) if "@" in line else line)
    return "\n".join(kept)
