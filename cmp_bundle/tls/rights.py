"""Root in somebody else's folder: at work there with no more rights than that user has."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.person import entry_of

if TYPE_CHECKING:
    import pwd
    from collections.abc import Iterator

#: As many links on one way as Linux follows.
_HOPS = 40


@contextmanager
def as_owner(path: Path) -> Iterator[None]:
    """Until the end, root has the rights of the first other user who owns a part of the way to
    ``path``, links included; where that is nobody, and for anybody but root, nothing changes.

    From there on that user may put something else into root's way at any moment: a link to a file
    of root's above all. Whatever it is, it leads to what the user may reach anyway.
    """
    found = _first_other(path) if os.geteuid() == 0 else None
    if found is None:
        yield
        return
    part, uid, gid = found
    entry = entry_of(uid)
    name = entry.pw_name if entry else str(uid)
    groups = os.getgroups()
    own_group = os.getegid()
    try:
        _become(uid, gid, entry, part)
        yield
    except CmpBundleError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        raise CmpBundleError(
            error.message,
            file=error.file,
            hint=f"{part} is {name}'s, so root has no more rights in it than {name}: give {name}"
            f" what lies there (chown -R {name}), or name a folder in which all is root's",
        ) from error
    finally:
        os.seteuid(0)
        os.setegid(own_group)
        os.setgroups(groups)


def _become(uid: int, gid: int, entry: pwd.struct_passwd | None, part: Path) -> None:
    try:
        os.setgroups(os.getgrouplist(entry.pw_name, entry.pw_gid) if entry else [gid])
        os.setegid(entry.pw_gid if entry else gid)
        os.seteuid(uid)
    except OSError as error:
        raise CmpBundleError(
            f"belongs to {entry.pw_name if entry else uid}, with whose rights root cannot work here",
            file=part,
            hint="name a folder of root's own",
        ) from error


def _first_other(path: Path) -> tuple[Path, int, int] | None:
    """The first part of the way that is not root's, with its owner and group."""
    done, ahead, hops = Path("/"), list(path.absolute().parts[1:]), 0
    while ahead:
        part = ahead.pop(0)
        if part == "..":
            done = done.parent
            continue
        done /= part
        try:
            found = done.lstat()
        except OSError:
            return None  # from here on there is nothing yet
        if found.st_uid != 0:
            return done, found.st_uid, found.st_gid
        if stat.S_ISLNK(found.st_mode):
            hops += 1
            if hops > _HOPS:
                return None  # nobody can follow this, and the system says so
            target = done.readlink()
            done = Path("/") if target.is_absolute() else done.parent
            ahead = [*(p for p in target.parts if p != "/"), *ahead]
    return None
