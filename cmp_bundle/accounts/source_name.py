"""What an account's ``source`` may say: which file or database has its name and password.

``pjsip.conf`` and ``pjsip_wizard.conf`` alone are those in Asterisk's configuration folder; with
a slash they are paths, and a file is a wizard's where its name says so. Anything with ``://`` is
a database for SQLAlchemy, without its password.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote, urlsplit

PJSIP = "pjsip.conf"
WIZARD = "pjsip_wizard.conf"

#: The databases whose ``ps_*`` tables Asterisk can read, with or without the name of a driver.
DATABASES = ("mysql", "mariadb", "postgresql", "sqlite")

#: Where SQLAlchemy finds a password, even one that breaks other readers of URLs.
_PASSWORD = re.compile(r"[^:/]*:[^@]*@", re.DOTALL)
_SECRETS = re.compile(r"passw(or)?d|passwd|pwd|secret", re.IGNORECASE)


def is_database(text: str) -> bool:
    return "://" in text


def is_wizard(text: str) -> bool:
    """Whether a file's name is a pjsip_wizard.conf's."""
    return "wizard" in posixpath.basename(text)


def problem(text: str) -> str | None:
    """What is wrong with a source, without a word of what it holds; None where it is fine."""
    if is_database(text):
        return database_problem(text)
    if text in (PJSIP, WIZARD) or "/" in text:
        return None
    return f"must be {PJSIP}, {WIZARD}, a path to one, or the URL of a database"


def database_problem(url: str) -> str | None:
    """The same for a database's URL."""
    scheme, _, rest = url.partition("://")
    try:
        urlsplit(url)
    except ValueError:
        return "must look like mysql://asterisk@localhost/asterisk"
    if scheme.partition("+")[0] not in DATABASES:
        return f"must begin with one of {', '.join(f'{d}://' for d in DATABASES)}"
    if _PASSWORD.match(rest) or _SECRETS.search(unquote(rest.partition("?")[2])):
        return "must not hold a password"
    return None
