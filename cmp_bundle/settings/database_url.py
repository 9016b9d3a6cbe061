"""The URL of a database, as SQLAlchemy takes it, and without its password."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

#: The databases whose ``ps_*`` tables Asterisk can read, with or without the name of a driver.
DATABASES = ("mysql", "mariadb", "postgresql", "sqlite")

#: Where SQLAlchemy finds a password, even one that breaks other readers of URLs.
_PASSWORD = re.compile(r"[^:/]*:[^@]*@", re.DOTALL)
_SECRETS = re.compile(r"passw(or)?d|passwd|pwd|secret", re.IGNORECASE)


def problem(url: str) -> str | None:
    """What is wrong with it, without a word of what it holds; None where it is fine."""
    _, _, rest = url.partition("://")
    try:
        parts = urlsplit(url)
        named = parts.port is None or bool(parts.hostname)
    except ValueError:
        named = False
    if not named:
        return "must look like mysql://asterisk@localhost/asterisk"
    if kind(url) not in DATABASES:
        return f"must begin with one of {', '.join(f'{d}://' for d in DATABASES)}"
    if _PASSWORD.match(rest) or _SECRETS.search(unquote(rest.partition("?")[2])):
        return "must not hold a password"
    if parts.netloc and not parts.path.strip("/"):
        return "must end with the name of the database: mysql://asterisk@localhost/asterisk"
    return None


def kind(url: str) -> str:
    """Which of DATABASES it is, if it is any: without the driver that ``+`` may name."""
    return url.partition("://")[0].partition("+")[0]
