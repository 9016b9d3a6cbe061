"""Whose browsers it is about: with sudo, not root's."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class DesktopUser:
    """A user of this machine.

    ``config`` and ``data`` are the folders that XDG names. ``behind_sudo`` tells that root is at
    work for somebody else.
    """

    name: str
    uid: int
    gid: int
    home: Path
    config: Path
    data: Path
    behind_sudo: bool = False


def desktop_user(environment: Mapping[str, str] | None = None) -> DesktopUser:
    """Who runs this, or for whom sudo runs it."""
    environment = os.environ if environment is None else environment
    entry = _behind_sudo(environment)
    if entry is not None:
        home = Path(entry.pw_dir)
        # What the environment says of folders is root's, or may be: sudo keeps or sets HOME.
        return DesktopUser(
            entry.pw_name,
            entry.pw_uid,
            entry.pw_gid,
            home,
            home / ".config",
            home / ".local/share",
            behind_sudo=True,
        )
    home = Path(environment.get("HOME") or Path.home())
    return DesktopUser(
        _own_name(),
        os.geteuid(),
        os.getegid(),
        home,
        Path(environment.get("XDG_CONFIG_HOME") or home / ".config"),
        Path(environment.get("XDG_DATA_HOME") or home / ".local/share"),
    )


def is_root() -> bool:
    return os.geteuid() == 0


def _behind_sudo(environment: Mapping[str, str]) -> pwd.struct_passwd | None:
    uid = environment.get("SUDO_UID", "")
    if not is_root() or not uid.isdecimal() or int(uid) == 0:
        return None
    return entry_of(int(uid))


def _own_name() -> str:
    entry = entry_of(os.geteuid())
    return str(os.geteuid()) if entry is None else entry.pw_name


def entry_of(uid: int) -> pwd.struct_passwd | None:
    """What the system knows of a user; None where it has no name for that number."""
    try:
        return pwd.getpwuid(uid)
    except KeyError:  # a container may run under a number that has no name
        return None
