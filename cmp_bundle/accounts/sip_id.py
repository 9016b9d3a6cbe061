"""What an account may be called: what SIP, Asterisk's files and its dialplan all take as it is.

RFC 3261 (25.1) allows letters, digits, ``-_.!~*'()`` and ``&=+$,;?/`` in the user part of an
address without escaping. Of those, Asterisk itself reads ``,`` as the end of a name in lists like
``aors``, ``;`` as a comment, ``/`` and ``&`` as its own in ``Dial(PJSIP/…)``, and parentheses as
the dialplan's.
"""

from __future__ import annotations

import re
import unicodedata

#: The name of a category is kept in 80 bytes, the last of which is a NUL (main/config.c).
LONGEST = 79

_OTHERS = re.compile(r"[^A-Za-z0-9_.!~*'+=?$-]+")


def problem(name: str) -> str | None:
    """What is wrong with ``name`` as the id of an account; None where it is fine."""
    if not name:
        return "the id must not be empty"
    found = _OTHERS.search(name)
    if found:
        subject = f"the id {name!r}" if is_printable(name) else "the id"
        return f"{subject} must not contain {_called(found[0][0])}: {_reason(found[0][0])}"
    if len(name) > LONGEST:
        return f"the id {name!r} is longer than {LONGEST} characters, so Asterisk would cut it off"
    return None


def is_printable(name: str) -> bool:
    """Whether ``name`` is one field: behind a stray quote it may be a whole line of a spreadsheet."""
    return not set(name) & set(',;\t\r\n"')


def instead(name: str) -> str:
    """An id like ``name`` that is fine."""
    name = name.strip()
    name = re.sub(r"^(sips?:|PJSIP/)", "", name, flags=re.IGNORECASE).partition("@")[0]
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"\s+", ".", plain)
    plain = _OTHERS.sub("-", plain).strip("-.")[:LONGEST]
    return plain or "phone1"


def _called(char: str) -> str:
    if char == " ":
        return "a space"
    return repr(char) if char.isprintable() else f"U+{ord(char):04X}"


def _reason(char: str) -> str:
    if char in ",;/&()":
        return "it has a special meaning to Asterisk"
    return "a SIP address cannot contain it unescaped"
