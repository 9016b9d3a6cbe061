"""A program of the system, asked once."""

from __future__ import annotations

import shutil
import subprocess

#: Where the system's own programs are, and nothing else of the environment of whoever calls.
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_ENVIRONMENT = {"PATH": _PATH, "LC_ALL": "C"}
#: Seconds that one may take.
_PATIENCE = 60


def answer(*command: str) -> str | None:
    """What a command prints, in English; None where there is no such program, or it fails."""
    program = shutil.which(command[0], path=_PATH)
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, and words of our own
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=_ENVIRONMENT,
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
