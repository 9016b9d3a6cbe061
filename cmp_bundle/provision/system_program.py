"""A program of the system, asked once."""

from __future__ import annotations

import os
import shutil
import subprocess

#: Where the system's own programs are: what else is in the PATH of whoever calls is not asked.
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
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
            env=os.environ | {"PATH": _PATH, "LC_ALL": "C"},
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
