"""Whose rights are used: root takes those of whoever else may change a folder, before it acts there."""

from __future__ import annotations

import os
import pwd
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.errors import AS_ANOTHER_USER

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Rights:
    """A user by numbers; ``name`` is for people."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    name: str = ""

    @classmethod
    def of(cls, uid: int, gid: int) -> Rights:
        """Those of the user ``uid``; ``gid`` is the group where the system knows no such user."""
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return cls(uid, gid, (gid,), str(uid))
        groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
        return cls(uid, entry.pw_gid, groups, entry.pw_name)

    @property
    def are_roots(self) -> bool:
        return self.uid == 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Root has these rights on the disk meanwhile, and no more; nobody else changes.

        The kernel judges every step by them, whatever stands in the way by then. It is the whole
        process that has them, so it takes a process that does one thing at a time.
        """
        if os.geteuid() != 0 or self.are_roots:
            yield
            return
        gid, groups = os.getegid(), os.getgroups()
        # Only the effective ids: the user whose rights they are may neither stop nor trace us.
        os.setgroups(self.groups)
        os.setegid(self.gid)
        os.seteuid(self.uid)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(gid)
            os.setgroups(groups)


def not_allowed(rights: Rights | None) -> str:
    """What to do where the system says no to ``rights``; None are those of whoever runs this."""
    if os.geteuid() != 0:
        return AS_ANOTHER_USER
    if rights is None or rights.are_roots:
        return "look at its attributes (lsattr), and at how its file system is mounted"
    name = rights.name
    return (
        f"{name} may change this folder, so root does there only what {name} may do: look at whom"
        " the file and its folder belong to, and where symlinks lead"
    )
