"""An account's own number: what stands in the dialplan as it is, and leads to that account.

Asterisk skips dashes when it compares extensions: 1-0-1 is 101 (seen in 16 and 22). Tables of MySQL
ignore case besides.
"""

from __future__ import annotations

import re

#: Bytes. The columns of Asterisk's own tables hold 40 (``extensions.exten``).
LONGEST = 39

# One that begins with _ is a pattern.
_LITERAL = re.compile(r"[A-Za-z0-9*#+.-][A-Za-z0-9*#+_.-]*")
#: What Asterisk itself goes to: at a start, a hangup, a wrong number, a timeout, an error.
_ITS_OWN = frozenset("aehiost")


def problem(text: str) -> str | None:
    """What is wrong with ``text`` as an account's own extension; None where it is fine."""
    if not _LITERAL.fullmatch(text):
        return (
            "must be a number or name such as 101: letters, digits, * # + . - and _,"
            " not beginning with _"
        )
    if len(text) > LONGEST:
        return f"must not be longer than {LONGEST} characters"
    if compared(text) in _ITS_OWN:
        return "must not be one of the extensions that have a meaning to Asterisk: a e h i o s t"
    return None


def compared(text: str) -> str:
    """The same for two extensions that some part of Asterisk takes for one."""
    return text.replace("-", "").casefold()
