"""Files that decide what this run does: read only where nobody but root and the caller decides.

docs/decisions/0011 has the reasons. A file of settings names a command, and often it is root that
runs it; so whoever can change that file, or put another in its place, has what the caller has.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Names one more user, by number, whose files are used: for those of a container's host, say.
TRUST = "CMP_BUNDLE_TRUST_OWNER"

#: As many symlinks as Linux follows in one path (path_resolution(7)).
_MOST_LINKS = 40

#: No file of ours is larger: a hundred thousand accounts take about 10 MB.
LARGEST = 1 << 28

#: Bytes read at a time.
_CHUNK = 1 << 20

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

#: To look at a folder takes no right to list it. Not all systems have that.
_LOOK = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True)
class Owned:
    """A file as it was read through one descriptor; ``mode`` has its kind as well."""

    data: bytes
    mode: int


def read(path: Path, largest: int = LARGEST, *, shared: bool = False) -> Owned:
    """What the file at ``path`` holds, links followed.

    The file, its folder, and each link that ``path`` ends in must belong to root or the caller, and
    nobody else may change them; with ``shared`` a group may. What the caller's own shell opened for
    it (``/dev/fd/63``) is taken as it is.

    Raises CmpBundleError for another's file, for anything but a file, and for more than ``largest``
    bytes; FileNotFoundError where there is none; other OSErrors as they come.
    """
    place = resolved(path, shared=shared)
    if _is_handed_over(place):
        with _closing(os.open(place, os.O_RDONLY | os.O_CLOEXEC)) as descriptor:
            return _content(descriptor, path, largest)
    with _closing(os.open(place.parent, _LOOK)) as folder:
        descriptor = os.open(place.name, _OPEN | os.O_NOFOLLOW, dir_fd=folder)
        with _closing(descriptor):
            _refuse_other_kinds(descriptor, path)
            _judge(os.fstat(folder), place.parent, shared=shared, beside=place.name)
            _judge(os.fstat(descriptor), place, shared=shared)
            return _content(descriptor, path, largest)


def content(path: Path, largest: int = LARGEST) -> bytes:
    """What a file holds whoever's it is. Never waits for a pipe.

    Raises CmpBundleError for anything but a file, a link included, and for more than ``largest``
    bytes; and OSError.
    """
    try:
        opened = os.open(path, _OPEN | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise CmpBundleError("symlink", "is a symlink, but must be a file", file=path) from None
    with _closing(opened) as descriptor:
        _refuse_other_kinds(descriptor, path)
        return _content(descriptor, path, largest).data


def resolved(path: Path, *, shared: bool = False) -> Path:
    """Where the links that ``path`` ends in lead to; what is there need not exist.

    Each of them, and its folder, must belong as ``read`` has it. Raises CmpBundleError.
    """
    seen = path
    for _ in range(_MOST_LINKS):
        try:
            if path.name in ("", ".."):
                return path.resolve()
            place = path.parent.resolve() / path.name
        except RuntimeError:  # pathlib's word for it until Python 3.13
            break
        try:
            found = place.lstat()
        except OSError:  # which whoever opens it will meet again
            return place
        if not stat.S_ISLNK(found.st_mode) or _is_handed_over(place):
            return place
        _judge(place.parent.stat(), place.parent, shared=shared, beside=place.name)
        _judge(found, place)
        path = place.parent / place.readlink()
    raise CmpBundleError(
        "symlink", "is a symlink that leads back to itself", file=seen, hint="see: ls -l"
    )


def exists(path: Path) -> bool:
    """Whether anything is at ``path``, symlinks followed.

    Raises OSError where nobody may tell, which Path.exists() hides since Python 3.14.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def refuse_folder(path: Path) -> None:
    """Raises CmpBundleError where somebody else could put another file in the place of ``path``."""
    try:
        found = path.parent.stat()
    except OSError:  # which whoever writes there will meet again
        return
    _judge(found, path.parent, beside=path.name)


def _is_handed_over(place: Path) -> bool:
    """Whether it is a descriptor of this process, which nobody else can give it."""
    return str(place.parent) in ("/dev/fd", f"/proc/{os.getpid()}/fd")


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _refuse_other_kinds(descriptor: int, path: Path) -> None:
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise CmpBundleError("not-a-file", f"is {kind}, but must be a file", file=path)


def _content(descriptor: int, path: Path, largest: int) -> Owned:
    parts, left = [], largest + 1
    while left and (part := os.read(descriptor, min(left, _CHUNK))):
        parts.append(part)
        left -= len(part)
    if not left:
        raise CmpBundleError(
            "too-large", f"is too large: it has more than {largest} bytes", file=path
        )
    return Owned(b"".join(parts), os.fstat(descriptor).st_mode)


def _judge(
    found: os.stat_result, path: Path, *, shared: bool = False, beside: str | None = None
) -> None:
    """Raises CmpBundleError where somebody else decides what is at ``path``.

    For a folder, ``beside`` is the name in it that could be exchanged.
    """
    could = f", who could replace {beside}" if beside else ""
    if found.st_uid not in _trusted():
        who = _user(found.st_uid)
        raise CmpBundleError(
            "foreign-file",
            f"belongs to {who}{could or ', and not to you or root'}",
            file=path,
            hint=f"use one of your own, or take it over: chown {_user(os.geteuid())} {word(path)};"
            f" or trust {who}: {TRUST}={found.st_uid}",
        )
    if stat.S_ISLNK(found.st_mode):
        return  # its mode means nothing
    if beside and found.st_mode & stat.S_ISVTX:
        return  # in /tmp everybody may write, and nobody may touch what is another's
    if found.st_mode & stat.S_IWOTH:
        may, take = "everybody", "o-w"
    elif found.st_mode & stat.S_IWGRP and not (shared or _is_private(found)):
        may, take = f"the group {_group(found.st_gid)}", "g-w"
    else:
        return
    raise CmpBundleError(
        "loose-permissions",
        f"{may} may change it" + (f", and replace {beside}" if beside else ""),
        file=path,
        hint=f"check that everything in it is yours, then: chmod {take} {word(path)}",
    )


def _trusted() -> set[int]:
    """The users whose files count: git's rule (``safe.directory`` in git-config(1))."""
    uids = {0, os.geteuid()}
    # sudo says whom root works for. Somebody else cannot tell root so.
    named = [os.environ.get(TRUST, "")]
    if os.geteuid() == 0:
        named.append(os.environ.get("SUDO_UID", ""))
    return uids | {int(text) for text in named if text.isascii() and text.isdecimal()}


def _is_private(found: os.stat_result) -> bool:
    """Whether nobody but the owner and root is in the group: umask 002 gives each user such a one.

    Debian's OpenSSH asks the same (user-group-modes.patch).
    """
    if found.st_gid == 0:
        return True
    try:
        group = grp.getgrgid(found.st_gid)
        owner = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        return False
    others = {u.pw_name for u in pwd.getpwall() if u.pw_gid == group.gr_gid} | set(group.gr_mem)
    return others <= {owner, "root"}


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
