"""``core show settings`` and what else tells of the process itself."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Version:
    """Of Asterisk; a certified one, 18.9-cert5, has the number of what it was made from."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def version(text: str) -> Version | None:
    """That of ``core show version``, or of "Asterisk PBX 22.10.1" anywhere; None for a development
    version.
    """
    found = re.search(
        r"Asterisk (?:PBX )?(?:certified/)?(\d{1,5})\.(\d{1,5})(?:\.(\d{1,5}))?", text
    )
    return Version(int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


@dataclass(frozen=True)
class Process:
    """``files`` are how many open files it may have; ``up`` and ``reloaded`` seconds since its start
    and its last reload of anything, by ``core show uptime seconds``.
    """

    files: int | None = None
    up: int | None = None
    reloaded: int | None = None


def process(settings: str, uptime: str) -> Process:
    def number(name: str, text: str) -> int | None:
        found = re.search(rf"^[ \t]*{name}:[ \t]+(\d{{1,15}})\b", text, re.MULTILINE)
        return int(found[1]) if found else None

    return Process(
        number("Maximum open file handles", settings),
        number("System uptime", uptime),
        number("Last reload", uptime),
    )


def modules(text: str) -> dict[str, bool]:
    """Each module of ``module show``, without .so, and whether it runs."""
    return {
        m[1]: m[2] == "Running"
        for m in re.finditer(r"^(\S+)\.so\s.*?\s(Running|Not Running)\b", text, re.MULTILINE)
    }
