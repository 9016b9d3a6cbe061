"""Passwords that nobody has to think up."""

from __future__ import annotations

import re
import secrets

#: Letters and digits that are not taken for one another when a password has to be typed once.
#: All of them stand for themselves in pjsip.conf, in SQL, in a URL and in a shell.
ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

#: 24 out of 55 signs are 138 bits; ``ps_auths.password`` holds 80 characters.
LENGTH = 24

_PLAIN = re.compile(r"[A-Za-z0-9._~-]{1,80}")


def password() -> str:
    """A fresh one."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def is_plain(text: str) -> bool:
    """Whether a password stands for itself wherever Asterisk may keep it.

    Others may need quoting: ``;`` begins a comment in pjsip.conf, and ends the value in a
    database that Asterisk reads by ODBC.
    """
    return _PLAIN.fullmatch(text) is not None
