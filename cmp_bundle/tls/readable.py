"""Whether another user could read a file: the system itself is asked, as that user."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cmp_bundle.tls.person import is_root


@dataclass(frozen=True)
class Reader:
    """A user by its numbers; ``root`` is the folder that is ``/`` to it."""

    name: str
    uid: int
    gid: int
    root: Path = Path("/")


def readable(path: Path, reader: Reader) -> bool | None:
    """Whether ``reader`` can open ``path``, a real path below its root, folders included.

    None where it cannot be told: only root can look at things as somebody else.
    """
    if not is_root():
        return os.access(path, os.R_OK) if os.geteuid() == reader.uid else None
    # Modes alone do not decide: there are ACLs, and groups. From within its own root, so that
    # folders above, which it never passes, do not count.
    done = subprocess.run(  # noqa: S603 - a fixed program and a path
        ["test", "-r", f"./{path.relative_to(reader.root)}"],  # noqa: S607 - in /bin or /usr/bin
        cwd=reader.root,
        user=reader.uid,
        group=reader.gid,
        extra_groups=_groups(reader),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def _groups(reader: Reader) -> list[int]:
    """The groups that list the user as a member, as a login or systemd would give them."""
    try:
        lines = (reader.root / "etc/group").read_text(errors="replace").splitlines()
    except OSError:
        return []
    rows = [line.split(":") for line in lines]
    return [
        int(row[2])
        for row in rows
        if len(row) == 4 and row[2].isdigit() and reader.name in row[3].split(",")  # noqa: PLR2004
    ]
