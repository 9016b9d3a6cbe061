"""What an account's ``source`` may say: which file or database has its name and password.

``pjsip.conf`` and ``pjsip_wizard.conf`` alone are those in Asterisk's configuration folder; with
a slash they are paths, and a file is a wizard's where its name says so. Anything with ``://`` is
a database for SQLAlchemy, without its password.
"""

from __future__ import annotations

import posixpath

from cmp_bundle.settings import database_url

PJSIP = "pjsip.conf"
WIZARD = "pjsip_wizard.conf"


def is_database(text: str) -> bool:
    return "://" in text


def is_wizard(text: str) -> bool:
    """Whether a file's name is a pjsip_wizard.conf's."""
    return "wizard" in posixpath.basename(text)


def problem(text: str) -> str | None:
    """What is wrong with a source, without a word of what it holds; None where it is fine."""
    if is_database(text):
        return database_url.problem(text)
    if text in (PJSIP, WIZARD) or "/" in text:
        return None
    return f"must be {PJSIP}, {WIZARD}, a path to one, or the URL of a database"
